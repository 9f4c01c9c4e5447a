"""What ``sandbox host VERB`` does."""

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.cli.commands import doctor as doctors
from sandbox.cli.failures import as_object
from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.errors import NotFound, SandboxError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.hosts.known import Host
    from sandbox.ops.hosts import Looked, Pair

_FLAGS = {"https_port": "--https-port", "http_port": "--http-port", "bind": "--bind", "acme_challenge": "--acme"}


def add(session: Session) -> int:
    """Make a host known.

    Raises:
        UsageError: E150, a new host without an address, or one of --cert and --key without the other; E170, a flag
            cannot be what it is.
        SandboxError: E172, the certificate cannot be used.
    """
    given = session.arguments
    host = _described(session)
    settings = {
        "https_port": given.https_port,
        "http_port": given.http_port,
        "bind": given.bind,
        "acme_challenge": given.acme,
    }
    _possible(settings)
    pair = _pair(given.cert, given.key)
    done = session.sandbox.hosts.add(host, settings, pair, force=given.force, report=session.report)
    session.settle()
    if given.output == "json":
        _json(
            {"host": asdict(done.host), "production": done.production, "checks": [asdict(each) for each in done.checks]}
        )
        return 0
    doctors.show(done.checks)
    Paper(sys.stdout).print(
        f"\n{host.name} is {_where(host)}. sandbox promote ENDPOINT --to {host.name}; sandbox --host {host.name} status"
    )
    return 0


def _described(session: Session) -> "Host":
    """Return the host as it is said now; what is not said stays as it was."""
    from sandbox.hosts import known

    given = session.arguments
    try:
        before: Host | None = session.sandbox.hosts.show(given.name)
    except NotFound:
        before = None
    url = given.url or (before.url if before else "")
    if not url:
        what = f"where {given.name} is has to be said"
        raise UsageError("E150", what, "it is not known yet", f"sandbox host add {given.name} ssh://USER@HOST")
    same = before if before is not None and before.url == url else None
    config = given.ssh_config if given.ssh_config is not None else (before.ssh_config if before else "")
    return known.Host(
        name=given.name,
        url=url,
        folder=given.folder or (before.folder if before else known.FOLDER),
        socket=given.socket or (same.socket if same else known.socket_of(url)),
        registry=given.registry if given.registry is not None else (before.registry if before else ""),
        ssh_config=os.path.abspath(config) if config else "",
    )


def list_all(session: Session) -> int:
    """List the hosts."""
    found = session.sandbox.hosts.list()
    if session.arguments.output == "json":
        _json([asdict(each) for each in found])
        return 0
    for each in found:
        sys.stdout.write(f"{each.name:<16} {_where(each)}\n")
    if not found:
        Paper(sys.stdout).print("There is no host yet.\n  fix: sandbox host add prod ssh://USER@HOST")
    return 0


def show(session: Session) -> int:
    """Show what is known of one."""
    found = session.sandbox.hosts.show(session.arguments.name)
    if session.arguments.output == "json":
        _json(asdict(found))
        return 0
    for key, value in asdict(found).items():
        sys.stdout.write(f"{key:<11} {value or '-'}\n")
    return 0


def doctor(session: Session) -> int:
    """Look whether one is well; return 1 where it is not."""
    from sandbox.hosts import checks

    found = session.sandbox.hosts.doctor(session.arguments.name)
    if session.arguments.output == "json":
        _json({"production": found.production, "checks": [asdict(each) for each in found.checks]})
    else:
        doctors.show(found.checks)
    return 1 if checks.broken(found.checks) else 0


def certificate(session: Session) -> int:
    """Give one another certificate."""
    given = session.arguments
    pair = _pair(given.cert, given.key)
    assert pair is not None
    done: Looked = session.sandbox.hosts.certify(given.name, pair, report=session.report)
    session.settle()
    Paper(sys.stdout).print(f"{given.name}: the certificate for {done.certificate} is in its place")
    return 0


def remove(session: Session) -> int:
    """Forget one."""
    found = session.sandbox.hosts.remove(session.arguments.name)
    Paper(sys.stdout).print(f"{found.name} ({_where(found)}) is forgotten; what runs there goes on")
    return 0


def prepare(session: Session) -> int:
    """Be told by ``add`` of another machine; events are not, the result or the error is a line of JSON."""
    from sandbox.hosts import site

    try:
        said = json.load(sys.stdin)
        done = session.sandbox.hosts.prepare(said, os.environ.get(site.IMAGE, ""))
    except ValueError as error:
        _line(
            {"error": as_object(SandboxError("E163", "what was sent is no JSON", str(error), "use sandbox host add"))}
        )
        return 1
    except SandboxError as error:
        _line({"error": as_object(error)})
        return error.exit_code
    _line({"result": done})
    return 0


def _possible(settings: "Mapping[str, Any]") -> None:
    """See that each flag can be, before anything is shipped; how it goes with the others is known on the host alone."""
    from sandbox.hosts import production

    for key, value in settings.items():
        if value is None:
            continue
        other = {"https_port": "http_port", "http_port": "https_port"}.get(key)
        try:
            production.of({"host": "here", key: value, **({other: value % 65535 + 1} if other else {})})
        except SandboxError as error:
            flag = _FLAGS[key]
            fix = "--acme 127.0.0.1:8402" if flag == "--acme" else f"correct {flag}"
            raise UsageError("E170", f"{flag} {value} cannot be", error.why, fix) from None


def _pair(chain: str | None, key: str | None) -> "Pair | None":
    from sandbox.ops.hosts import Pair

    if not chain and not key:
        return None
    if not chain or not key:
        raise UsageError("E150", "--cert and --key go together", "", "name both files")
    from sandbox.hosts import pair

    found = Pair(_text(chain), _text(key))
    pair.check(found.chain.encode(), found.key.encode())  # as the host does, which is asked much later
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "E172", f"{path} cannot be read", getattr(error, "strerror", "") or str(error), "name a PEM file"
        ) from None


def _where(host: "Host") -> str:
    by = f", images by {host.registry}" if host.registry else ""
    return f"{host.url if '://' in host.url else f'the Docker context {host.url}'}{by}"


def _json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _line(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()
