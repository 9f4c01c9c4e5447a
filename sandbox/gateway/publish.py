"""A description becomes what Envoy does: files in an order that loses no request, each confirmed before the next.

1. clusters and token keys: the old ones and the new ones together;  2. listeners that go;  3. routes;
4. listeners that come, but for those whose ports are taken;  5. clusters and token keys without the old ones.
A file whose content does not change is not written: a change of traffic is one file and a few milliseconds.
"""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sandbox.gateway import keeping, public
from sandbox.gateway.admin import Admin
from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import Description
from sandbox.gateway.errors import PortBusy, Rejected, Unresponsive
from sandbox.gateway.folder import Folder, Written
from sandbox.gateway.listeners import around, listeners, tokens
from sandbox.gateway.occupant import is_taken, occupant
from sandbox.gateway.routes import routes
from sandbox.gateway.words import CERTIFICATE, HTTP_STATS, PUBLIC_ROUTES, ROUTES, TOKENS, Json

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
PAIR = Source("sds.json", f"sds.{CERTIFICATE}")
PUBLIC_ROUTING = Source(f"{PUBLIC_ROUTES}.json", f"http.{HTTP_STATS}.rds.{PUBLIC_ROUTES}")
OF_PUBLIC = (PAIR, PUBLIC_ROUTING)  # counted only while the public listener is open


def write_all(folder: Folder, description: Description, keep: Collection[str] = ()) -> None:
    """Write everything for a gateway that does not run yet, but listeners whose ports are taken."""
    wanted = _wanted(folder, description, keep)
    wanted[LISTENERS] = [one for one in wanted[LISTENERS] if not _is_taken(one)]
    for source, resources in wanted.items():
        written = folder.published(source.file)
        if written is None or written.resources != resources:
            folder.publish(source.file, resources)


def confirm_all(folder: Folder, admin: Admin, log_from: int) -> None:
    """Wait until a gateway that has just been started serves what is written.

    Raises:
        Rejected, PortBusy, Unresponsive: it does not.
    """
    for source in (CLUSTERS, LISTENERS, ROUTING, TOKEN_KEYS, *(OF_PUBLIC if _offers(admin) else ())):
        written = folder.published(source.file)
        if written:
            _confirm(folder, admin, source, written, refused_before=0, log_from=log_from)


def publish(folder: Folder, admin: Admin, description: Description, keep: Collection[str] = ()) -> dict[str, PortBusy]:
    """Make a running gateway do what is described; return when it does.

    Args:
        folder: the files of the gateway.
        admin: where it is asked.
        description: what it shall do.
        keep: names (lower case) of further endpoints, which stay as they were published last.

    Returns:
        The endpoints whose ports somebody else has taken, by name. They are published but for their listeners; one
        that had another port before stays there.

    Raises:
        Rejected: Envoy refused a part; it and the files are as they were before that part.
        PortBusy: the port is not that of one endpoint.
        Unresponsive: no answer within 10 seconds.
    """
    wanted = _wanted(folder, description, keep)
    _put(folder, admin, CLUSTERS, _both(folder, CLUSTERS, wanted[CLUSTERS]))
    _put(folder, admin, TOKEN_KEYS, _both_keys(folder, wanted[TOKEN_KEYS]))
    _put(folder, admin, LISTENERS, _staying(folder, wanted[LISTENERS], admin.listening()))
    _put(folder, admin, ROUTING, wanted[ROUTING])
    _put_public(folder, admin, wanted)
    busy = _open(folder, admin, wanted[LISTENERS])
    _put(folder, admin, CLUSTERS, wanted[CLUSTERS])
    _put(folder, admin, TOKEN_KEYS, wanted[TOKEN_KEYS])
    return busy


def _wanted(folder: Folder, description: Description, keep: Collection[str]) -> dict[Source, list[Json]]:
    described = listeners(description, folder.path)
    ports = {_port(one) for one in described}
    kept = [one for one in keeping.listeners(_resources(folder, LISTENERS), keep) if _port(one) not in ports]
    offered = description.public
    if offered is not None:
        described += public.listeners(offered, around(folder.path), folder.path)
    wanted = {
        CLUSTERS: clusters(description) + keeping.clusters(_resources(folder, CLUSTERS), keep),
        ROUTING: [keeping.with_hosts(routes(description), _resources(folder, ROUTING), keep)],
        TOKEN_KEYS: [keeping.with_keys(tokens(description), _resources(folder, TOKEN_KEYS), keep)],
        LISTENERS: described + kept,
    }
    if offered is not None:
        wanted[CLUSTERS] += public.clusters(offered)
        wanted[PAIR] = [public.certificate(offered)]
        routing = public.routes(description, offered)
        wanted[PUBLIC_ROUTING] = [public.kept(routing, _resources(folder, PUBLIC_ROUTING), keep)]
    return wanted


def _resources(folder: Folder, source: Source) -> list[Json]:
    written = folder.published(source.file)
    return written.resources if written else []


def _offers(admin: Admin) -> bool:
    """Tell whether the public listener is open: only then anybody reads what is its alone."""
    return public.LISTENER in admin.listening()


def _put_public(folder: Folder, admin: Admin, wanted: dict[Source, list[Json]]) -> None:
    """Publish what only the public listener reads; where it is yet to be opened, it finds this then."""
    for source in OF_PUBLIC:
        if source not in wanted:
            folder.remove(source.file)
        elif _offers(admin):
            _put(folder, admin, source, wanted[source])
        else:
            folder.publish(source.file, wanted[source])


# --- Ports -----------------------------------------------------------------------------------------------------------


def _open(folder: Folder, admin: Admin, wanted: list[Json]) -> dict[str, PortBusy]:
    """Publish listeners, without those whose ports are taken: one must not keep the others from being published."""
    open_now = admin.listening()
    before = {one["name"]: one for one in _resources(folder, LISTENERS) if one["name"] in open_now}
    new = [one for one in wanted if _port(one) and open_now.get(one["name"]) != _port(one)]
    busy = {one["name"]: port_busy(_port(one)) for one in new if _is_taken(one)}
    while True:
        possible = [before.get(one["name"]) if one["name"] in busy else one for one in wanted]
        try:
            _put(folder, admin, LISTENERS, [one for one in possible if one is not None])
        except PortBusy as error:  # by somebody who was faster than we
            late = [one for one in new if _port(one) == error.port and one["name"] not in busy]
            if not late:
                raise
            busy[late[-1]["name"]] = error
        else:
            break
    for name, found in busy.items():
        if not keeping.endpoint_of(name):
            raise found
    return {keeping.endpoint_of(name): found for name, found in busy.items()}


def port_busy(port: int) -> PortBusy:
    """Say who has a port."""
    who = occupant(port)
    why = f"{who} listens on it" if who else "somebody else listens on it"
    return PortBusy(f"port {port} is taken", why, "end that process, or give the endpoint another port", port)


def _port(listener: Json) -> int:
    return int(listener["address"].get("socket_address", {}).get("port_value", 0))


def _is_taken(listener: Json) -> bool:
    place = listener["address"].get("socket_address")
    return place is not None and is_taken(place["address"], place["port_value"])


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


def _staying(folder: Folder, wanted: list[Json], open_now: Collection[str]) -> list[Json]:
    """Those that are written, open and wanted; what could not be opened when the gateway began is not tried here."""
    written = folder.published(LISTENERS.file)
    names = {one["name"] for one in wanted} & set(open_now)
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
        _wait(lambda: names <= admin.listening().keys(), "the gateway did not open every port")


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
        return port_busy(int(bind.group(1)))
    said = _SECRETS.sub(r"\1...", said)
    return Rejected(f"the gateway refused {source.file} and serves what it served before", said)
