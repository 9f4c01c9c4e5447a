"""Whether a machine is fit to be a host: what its engine tells of itself, judged. Pure but for the clock.

What only a process there can see, ports and disk, is looked at there (``sandbox.hosts.site``).
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.image import ship
from sandbox.model.check import Check, Verdict

if TYPE_CHECKING:
    from docker import APIClient

OLDEST_API = (1, 41)  # of Docker 20.10
SKEW_S, MOST_SKEW_S = 5.0, 60.0  # tokens and certificates are checked by the clock
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)")


def ask(client: "APIClient", ours: tuple[str, str]) -> list[Check]:
    """Look at an engine by its own words.

    Args:
        client: of the host's engine.
        ours: operating system and architecture of the images that are made here, as images write them.
    """
    before = dt.datetime.now(dt.timezone.utc)
    info, version = client.info(), client.version()
    after = dt.datetime.now(dt.timezone.utc)
    return judge(info, version, ours, ship.architecture(client), (before, after))


def judge(
    info: Mapping[str, Any],
    version: Mapping[str, Any],
    ours: tuple[str, str],
    theirs: tuple[str, str],
    asked: tuple[dt.datetime, dt.datetime],
) -> list[Check]:
    """Say of everything what it means; ``asked``: the times here before and after ``info`` was told."""
    return [
        _engine(version),
        _architecture(ours, theirs),
        _clock(str(info.get("SystemTime", "")), asked),
        *_kind(info, version),
        _restarts(info),
        _gpu(info),
    ]


def _engine(version: Mapping[str, Any]) -> Check:
    said = f"{version.get('Version')}, API {version.get('ApiVersion')}"
    numbers = tuple(int(part) for part in str(version.get("ApiVersion", "0")).split(".") if part.isdecimal())
    if numbers < OLDEST_API:
        return Check("Engine", "broken", f"{said} is too old", "install Docker 20.10 or newer on the host")
    return Check("Engine", "good", said)


def _architecture(ours: tuple[str, str], theirs: tuple[str, str]) -> Check:
    said = "/".join(theirs)
    if ours != theirs:
        fix = "seal and promote from a machine like the host"
        return Check("Architecture", "broken", f"{said}, and images are made here for {'/'.join(ours)}", fix)
    return Check("Architecture", "good", said)


def _clock(said: str, asked: tuple[dt.datetime, dt.datetime]) -> Check:
    found = _TIME.match(said)
    if found is None:
        return Check("Clock", "missing", f"the engine does not tell its time: {said!r}")
    there = dt.datetime.fromisoformat(f"{found[1]}{found[3].replace('Z', '+00:00')}")
    there += dt.timedelta(microseconds=int((found[2] or "0").ljust(6, "0")))
    before, after = asked
    skew = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if skew < SKEW_S:
        return Check("Clock", "good", "as ours")
    verdict: Verdict = "broken" if skew > MOST_SKEW_S else "missing"
    text = f"{skew:.0f} s {'behind' if there < before else 'before'} ours; tokens and certificates go by it"
    return Check("Clock", verdict, text, "let the host keep time: timedatectl set-ntp true")


def _kind(info: Mapping[str, Any], version: Mapping[str, Any]) -> list[Check]:
    found = []
    if any("Podman" in str(part.get("Name")) for part in version.get("Components") or ()):
        found.append(Check("Podman", "missing", "restart policies and health differ", "install Docker on the host"))
    if any("rootless" in str(option) for option in info.get("SecurityOptions") or ()):
        text = "the engine is rootless: ports below 1024 and the host's network are not to be had"
        found.append(Check("Rootless", "broken", text, "use an engine that runs as root"))
    if any("containerd" in str(each) for pair in info.get("DriverStatus") or () for each in pair):
        text = "images are kept in containerd: ids are those of an engine that does so, too"
        found.append(Check("Images", "missing", text))
    return found


def _restarts(info: Mapping[str, Any]) -> Check:
    if info.get("LiveRestoreEnabled"):
        return Check("Live restore", "good", "containers go on while the engine is restarted")
    fix = 'on the host, /etc/docker/daemon.json: {"live-restore": true}, then systemctl reload docker'
    return Check("Live restore", "missing", "containers stop while the engine is restarted", fix)


def _gpu(info: Mapping[str, Any]) -> Check:
    if "nvidia" in (info.get("Runtimes") or {}):
        return Check("GPU", "good", "offered to containers")
    return Check("GPU", "good", "none is offered; deployments run on the CPU")


def broken(checks: Sequence[Check]) -> list[Check]:
    """Return those that nothing works without."""
    return [check for check in checks if check.verdict == "broken"]
