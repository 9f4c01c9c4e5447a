"""What ``sandbox export KIND`` does."""

import os
import sys
from dataclasses import asdict
from typing import Any

from sandbox.cli.changes import shares
from sandbox.cli.output import print_json
from sandbox.cli.session import Session

_START = {
    "compose": "cd {folder} && sh secrets.sh && docker compose up -d",
    "systemd": "cd {folder} && sudo sh install.sh",
    "swarm": "cd {folder} && sh secrets.sh && docker stack deploy -c stack.yml {endpoint}",
    "kubernetes": "cd {folder} && sh secrets.sh && kubectl apply -k .",
}


def compose(session: Session) -> int:
    """Write a folder for docker compose."""
    return _write(session, "compose")


def systemd(session: Session) -> int:
    """Write units for systemd."""
    return _write(session, "systemd")


def swarm(session: Session) -> int:
    """Write a stack for a Swarm."""
    return _write(session, "swarm")


def kubernetes(session: Session) -> int:
    """Write manifests for a cluster."""
    return _write(session, "kubernetes")


def _write(session: Session, kind: str) -> int:
    given = session.arguments
    chosen: dict[str, Any] = {
        "traffic": shares(given.traffic, "--traffic"),
        "mirror": shares(given.mirror_traffic, "--mirror-traffic"),
        "folder": given.to,
    }
    names = ("image_prefix", "gateway_image", "repeat_in_flight", "force", "port", "listen")
    for name in (*names, "namespace", "gateway_class", "hostname"):
        chosen[name] = getattr(given, name, None)
    said = {name: value for name, value in chosen.items() if value is not None}
    made = session.sandbox.exports.write(kind, given.endpoint, **said)
    if given.output == "json":
        print_json(asdict(made))
        return 0
    for name in made.left_out:
        session.warn(f"deployment {name!r} has no traffic and is not sealed: it is left out")
    folder = os.path.relpath(made.folder)
    paths = (*made.changed, *(f"{path} (removed)" for path in made.removed))
    sys.stdout.write("".join(f"{os.path.join(folder, path)}\n" for path in paths) or f"{folder}: as it was\n")
    lines = [f"docker push {name}" for name in made.images if made.push and "@" not in name]
    lines.append(_START[kind].format(folder=folder, endpoint=given.endpoint))
    sys.stdout.write("start it:\n" + "".join(f"  {line}\n" for line in lines))
    return 0
