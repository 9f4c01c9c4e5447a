"""``sandbox doctor``: what works on this machine. Judged here, purely; found out in ``facts``."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from sandbox.cli.commands.facts import DockerFacts, Facts
from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.check import Check, Verdict
from sandbox.model.errors import INSTALL

OLDEST_PYTHON = (3, 10)
LEAST_FREE_BYTES = 1 << 30
PODMAN = "sandbox agent start; docs/docker.md says what else differs from Docker's engine"
_ALL_WORKS = "All that is required works"
_SIGNS: dict[Verdict, tuple[str, str]] = {
    "good": ("ok", "good"),
    "missing": ("--", "warning"),
    "broken": ("!!", "error"),
}


def run(session: Session) -> int:
    """Look and print; return 1 when something required is broken."""
    from sandbox.cli.commands.facts import gather

    checks = judge(gather())
    if session.arguments.output == "json":
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False) + "\n")
    else:
        show(checks)
    return 1 if any(check.verdict == "broken" for check in checks) else 0


def judge(facts: Facts) -> list[Check]:
    """Say of every fact what it means and what to do about it."""
    return [
        _python(facts),
        *_packages(facts),
        _home(facts),
        _ports(facts),
        _envoy(facts),
        _builders(facts),
        _docker(facts.docker),
        _gpus(facts),
        _editor(facts),
    ]


def _python(facts: Facts) -> Check:
    version = ".".join(map(str, facts.python))
    if facts.python[:2] < OLDEST_PYTHON:
        return Check("Python", "broken", f"{version} is too old", "use Python 3.10 or newer")
    if facts.platform == "win32":
        return Check("Python", "broken", f"{version} on Windows", "use WSL: Envoy and the process backend need it")
    return Check("Python", "good", f"{version}, {facts.executable}")


def _packages(facts: Facts) -> list[Check]:
    if not facts.missing:
        return []
    names = ", ".join(facts.missing)
    return [Check("Packages", "broken", f"not installed: {names}", INSTALL)]


def _home(facts: Facts) -> Check:
    if facts.home_error:
        return Check("State folder", "broken", facts.home_error, "set SANDBOX_HOME to a folder of yours")
    free = f"{facts.home}, {facts.home_free_bytes / (1 << 30):.1f} GiB free"
    if facts.home_free_bytes < LEAST_FREE_BYTES:
        fix = "make room, or set SANDBOX_HOME to a folder on another disk"
        return Check("State folder", "missing", f"{free}: little for environments and models", fix)
    return Check("State folder", "good", free)


def _ports(facts: Facts) -> Check:
    if facts.port_error:
        fix = "allow programs of yours to listen on 127.0.0.1"
        return Check("Ports", "broken", f"no port can be opened on 127.0.0.1: {facts.port_error}", fix)
    if facts.serve_port_taken:
        fix = "sandbox serve score.py --port 8080, or end what listens there"
        return Check("Ports", "missing", "free ones can be had; 5001, where `sandbox serve` listens, is taken", fix)
    return Check("Ports", "good", "free ones can be had, 5001 too")


def _envoy(facts: Facts) -> Check:
    if facts.envoy_error:
        return Check("Envoy", "broken", facts.envoy_error, f"{INSTALL}, or set SANDBOX_ENVOY to an Envoy 1.30 or newer")
    return Check("Envoy", "good", f"{facts.envoy_version}, {facts.envoy_path}")


def _builders(facts: Facts) -> Check:
    found = [name for name, path in facts.tools.items() if path and name in {"uv", "conda", "mamba", "micromamba"}]
    if "uv" in found:
        return Check("Environments", "good", f"built by {', '.join(found)}")
    with_conda = f", or by {', '.join(found)}" if found else ""
    if not facts.venv:
        fix = "install uv (docs.astral.sh/uv), or python3-venv"
        return Check("Environments", "broken", "the module venv or ensurepip is missing", fix)
    fix = "install uv (docs.astral.sh/uv): several times faster"
    return Check("Environments", "missing", f"built by venv and pip{with_conda}", fix)


def _docker(docker: DockerFacts) -> Check:
    if docker.error:
        return Check("Docker", "missing", f"{docker.error}; deployments run as processes", docker.fix)
    where = f"{docker.server} at {docker.url} ({docker.source})"
    if docker.left:
        many = f"{len(docker.left)} container{'s' if len(docker.left) > 1 else ''} of folders that are gone"
        return Check("Docker", "missing", f"{where}; {many}, {docker.left[0]}", "sandbox prune removes them")
    if docker.server.startswith("Podman"):
        return Check("Docker", "missing", f"{where}: what crashes is started again by `sandbox agent` alone", PODMAN)
    return Check("Docker", "good", where)


def _gpus(facts: Facts) -> Check:
    if facts.gpus and facts.docker.server and facts.docker.lack:
        text = f"{'; '.join(facts.gpus)}, for processes; none for containers: {facts.docker.lack}"
        return Check("GPU", "missing", text, facts.docker.lack_fix)
    if facts.gpus:
        return Check("GPU", "good", "; ".join(facts.gpus))
    if facts.gpu_error:
        return Check("GPU", "missing", facts.gpu_error, "look at what nvidia-smi says, then at the driver")
    return Check("GPU", "missing", "none found; deployments run on the CPU")


def _editor(facts: Facts) -> Check:
    if facts.tools.get("code"):
        return Check("VS Code", "good", str(facts.tools["code"]))
    fix = "in VS Code: Shell Command: Install 'code' command in PATH; attaching a debugger works without it"
    return Check("VS Code", "missing", "the command `code` is not on PATH", fix)


def show(checks: Sequence[Check]) -> None:
    """Print what was found, and the sum of it."""
    paper = Paper(sys.stdout)
    for check in checks:
        sign, style = _SIGNS[check.verdict]
        paper.print(f"{paper.paint(sign, style)}  {check.name:<13} {check.detail}")
        if check.fix:
            paper.print(f"{'':18}{paper.paint('fix:', 'fix')} {check.fix}")
    broken = sum(check.verdict == "broken" for check in checks)
    least = sum(check.verdict == "missing" for check in checks)
    verdict = f"{broken} of the required things {'do' if broken > 1 else 'does'} not work" if broken else _ALL_WORKS
    rest = f"; {least} could be better" if least else ""
    paper.print(f"\n{paper.paint(verdict, 'error' if broken else 'good')}{rest}.")
