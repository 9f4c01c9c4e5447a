"""What somebody who watches asks again and again: counters, processor and memory, the journal, requests, logs.

Only looks, changes nothing, and never waits for long: what cannot be told is left out.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.backend import gpus, usage
from sandbox.gateway.errors import GatewayError
from sandbox.model.state import DeploymentState
from sandbox.ops.context import Context

if TYPE_CHECKING:
    from sandbox.backend.protocol import Instance, LogLine
    from sandbox.gateway.stats import Snapshot
    from sandbox.ops.asking import Status

Number = TypeVar("Number", int, float)
DETAIL_S = 1.0  # an instance has so long to tell about itself
MOST_READ = 2**18  # bytes of a log that are read at once


@dataclass(frozen=True, slots=True)
class Usage:
    """What a deployment's instances use together. ``cpu_s`` only grows while they run; None: not known.

    ``gpu_percent`` is of one GPU's time, ``gpu_bytes`` of the memory of all.
    """

    cpu_s: float
    memory_bytes: int | None = None
    gpu_percent: float | None = None
    gpu_bytes: int | None = None


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

    def status(self) -> "Status":
        """Look at everything."""
        from sandbox.ops import asking

        return asking.status(self._context)

    def usage(self, instances: "Iterable[Instance]", *, memory: bool = True) -> dict[tuple[str, str], Usage]:
        """Return what deployments use.

        Of each instance that is a process, that one and all that it has started; of each container what the engine
        counts. ``memory``: also how much memory, which takes longer.
        """
        mine = {each.id: each for each in instances if each.state != "exited"}
        leaders = {each.pid: each for each in mine.values() if each.pid is not None}
        found: dict[tuple[str, str], Usage] = {}
        for name, used in self._context.backend.usage(list(mine.values()), memory=memory).items():
            _add(found, mine[name], Usage(used.cpu_s, used.memory_bytes if memory else None))
        for pid, work in gpus.work().items():
            owner = leaders.get(usage.session_of(pid)) or mine.get(usage.container_of(pid, mine) or "")
            if owner is not None:
                _add(found, owner, Usage(0.0, None, work.percent, work.memory_bytes))
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


def _add(found: dict[tuple[str, str], Usage], instance: "Instance", more: Usage) -> None:
    key = (instance.endpoint, instance.deployment)
    before = found.get(key, Usage(0.0))
    found[key] = Usage(
        before.cpu_s + more.cpu_s,
        _sum(before.memory_bytes, more.memory_bytes),
        _sum(before.gpu_percent, more.gpu_percent),
        _sum(before.gpu_bytes, more.gpu_bytes),
    )


def _sum(first: Number | None, second: Number | None) -> Number | None:
    """Add what is known."""
    return second if first is None else first if second is None else first + second


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
