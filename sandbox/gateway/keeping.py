"""Endpoints that stay as they are: what nobody can describe now goes on as it was published last. Pure."""

from collections.abc import Collection, Mapping

from sandbox.gateway.words import LISTENER, Json


def clusters(written: list[Json], keep: Collection[str]) -> list[Json]:
    """Return the clusters of the endpoints ``keep`` (lower case) among those that were written."""
    return [one for one in written if str(one["name"]).partition("~")[0].lower() in keep]


def listeners(written: list[Json], keep: Collection[str]) -> list[Json]:
    """Return their listeners."""
    return [one for one in written if endpoint_of(str(one["name"])).lower() in keep]


def with_hosts(routing: Json, written: list[Json], keep: Collection[str]) -> Json:
    """Return a route configuration with their virtual hosts as well."""
    before = [host for one in written for host in one.get("virtual_hosts", [])]
    return {**routing, "virtual_hosts": [*routing["virtual_hosts"], *(one for one in before if _in(one, keep))]}


def with_keys(tokens: Json, written: list[Json], keep: Collection[str]) -> Json:
    """Return what signed tokens are checked with, theirs as well."""
    config = tokens["typed_config"]
    parts = {part: {**_of(written, part, keep), **config[part]} for part in ("providers", "requirement_map")}
    return {**tokens, "typed_config": {**config, **parts}}


def endpoint_of(listener: str) -> str:
    """Return whose listener it is; "" for one that is nobody's own."""
    kind, _, name = listener.partition("~")
    return name if kind == LISTENER else ""


def _in(host: Json, keep: Collection[str]) -> bool:
    return str(host["name"]).lower() in keep


def _of(written: list[Json], part: str, keep: Collection[str]) -> Mapping[str, Json]:
    found: Json = written[0]["typed_config"][part] if written else {}
    return {name: value for name, value in found.items() if name.lower() in keep}
