"""What the container of an instance is made of, where instances are containers."""

from dataclasses import dataclass

SERVER_PORT = 5001


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or a folder of this machine that is seen in the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Container:
    """The image (by its id) and what the instance sees of this machine.

    ``port`` and ``probe_port`` are inside the container, ``probe_path`` answers 200 when it is ready. ``own``: it
    brings a server of its own, whose command and user are left as they are. ``code`` is where the code lies inside.
    """

    image: str
    mounts: tuple[Mount, ...] = ()
    port: int = SERVER_PORT
    probe_port: int | None = None
    probe_path: str = "/"
    own: bool = False
    code: str = ""
    gpus: bool = False  # the engine gives them, where they are asked for
    cdi: bool = False  # by CDI, and not by the runtime of NVIDIA
    egress: bool = True  # False: it has no network, and is reached by a socket
    door: str = ""  # id of the image that serves this socket, where the server is its own
