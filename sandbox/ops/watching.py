"""What somebody who watches asks again and again: counters, processor and memory, the journal, requests, logs.

Only looks, changes nothing, and never waits for long: what cannot be told is left out.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.gateway.errors import GatewayError
from sandbox.model.state import DeploymentState
from sandbox.ops.context import Context

if TYPE_CHECKING:
    from sandbox.backend.protocol import Instance, LogLine
    from sandbox.gateway.stats import Snapshot

DETAIL_S = 1.0  # an instance has so long to tell about itself
MOST_READ = 2**18  # bytes of a log that are read at once


@dataclass(frozen=True, slots=True)
class Usage:
    """What the processes of a deployment's instances use. ``cpu_s`` only grows while they run."""

    cpu_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the gateway has logged it.

    ``at`` is ISO 8601, UTC; ``ms`` the time until the last byte was sent; ``deployment`` is "" where none was chosen
    (no key, no traffic). ``details`` are the gateway's own words for how it ended.
    """

    at: str
    endpoint: str
    deployment: str
    method: str
    path: str
    status: int
    ms: int
    received: int
    sent: int
    request_id: str
    details: str


class Watching:
    """Questions about everything below one home."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def numbers(self) -> "Snapshot | None":
        """Return what the gateway has counted; None where it cannot be asked."""
        self._context.gateway.shorten_logs()
        try:
            return self._context.gateway.stats()
        except GatewayError:
            return None

    def journal(self, most: int = 200) -> list[dict[str, Any]]:
        """Return the newest notes about all endpoints, those that are gone as well, oldest first."""
        return self._context.store.journals()[-most:]

    def usage(self, instances: "Iterable[Instance]") -> dict[tuple[str, str], Usage]:
        """Return what deployments use: of each instance the process that was started and all that it has started."""
        mine = {each.pid: (each.endpoint, each.deployment) for each in instances if each.pid is not None}
        found: dict[tuple[str, str], Usage] = {}
        for session, usage in _processes(frozenset(mine)):
            before = found.get(mine[session], Usage(0.0, 0))
            found[mine[session]] = Usage(before.cpu_s + usage.cpu_s, before.memory_bytes + usage.memory_bytes)
        return found

    def requests(self, after: int = -1) -> tuple[list[Asked], int]:
        """Return the requests that were logged after a position, and the position to go on from.

        A negative position means: the newest. A log that was begun anew is read from its beginning.
        """
        path = os.path.join(self._context.home.gateway, "access.log")
        ports = {state.port: state.name for state in self._context.store.look()[0]}
        try:
            with open(path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = max(0, size - MOST_READ) if after < 0 else 0 if after > size else max(after, size - MOST_READ)
                file.seek(start)
                whole, _, rest = file.read(MOST_READ).rpartition(b"\n")
        except FileNotFoundError:
            return [], 0
        lines = whole.split(b"\n")
        if start > 0 and start != after:
            del lines[0]  # the end of a line
        found = [asked for line in lines if (asked := _asked(line, ports)) is not None]
        return found, size - len(rest)

    def follow(
        self, endpoint: str | None, deployment: str | None, lines: int, ended: Callable[[], bool]
    ) -> "Iterator[LogLine]":
        """Give the last lines of one deployment, or of several in the order of time, then new ones as they come.

        Args:
            endpoint: None: of all endpoints.
            deployment: None: of all deployments.
            lines: so many of each at the beginning.
            ended: asked again and again; when it says so, the end comes within a second.
        """

        def select() -> "list[Instance]":
            if ended():
                return []
            found = self._context.backend.instances(endpoint)
            return [each for each in found if deployment in (None, each.deployment)]

        return self._context.backend.follow(select, lines)

    def deployment(self, endpoint: str, name: str) -> DeploymentState:
        """Return everything that is kept about a deployment; raises NotFound (E050, E051)."""
        return self._context.deployment(endpoint, name)[1]

    def details(self, endpoint: str, name: str) -> list[dict[str, Any]]:
        """Return what each running instance of a deployment says about itself (``GET /?detail``)."""
        found = [each for each in self._context.backend.instances(endpoint) if each.deployment == name.lower()]
        return [
            {
                "index": each.index,
                "pid": each.pid,
                "port": each.port,
                "revision": each.revision,
                **_get(each, "/?detail"),
            }
            for each in found
            if each.state != "exited"
        ]

    def swagger(self, endpoint: str, name: str) -> dict[str, Any]:
        """Return the OpenAPI document of a deployment; empty where no instance tells one."""
        for each in self._context.backend.instances(endpoint):
            if each.deployment == name.lower() and each.state == "running" and (said := _get(each, "/swagger.json")):
                return said
        return {}


def _asked(line: bytes, ports: dict[int, str]) -> Asked | None:
    try:
        said = json.loads(line)
        endpoint, _, rest = (said["cluster"] or "").partition("~")
        return Asked(
            said["time"],
            endpoint or ports.get(said["port"] or 0, ""),
            rest.partition("~")[0],
            said["method"] or "",
            said["path"] or "",
            int(said["status"] or 0),
            int(said["ms"] or 0),
            int(said["received"] or 0),
            int(said["sent"] or 0),
            said["request_id"] or "",
            said["details"] or "",
        )
    except (ValueError, KeyError, TypeError):
        return None


def _get(instance: "Instance", path: str) -> dict[str, Any]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=DETAIL_S)
    try:
        connection.request("GET", path)
        said = json.loads(connection.getresponse().read())
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()


def _processes(sessions: frozenset[int]) -> Iterator[tuple[int, Usage]]:
    """Give each process of these sessions (an instance leads its own); nothing where there is no /proc."""
    if not sessions or not os.path.isdir("/proc/self"):
        return
    tick = os.sysconf("SC_CLK_TCK")
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            session = int(fields[3])
            if session in sessions:
                yield session, Usage((int(fields[11]) + int(fields[12])) / tick, _memory(name))


def _memory(pid: str) -> int:
    """Return what a process alone adds, in bytes: pages that several share count for each in part."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
