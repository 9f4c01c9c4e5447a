"""The wire between the supervisor, the zygote and the workers: JSON lines over a socket pair, with file descriptors.

A message is a dict with the key ``op``. Connections travel between processes as descriptors beside a message; where the
platform cannot send descriptors (Windows), ``can_send_sockets()`` is False and nobody tries.
"""

import json
import selectors
import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Message = dict[str, Any]

_CHUNK = 65536
_MAX_FDS = 16
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # a script's subprocesses must not keep connections open


def can_send_sockets() -> bool:
    """Whether open connections can be handed to another process here."""
    return hasattr(socket, "send_fds")


@dataclass(frozen=True, slots=True)
class Task:
    """What the supervisor asks a new worker to be."""

    number: int
    slot: int
    board: str
    reloading: bool = False  # answers carry the version of the code
    data: str = ""  # tells contents of watched data files apart
    debug: dict[str, Any] | None = None

    def to_json(self) -> str:
        """The text for ``from_json``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Raises TypeError or ValueError for text of another kind."""
        return cls(**json.loads(text))


class Wire:
    """One end of a socket pair. ``send`` may be called from any thread; ``receive`` and ``drain`` from one thread.

    Every method raises OSError when the other end is gone for good, but for ``receive``, which returns None, and
    ``post``, which returns False.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._lock = threading.Lock()
        self._buffer = b""
        self._fds: deque[int] = deque()

    def fileno(self) -> int:
        """The descriptor, for selectors."""
        return self.sock.fileno()

    def send(self, op: str, *, fds: Sequence[int] = (), **fields: Any) -> None:
        """Send one message. ``fds`` are duplicated into the receiver; the sender still owns its own copies."""
        payload = json.dumps({"op": op, "fds": len(fds), **fields}).encode() + b"\n"
        with self._lock:
            if fds:
                sent = socket.send_fds(self.sock, [payload], list(fds))
                payload = payload[sent:]
            if payload:
                self.sock.sendall(payload)

    def post(self, op: str, *, fds: Sequence[int] = (), **fields: Any) -> bool:
        """Send, or return False when nobody is there to receive."""
        try:
            self.send(op, fds=fds, **fields)
        except OSError:
            return False
        return True

    def receive(self) -> Message | None:
        """Wait for the next message; None at the end of the conversation."""
        while True:
            message = self._take()
            if message is not None:
                return message
            if not self._fill():
                return None

    def drain(self) -> tuple[list[Message], bool]:
        """Read what has arrived, once: (messages, whether the other end is still there). Call when readable."""
        alive = self._fill()
        return self.buffered(), alive

    def rest(self) -> list[Message]:
        """Everything that has arrived, without waiting for more: ``drain`` stops at each descriptor."""
        messages, alive = self.buffered(), True
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            while alive and selector.select(0):
                some, alive = self.drain()
                messages += some
        return messages

    def buffered(self) -> list[Message]:
        """Messages that arrived together with one that ``receive`` returned; no selector tells of them."""
        messages = []
        while (message := self._take()) is not None:
            messages.append(message)
        return messages

    def close(self) -> None:
        """Close this end."""
        self.sock.close()

    def _fill(self) -> bool:
        try:
            if can_send_sockets() and self.sock.family == getattr(socket, "AF_UNIX", None):
                data, fds, _, _ = socket.recv_fds(self.sock, _CHUNK, _MAX_FDS, _CLOSE_ON_EXEC)
                self._fds.extend(fds)
            else:
                data = self.sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    def _take(self) -> Message | None:
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        message: Message = json.loads(line)
        message["fds"] = [self._fds.popleft() for _ in range(message["fds"])]
        return message


def pair() -> tuple[Wire, socket.socket]:
    """A new wire: this process's end, and the other end to be given to a child."""
    ours, theirs = socket.socketpair()
    return Wire(ours), theirs
