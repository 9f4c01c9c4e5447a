"""A description becomes what Envoy does: files in an order that loses no request, each confirmed before the next.

1. clusters and token keys: the old ones and the new ones together;  2. listeners that go;  3. routes;
4. listeners that come;  5. clusters and token keys without the old ones.
A file whose content does not change is not written: a change of traffic is one file and a few milliseconds.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.gateway.admin import Admin
from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import Description
from sandbox.gateway.errors import PortBusy, Rejected, Unresponsive
from sandbox.gateway.folder import Folder, Written
from sandbox.gateway.listeners import listeners, tokens
from sandbox.gateway.occupant import occupant
from sandbox.gateway.routes import routes
from sandbox.gateway.words import HTTP_STATS, ROUTES, TOKENS, Json

CONFIRM_S = 10.0
LOG = "envoy.log"


@dataclass(frozen=True, slots=True)
class Source:
    """One file that Envoy watches, and the prefix under which it counts what it thinks of it."""

    file: str
    stats: str


CLUSTERS = Source("cds.json", "cluster_manager.cds")
ROUTING = Source("rds.json", f"http.{HTTP_STATS}.rds.{ROUTES}")
LISTENERS = Source("lds.json", "listener_manager.lds")
TOKEN_KEYS = Source("ecds.json", f"extension_config_discovery.http_filter.{TOKENS}")


def write_all(folder: Folder, description: Description) -> None:
    """Write everything for a gateway that does not run yet."""
    for source, resources in _wanted(folder, description).items():
        written = folder.published(source.file)
        if written is None or written.resources != resources:
            folder.publish(source.file, resources)


def confirm_all(folder: Folder, admin: Admin, log_from: int) -> None:
    """Wait until a gateway that has just been started serves what is written.

    Raises:
        Rejected, PortBusy, Unresponsive: it does not.
    """
    for source in (CLUSTERS, LISTENERS, ROUTING, TOKEN_KEYS):
        written = folder.published(source.file)
        if written:
            _confirm(folder, admin, source, written, refused_before=0, log_from=log_from)


def publish(folder: Folder, admin: Admin, description: Description) -> None:
    """Make a running gateway do what is described; return when it does.

    Raises:
        Rejected: Envoy refused a part; it and the files are as they were before that part.
        PortBusy: somebody else listens on the port of an endpoint.
        Unresponsive: no answer within 10 seconds.
    """
    wanted = _wanted(folder, description)
    _put(folder, admin, CLUSTERS, _both(folder, CLUSTERS, wanted[CLUSTERS]))
    _put(folder, admin, TOKEN_KEYS, _both_keys(folder, wanted[TOKEN_KEYS]))
    _put(folder, admin, LISTENERS, _staying(folder, wanted[LISTENERS]))
    _put(folder, admin, ROUTING, wanted[ROUTING])
    _put(folder, admin, LISTENERS, wanted[LISTENERS])
    _put(folder, admin, CLUSTERS, wanted[CLUSTERS])
    _put(folder, admin, TOKEN_KEYS, wanted[TOKEN_KEYS])


def _wanted(folder: Folder, description: Description) -> dict[Source, list[Json]]:
    return {
        CLUSTERS: clusters(description),
        ROUTING: [routes(description)],
        TOKEN_KEYS: [tokens(description)],
        LISTENERS: listeners(description, folder.path),
    }


# --- The states in between -------------------------------------------------------------------------------------------


def _both(folder: Folder, source: Source, wanted: list[Json]) -> list[Json]:
    written = folder.published(source.file)
    names = {one["name"] for one in wanted}
    return wanted + [one for one in (written.resources if written else []) if one["name"] not in names]


def _both_keys(folder: Folder, wanted: list[Json]) -> list[Json]:
    written = folder.published(TOKEN_KEYS.file)
    if not written:
        return wanted
    old, new = written.resources[0]["typed_config"], wanted[0]["typed_config"]
    merged = {part: {**old[part], **new[part]} for part in ("providers", "requirement_map")}
    return [{**wanted[0], "typed_config": {**new, **merged}}]


def _staying(folder: Folder, wanted: list[Json]) -> list[Json]:
    written = folder.published(LISTENERS.file)
    names = {one["name"] for one in wanted}
    return [one for one in (written.resources if written else wanted) if one["name"] in names]


# --- One file --------------------------------------------------------------------------------------------------------


def _put(folder: Folder, admin: Admin, source: Source, resources: list[Json]) -> None:
    before = folder.published(source.file)
    if before and before.resources == resources and _version(admin, source) == before.version:
        return
    refused, log_from = _refused(admin, source), folder.size(LOG)
    written = Written(folder.publish(source.file, resources), resources)
    try:
        _confirm(folder, admin, source, written, refused_before=refused, log_from=log_from)
    except Rejected:
        if before:
            _restore(folder, admin, source, before)
        raise


def _restore(folder: Folder, admin: Admin, source: Source, before: Written) -> None:
    """Write again what was there: Envoy may have taken the good parts of a bad file, and would read it at its start."""
    refused, log_from = _refused(admin, source), folder.size(LOG)
    again = Written(folder.publish(source.file, before.resources), before.resources)
    _confirm(folder, admin, source, again, refused_before=refused, log_from=log_from)


def _confirm(
    folder: Folder, admin: Admin, source: Source, written: Written, *, refused_before: int, log_from: int
) -> None:
    def taken() -> bool:
        if _version(admin, source) == written.version:
            return True
        if _refused(admin, source) > refused_before:
            raise _rejection(source, _complaint(folder.tail(LOG, log_from)))
        return False

    _wait(taken, f"the gateway did not take {source.file}")
    if source is CLUSTERS:
        name = "cluster_manager.warming_clusters"
        _wait(lambda: admin.texts(f"^{name}$").get(name, "0") == "0", "the gateway did not get new clusters ready")
    if source is LISTENERS:
        names = {one["name"] for one in written.resources}
        _wait(lambda: names <= admin.listening(), "the gateway did not open every port")


def _version(admin: Admin, source: Source) -> str | None:
    name = f"{source.stats}.version_text"
    return admin.texts(f"^{re.escape(name)}$").get(name)


def _refused(admin: Admin, source: Source) -> int:
    """Return how often a file was refused: for what it says, or because it could not be read."""
    numbers = admin.texts(f"^{re.escape(source.stats)}\\.(update_rejected|update_failure)$")
    return sum(int(value) for value in numbers.values())


def _wait(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + CONFIRM_S
    pause = 0.001
    while not condition():
        if time.monotonic() > deadline:
            raise Unresponsive(complaint, f"waited {CONFIRM_S:.0f} s")
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)


# --- What Envoy says -------------------------------------------------------------------------------------------------

_WARNING = re.compile(r"^\[[^]]*\]\[(?:warning|error|critical)\]\[[^]]*\] (.*)")
_PREFIX = re.compile(r"^(?:Filesystem config update (?:rejected|failure): )")
_SECRETS = re.compile(r"(\(\?i:bearer\) \+)\([^']*\)")  # Envoy repeats the expression that holds the keys
_BIND = re.compile(r"cannot bind '[^']*?:(\d+)'")


def _complaint(log: str) -> str:
    """Return the warnings of a piece of the log, each once."""
    warnings = (match.group(1) for line in log.splitlines() if (match := _WARNING.match(line)))
    said = dict.fromkeys(_PREFIX.sub("", text).strip() for text in warnings)
    return "\n".join(said) or "it gave no reason"


def _rejection(source: Source, said: str) -> Rejected:
    bind = _BIND.search(said)
    if bind:
        port = int(bind.group(1))
        who = occupant(port)
        why = f"{who} listens on it" if who else "somebody else listens on it"
        return PortBusy(f"port {port} is taken", why, "end that process, or give the endpoint another port")
    said = _SECRETS.sub(r"\1...", said)
    return Rejected(f"the gateway refused {source.file} and serves what it served before", said)
