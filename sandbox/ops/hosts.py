"""Hosts: made known when they are fit, looked at, given a certificate, and told commands."""

import contextlib
import dataclasses
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.model.check import Check
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report
from sandbox.ops.context import Context

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.hosts.known import Host
    from sandbox.image.listing import Listed

PREPARE = "host-prepare"  # the verb on the host; takes JSON on standard input
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Texts of a certificate's chain and of its key, PEM."""

    chain: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Looked:
    """A host, what was found, and the settings of production there (None where nobody has told)."""

    host: "Host"
    checks: tuple[Check, ...]
    production: Mapping[str, Any] | None = None
    certificate: str = ""  # names that a certificate is for which was installed now


class NotFit(SandboxError):
    """A host that does not pass; ``checks`` holds everything that was looked at."""

    checks: tuple[Check, ...] = ()


def add(context: Context, host: "Host", settings: Mapping[str, Any], pair: Pair | None, *, force: bool) -> Looked:
    """Look at a host, bring the program there, write down its settings there, and here that it is known.

    Args:
        context: of this machine.
        host: what is to be known of it.
        settings: fields of ``Production`` that are said now; the others stay as they are there.
        pair: its certificate, None: it keeps the one that it has.
        force: also when it does not pass.

    Raises:
        SandboxError: E152 to E163, it is not reached or the program does not arrive; E165, it does not pass; E170,
            E172.
    """
    from sandbox.hosts import known

    done = _with(context, host, {"production": settings, "force": force}, pair, bring=True, force=force)
    known.add(context.home, host)
    return done


def doctor(context: Context, name: str) -> Looked:
    """Look at a host, and change nothing; raises as ``add``, but not for what does not pass."""
    from sandbox.hosts import known

    return _with(context, known.find(context.home, name), {"look": True}, None, bring=False, force=True)


def certify(context: Context, name: str, pair: Pair) -> Looked:
    """Give a host another certificate; its gateway takes it while it serves. Raises as ``add``."""
    from sandbox.hosts import known

    return _with(
        context, known.find(context.home, name), {"production": {}, "force": True}, pair, bring=True, force=True
    )


def carry_out(
    context: Context, name: str, argv: Sequence[str], *, stdin: bytes | None, tty: bool, told: Callable[[str], None]
) -> int:
    """Carry out a command line on a host; the program is brought there first where it is not. Returns its exit code.

    ``told`` hears, before the command begins, which host that is.

    Raises:
        NotFound: E151.
        SandboxError: E152 to E163.
    """
    from sandbox.hosts import known, reach, run

    host = known.find(context.home, name)
    told(f"{host.name} ({host.url})")
    with contextlib.closing(reach.engine(host)) as target, reach.telling(host):
        image = _brought(context, target, host)
    return run.run(host, argv, stdin=stdin, tty=tty, image=image)


def _with(
    context: Context, host: "Host", said: Mapping[str, Any], pair: Pair | None, *, bring: bool, force: bool
) -> Looked:
    from sandbox.hosts import checks, program, reach, run

    with contextlib.closing(reach.engine(host)) as target, reach.telling(host):
        found = checks.ask(target, _ours())
        _pass(host, found, force=force)
        image = _brought(context, target, host) if bring else program.there(target) or program.any_of(target)
    if not image:
        fix = "the first command with --host, or sandbox promote, brings it"
        return Looked(host, (*found, Check("Program", "missing", "not there yet", fix)))
    answer = _Answer(context.report, host.name)
    sent = {
        **said,
        "host": host.name,
        "socket": host.socket,
        **({"certificate": dataclasses.asdict(pair)} if pair else {}),
    }
    code = run.run(host, [PREPARE], stdin=json.dumps(sent).encode(), on_line=answer.line, image=image)
    there = answer.result(code)
    every = (*found, *(Check(**each) for each in there["checks"]))
    _pass(host, every, force=force)
    return Looked(host, every, there.get("production"), str(there.get("certificate", "")))


def _pass(host: "Host", found: Sequence[Check], *, force: bool) -> None:
    from sandbox.hosts import checks

    if force or not (bad := checks.broken(found)):
        return
    why = "\n".join(f"{each.name}: {each.detail}" for each in bad)
    error = NotFit("E165", f"{host.name} is not fit to be a host", why, bad[0].fix or "correct it; --force goes on")
    error.checks = tuple(found)
    raise error


def _brought(context: Context, target: "APIClient", host: "Host") -> str:
    from sandbox.hosts import program
    from sandbox.image import engine

    return program.ensure(context.home, engine.connect, target, host, context.report)


def _ours() -> tuple[str, str]:
    """Return for which machines images are made here: those of the engine, else those like this one."""
    from sandbox.image import engine, ship

    try:
        with contextlib.closing(engine.connect()) as client:
            return ship.architecture(client)
    except SandboxError:
        return "linux", _ARCHITECTURES.get(platform.machine(), platform.machine())


class _Answer:
    """What the verb on the host says, line by line: events, then a result or an error."""

    def __init__(self, report: Report, host: str) -> None:
        self._report, self._host = report, host
        self._said: dict[str, Any] = {}

    def line(self, text: str) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            return
        if isinstance(said, dict) and "event" in said:
            event = said["event"]
            self._report(Event(**{**event, "text": f"{self._host}: {event['text']}"}))
        elif isinstance(said, dict):
            self._said = said

    def result(self, code: int) -> dict[str, Any]:
        if error := self._said.get("error"):
            raise SandboxError(error["code"], f"{self._host}: {error['what']}", error["why"] or "", error["fix"] or "")
        if "result" not in self._said:
            what = f"the command on {self._host} ended with {code} and said nothing"
            raise SandboxError("E163", what, "", f"sandbox host doctor {self._host}")
        return dict(self._said["result"])


# --- On the host -----------------------------------------------------------------------------------------------------


def prepare(context: Context, said: Mapping[str, Any], image: str) -> dict[str, Any]:
    """Look at this machine as a host, and make its home one of production, as ``add`` has sent it.

    Returns:
        ``checks``; ``production``, the settings as they are now; ``certificate``, what a new one is for.

    Raises:
        SandboxError: E170, E172.
    """
    from sandbox.hosts import checks, production, site
    from sandbox.ops import heal

    before = production.read(context.home)
    place = {"host": said["host"], "socket": said["socket"]}
    wanted = site.merged(before, {**said.get("production", {}), **place}, image if not said.get("look") else "")
    serving = before is not None and context.gateway.running() is not None
    same = before is not None and (before.http_port, before.https_port) == (wanted.http_port, wanted.https_port)
    pair = said.get("certificate")
    installed = ""
    found = site.look(context.home, wanted, serving=serving and same)
    if said.get("look"):
        return {"checks": _as_objects(found), "production": dataclasses.asdict(before) if before else None}
    if said.get("force") or not checks.broken(found):
        if pair:  # first: one that cannot be used makes no host of this machine
            installed = site.install(context.home, wanted, pair)
        production.write(context.home, wanted)
        heal.heal(dataclasses.replace(context))
        found = site.look(context.home, wanted, serving=serving)
    return {"checks": _as_objects(found), "production": dataclasses.asdict(wanted), "certificate": installed}


def tidy(context: Context) -> "list[Listed]":
    """Remove the images of a host that nothing serves from and no kept generation needs; return them.

    On other machines nothing is removed.
    """
    from sandbox.hosts import production, run
    from sandbox.image import engine, ship_left
    from sandbox.ops import images

    settings = production.read(context.home)
    if settings is None:
        return []
    with contextlib.closing(engine.connect()) as client:
        run.sweep(client)
        removed = ship_left.prune(client, images.needed(context) | {settings.image})
    context.store.note("-", "prune", f"{len(removed)} images removed")
    return removed


def _as_objects(found: Sequence[Check]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(each) for each in found]
