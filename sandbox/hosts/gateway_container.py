"""The gateway as a container on a host: the engine starts it again after a crash, a restart of itself or a reboot.

What it does is in files, as for a gateway that is a process, so that it needs nobody when it comes back. It sees two
folders of the host: its own, and the certificates to read.
"""

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.gateway import process
from sandbox.gateway.admin import Admin
from sandbox.gateway.errors import NotRunning, Unresponsive
from sandbox.gateway.folder import Folder
from sandbox.gateway.process import Identity
from sandbox.gateway.publish import LOG
from sandbox.home import Home
from sandbox.hosts import privileges
from sandbox.hosts.production import Production

if TYPE_CHECKING:
    from docker import APIClient

PREFIX = "endpoint-sandbox."
# Labels: of which home, how it is made, and when (seconds since 1970).
GATEWAY, KEY, MADE = f"{PREFIX}gateway", f"{PREFIX}gateway-key", f"{PREFIX}gateway-made"
HOME = f"{PREFIX}home"  # the image has it, and what bears it is taken for an instance
PYTHON = "/opt/sandbox/env/bin/python"  # in the image of the host
MODULE = "sandbox.hosts.inside_gateway"
KEPT, ONCE = "unless-stopped", "no"  # policies of the engine
INCOMPATIBLE = 75  # its exit code where the one that runs can hand nothing over
CAPABILITIES = (*privileges.TO_CHANGE, "NET_BIND_SERVICE")
PROCESSES = 512
LOG_BYTES, LOG_PARTS = "10m", "3"
START_S = 30.0
STOP_S = 10
PATIENCE_S = 20.0  # less than others wait for the lock that is held meanwhile
SHOWN = 8  # lines of the log in an error


class InContainer:
    """Runs the gateway of a home in a container of its host's engine."""

    def __init__(self, home: Home, production: Production, connect: "Callable[[], APIClient]") -> None:
        """``connect`` gives a client of the engine; it is asked for when it is needed first."""
        self._home, self._production, self._connect = home, production, connect
        self._client: APIClient | None = None

    # --- As the gateway asks for it ----------------------------------------------------------------------------------

    def start(self, folder: Folder, admin: Admin) -> int:
        """Start it, or wait for one that is being started; return from where on the log is its.

        Raises:
            NotRunning: the engine does not start it, or it ended.
        """
        folder.set_aside_large(process.LOGS)
        log_from = folder.size(LOG)
        asked = self._asked(folder)
        found = self._containers()
        kept = found[:1] if found and _is(found[0], asked) else []
        for each in found[len(kept) :]:
            self._remove(each["Id"])
        made = str(kept[0]["Id"]) if kept else self._create(asked)
        process.wait_until(lambda: admin.answers() or self._ended(made) is not None, START_S)
        if not admin.answers():
            raise self._failed(made, folder, log_from)
        self._policy(made, KEPT)
        return log_from

    def renew(self, folder: Folder, admin: Admin) -> None:
        """Start the new one beside the old one, which hands its sockets over and ends when its requests have.

        Raises:
            NotRunning: the new one does not run; the old one goes on.
        """
        asked = self._asked(folder)
        found = self._containers()
        for each in found:
            if each["State"] != "running":
                self._remove(each["Id"])
        running = [each for each in found if each["State"] == "running"]
        if running and _is(running[0], asked):
            self._keep(running[0]["Id"], running[1:])  # whoever started it may have been cut off before
            return
        before = _epoch(admin)
        log_from = folder.size(LOG)
        # A third one ends the first at once, which may still answer requests.
        process.wait_until(lambda: len(running) < 2 or not _connections_of_last(admin), PATIENCE_S)
        made = self._create(asked)
        process.wait_until(lambda: _is_new(admin, before) or self._ended(made) is not None, START_S)
        if _is_new(admin, before):
            self._keep(made, running)
            return
        code = self._ended(made)
        failure = self._failed(made, folder, log_from)
        if code == INCOMPATIBLE:
            self.stop(folder, admin, STOP_S)
            self.start(folder, admin)
            return
        raise failure

    def stop(self, folder: Folder, admin: Admin, grace_s: float) -> None:
        """End it, and what is left of those that it has replaced."""
        found = self._containers()
        for each in found:
            self._policy(each["Id"], ONCE)
        if process.runs(folder):
            with contextlib.suppress(Unresponsive):
                process.drain(admin, grace_s)
        for each in found:
            self._remove(each["Id"])
        process.wait_until(lambda: not process.runs(folder), process.END_S)
        process.stop(folder, admin, grace_s)  # one that is no container, of a home that was none of production
        for name in ("admin.sock", "keeper.sock"):
            folder.remove(name)

    def identify(self, folder: Folder, admin: Admin) -> Identity | None:
        """Return its process as this program sees it: 0 where it lies in another list of processes than ours."""
        return process.identify(folder, admin) or Identity(0, "")

    def strays(self, folder: Folder, admin: Admin) -> list[Identity]:  # noqa: ARG002 - as every launcher
        """Leave it to ``start``, which removes every other container of this gateway."""
        return []

    # --- Containers --------------------------------------------------------------------------------------------------

    def _asked(self, folder: Folder) -> dict[str, Any]:
        """Return what the engine is asked for; a label says how the container is made."""
        certificates = self._home.at(self._production.certificate_folder)
        asked = container(self._production.image, folder.path, certificates)
        key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        return {**asked, "labels": {HOME: "", GATEWAY: self._home.owner, KEY: key, MADE: f"{time.time():.6f}"}}

    def _containers(self) -> list[Mapping[str, Any]]:
        """Return those of this gateway, the newest first: the others are what it has replaced."""
        wanted = {"label": f"{GATEWAY}={self._home.owner}"}
        found = self._engine().containers(all=True, filters=wanted)
        return sorted(found, key=lambda each: str(each["Labels"].get(MADE)), reverse=True)

    def _create(self, asked: Mapping[str, Any]) -> str:
        from docker.errors import APIError

        client = self._engine()
        os.makedirs(asked["shared"], mode=0o700, exist_ok=True)
        made = ""
        try:
            made = str(
                client.create_container(
                    asked["image"],
                    command=asked["command"],
                    entrypoint=[],
                    name=f"sandbox-{self._home.owner}-gateway-{secrets.token_hex(4)}",
                    user="0:0",
                    environment=asked["environment"],
                    labels=asked["labels"],
                    host_config=client.create_host_config(**_host_config(asked)),
                )["Id"]
            )
            client.start(made)
        except APIError as error:
            if made:
                self._remove(made)
            why = str(error.explanation or error)
            fix = (
                "promote again, which brings the image"
                if "no such image" in why.lower()
                else "see what the engine says"
            )
            raise NotRunning("the engine does not start the gateway", why, fix) from None
        return made

    def _ended(self, made: str) -> int | None:
        """Return the exit code of a container that has ended, None while it runs or is started again."""
        from docker.errors import NotFound

        try:
            found = self._engine().inspect_container(made)
        except NotFound:
            return -1
        state = found["State"]
        return None if state["Running"] and not state["Restarting"] else int(state["ExitCode"])

    def _failed(self, made: str, folder: Folder, log_from: int) -> NotRunning:
        """Remove a container that does not do, and return why."""
        from docker.errors import APIError

        said = ""
        with contextlib.suppress(APIError):
            said = self._engine().logs(made, tail=SHOWN).decode(errors="replace")
        self._remove(made)
        lines = [*folder.tail(LOG, log_from).strip().splitlines()[-SHOWN:], *said.strip().splitlines()[-SHOWN:]]
        return NotRunning("the gateway could not be started", "\n".join(lines), f"see {folder.at(LOG)}")

    def _keep(self, made: str, replaced: Sequence[Mapping[str, Any]]) -> None:
        """Let the engine start this one again, and those that it has replaced no more: they end by themselves.

        In this order: a machine that is cut off from power at any moment comes back with a gateway.
        """
        self._policy(made, KEPT)
        for each in replaced:
            self._policy(each["Id"], ONCE)

    def _policy(self, container: str, name: str) -> None:
        from docker.errors import APIError

        with contextlib.suppress(APIError):  # it is gone
            self._engine().update_container(container, restart_policy={"Name": name})

    def _remove(self, container: str) -> None:
        from docker.errors import APIError

        client = self._engine()
        with contextlib.suppress(APIError):
            client.stop(container, timeout=STOP_S)
        with contextlib.suppress(APIError):
            client.remove_container(container, force=True, v=True)

    def _engine(self) -> "APIClient":
        if self._client is None:
            self._client = self._connect()
        return self._client


def container(image: str, folder: str, certificates: str) -> dict[str, Any]:
    """Return how the container is made, as plain values: two that are equal need no change. Pure."""
    return {
        "image": image,
        "command": [PYTHON, "-m", MODULE, folder, certificates],
        "environment": {"HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},  # noqa: S108 - in a container
        "folder": folder,
        "certificates": certificates,
        "shared": os.path.join(folder, "shm"),
    }


def _host_config(asked: Mapping[str, Any]) -> dict[str, Any]:
    from docker.types import LogConfig, Mount

    return {
        "network_mode": "host",
        "restart_policy": {"Name": ONCE},  # until it has served: what ends before that will end again
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"},  # noqa: S108 - in a container
        "pids_limit": PROCESSES,
        "log_config": LogConfig(type="json-file", config={"max-size": LOG_BYTES, "max-file": LOG_PARTS}),
        "mounts": [
            Mount(asked["folder"], asked["folder"], "bind"),
            Mount("/dev/shm", asked["shared"], "bind"),  # noqa: S108 - what two of them hand over, in a private folder
            Mount(asked["certificates"], asked["certificates"], "bind", read_only=True),
        ],
    }


def _is(found: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Tell whether a container runs and is made as is asked for."""
    return bool(found["State"] == "running" and found["Labels"].get(KEY) == asked["labels"][KEY])


def _epoch(admin: Admin) -> int:
    """Return which in its row the Envoy is that answers, -1 where none does."""
    try:
        return int(admin.json("/server_info")["command_line_options"]["restart_epoch"])
    except Unresponsive:
        return -1


def _connections_of_last(admin: Admin) -> int:
    """Return how many clients are still connected to the Envoy that this one has replaced."""
    name = "server.parent_connections"
    return int(admin.texts(f"^{name}$").get(name, "0"))


def _is_new(admin: Admin, before: int) -> bool:
    return _epoch(admin) not in {before, -1} and admin.answers()
