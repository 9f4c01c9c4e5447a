"""The desired state of endpoints and deployments: what was asked for, how far it got. What really runs is observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.model.container import Container
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint

ProvisioningState = Literal["Creating", "Updating", "Succeeded", "Failed", "Deleting"]  # Azure's words (spec section 1)


@dataclass(frozen=True, slots=True)
class Operation:
    """A command at work. ``owner`` tells which process works (``store.owner``); a dead one was interrupted."""

    id: str
    verb: str
    owner: str
    began: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something is not as asked: the fields of a SandboxError, and the last lines of the log."""

    code: str
    what: str
    why: str = ""
    fix: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """What instances are made of: once written, it never changes. Scaling changes the deployment's number alone.

    ``digest`` covers everything that it is made of, ``code_digest`` the code alone. ``arguments`` are flags of the
    server. ``variables`` hold references to secrets, not the secrets.
    """

    id: str
    digest: str
    code_digest: str
    python: str
    python_path: tuple[str, ...] = ()
    environment_key: str = ""
    model_dir: str | None = None
    code_root: str | None = None
    app_root: str = ""
    entry_script: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    backend: Literal["process", "docker"] = "process"
    image: str = ""  # its name, for people
    container: Container | None = None
    debug_port: int | None = None


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """A deployment: as asked for (``wanted``), and the revision that answers (``serving``).

    ``development``: the code is the developer's own folder, and the server reloads it.
    ``fresh``: files are read again from where ``wanted`` names them; else those of the serving revision are used.
    """

    wanted: Deployment
    state: ProvisioningState = "Creating"
    serving: Revision | None = None
    served: Deployment | None = None  # what ``serving`` was made of; it is ``wanted`` when all went well
    coming: str | None = None  # the revision that an operation is bringing up
    last_revision: int = 0
    development: bool = False
    debug_port: int | None = None  # on loopback; a debugger may attach to the first instance there
    debugging: bool = (
        False  # by `sandbox debug`: one instance that runs the developer's folder, until it is switched off
    )
    before: Revision | None = None  # what served when that began, and shall serve again
    fresh: bool = True
    backend: Literal["process", "docker"] = "process"  # what runs it
    failure: Failure | None = None
    operation: Operation | None = None
    created: str = ""
    changed: str = ""

    @property
    def asked(self) -> Deployment:
        """What is to run now: ``wanted``, but one instance of it while it is debugged."""
        return replace(self.wanted, instance_count=1) if self.debugging else self.wanted

    @property
    def follows(self) -> bool:
        """Whether the code is the developer's own folder, and reloaded when it is saved."""
        return self.development or self.debugging

    @property
    def kept(self) -> tuple[Revision, ...]:
        """The revisions that are needed: the one that serves, and the one that is to serve again."""
        return tuple(each for each in (self.serving, self.before) if each is not None)


@dataclass(frozen=True, slots=True)
class EndpointState:
    """An endpoint with its deployments. ``generation`` grows with each write; ``operation`` is its deletion."""

    endpoint: Endpoint
    port: int
    state: ProvisioningState = "Succeeded"
    deployments: Mapping[str, DeploymentState] = field(default_factory=dict)
    generation: int = 0
    operation: Operation | None = None
    created: str = ""
    changed: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.endpoint.name
