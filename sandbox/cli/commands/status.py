"""``sandbox status``: what there is, and how it is."""

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from sandbox.agent.place import running
from sandbox.cli.commands.agent import OFF
from sandbox.cli.output import aligned
from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.hosts import production

if TYPE_CHECKING:
    from sandbox.model.state import Failure
    from sandbox.ops.asking import DeploymentStatus, EndpointStatus, Status

UNSEEN = frozenset({"E110", "E111", "E112", "E113"})
COLUMNS = ("Endpoint", "Deployment", "State", "Traffic", "Mirror", "Instances", "Port", "Address")
IMAGE = "Image"  # one column more, where something runs from a sealed image, or was sealed


def run(session: Session) -> int:
    """Print the table, and below it what needs attention."""
    status = session.sandbox.status()
    if session.arguments.output == "json":
        sys.stdout.write(json.dumps(dataclasses.asdict(status), indent=2, ensure_ascii=False) + "\n")
        return 0
    paper = Paper(sys.stdout)
    if not status.endpoints and not status.troubles:
        host = production.read(session.sandbox.home)
        fix = f"sandbox promote ENDPOINT --to {host.host}" if host else "sandbox init shop && cd shop && sandbox up ."
        paper.print(f"There is no endpoint yet.\n  fix: {fix}")
        return 0
    shown = [row for endpoint in status.endpoints for row in rows(endpoint, unseen=_unseen(status, endpoint.name))]
    for line in table(shown, paper) if shown else ():
        paper.print(line)
    for line in gpu_lines(status):
        paper.print(line)
    for line in notes(status):
        paper.print(f"\n{line}")
    if running(session.sandbox.home) is None and production.read(session.sandbox.home) is None:
        paper.print(f"\n{paper.paint(f'{OFF} sandbox agent start looks after it.', 'dim')}")
    return 0


def table(found: list[list[str]], paper: Paper) -> list[str]:
    """Return the lines of the table; the states are painted where that is seen."""
    columns = (*COLUMNS, IMAGE) if any(row[-1] for row in found) else COLUMNS
    head, rule, *lines = aligned(columns, [row[: len(columns)] for row in found]).splitlines()
    at = head.index("State")
    made = [head, rule]
    for row, line in zip(found, lines, strict=True):
        state = row[COLUMNS.index("State")]
        style = "good" if state == "Succeeded" else "error" if state.startswith("Failed") else "warning"
        made.append(f"{line[:at]}{paper.paint(state, style)}{line[at + len(state) :]}")
    return made


def _unseen(status: "Status", endpoint: str) -> bool:
    """Tell whether the containers of an endpoint cannot be seen: their engine does not answer."""
    return endpoint in status.troubles and status.troubles[endpoint].code in UNSEEN


def rows(endpoint: "EndpointStatus", *, unseen: bool = False) -> list[list[str]]:
    """Return the lines of an endpoint; its own values stand in the first one only. ``unseen``: its containers are."""
    own = [endpoint.name, "", endpoint.state, "", "", "", str(endpoint.port), endpoint.scoring_uri, ""]
    if not endpoint.deployments:
        return [own]
    made = [
        [
            "",
            each.name,
            f"{each.state}, interrupted" if each.interrupted else each.state,
            f"{each.live_percent} %",
            f"{each.mirror_percent} %" if each.mirror_percent else "",
            f"{'?' if unseen and not each.running else each.running} of {each.wanted}",
            "",
            "",
            short(each.image),
        ]
        for each in endpoint.deployments
    ]
    made[0] = [endpoint.name, *made[0][1:6], *own[6:8], made[0][8]]
    return made


def short(image: str) -> str:
    """Write the id of an image as docker does."""
    return image.removeprefix("sha256:")[:12]


def here(session: Session, host: str) -> None:
    """Below the status of a host, print what of this machine was sealed, and how that is called there."""
    from sandbox.ops.generations import name_of

    found = [
        (f"{endpoint.name}/{each.name}", short(each.image), name_of(each.name, each.image))
        for endpoint in session.sandbox.status().endpoints
        for each in endpoint.deployments
        if each.image
    ]
    paper = Paper(sys.stdout)
    if found:
        paper.print(f"\nSealed here, and what it is called on {host} once it was promoted:")
    for name, image, there in found:
        paper.print(f"  {name:<24} {image}  {there}")


def gpu_lines(status: "Status") -> list[str]:
    """Say what the GPUs do; nothing where no deployment asks for one."""
    seen = status.gpus
    if seen is None:
        return []
    if seen.missing:
        return [f"\n{seen.missing}.\n  fix: {seen.fix}"]
    lines = [""]
    for each in seen.cards:
        used, total = each.used_bytes / 2**30, each.total_bytes / 2**30
        more = [f"{each.busy_percent} % busy"] if each.busy_percent is not None else []
        more += [f"{each.celsius} °C"] if each.celsius is not None else []
        more += [f"{each.watts:.0f} W"] if each.watts is not None else []
        whose = f"  {', '.join(each.used_by)}" if each.used_by else ""
        lines.append(f"GPU {each.index}  {each.name}  {used:.1f} of {total:.1f} GiB  {'  '.join(more)}{whose}".rstrip())
    return lines


def notes(status: "Status") -> list[str]:
    """Say what is not as it should be, and what to do about it."""
    found = []
    if status.gateway is None and any(endpoint.deployments for endpoint in status.endpoints):
        found.append("The gateway does not run: nothing answers.\n  fix: sandbox up")
    found += [_trouble(f"endpoint {name} is not as asked for", failure) for name, failure in status.troubles.items()]
    found += [f"{each.text[:1].upper()}{each.text[1:]}.\n  fix: {each.fix}" for each in status.certificate if each.fix]
    for endpoint in status.endpoints:
        for each in endpoint.deployments:
            if each.running or not _unseen(status, endpoint.name):
                found += _note(endpoint.name, each)
    return found


def _trouble(headline: str, failure: "Failure", fix: str = "") -> str:
    why = f"\n  {failure.why}" if failure.why else ""
    return f"{headline}: [{failure.code}] {failure.what}{why}\n  fix: {failure.fix or fix}"


def _note(endpoint: str, each: "DeploymentStatus") -> list[str]:
    name = f"{endpoint}/{each.name}"
    if each.failure is not None:
        fix = f"sandbox online-deployment get-logs -n {each.name} -e {endpoint}"
        return [_trouble(f"{name} failed", each.failure, fix)]
    if each.interrupted:
        return [f"{name}: its command ended in the middle.\n  fix: sandbox up"]
    if each.state == "Succeeded" and each.running < each.wanted:
        return [f"{name}: {each.wanted - each.running} of {each.wanted} instances are missing.\n  fix: sandbox up"]
    if each.debugging:
        back = f"sandbox debug {each.name} -e {endpoint} --off"
        return [f"{name} is in debug mode, one instance; debugger: 127.0.0.1:{each.debug_port}.\n  back: {back}"]
    return []
