"""``sandbox init DIR``: a folder to start from."""

import os
import re
import sys

from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model import names
from sandbox.model.errors import SandboxError, UsageError

FILES = {  # in the folder -> in the template
    "score.py": "score.py",
    "sample-request.json": "sample-request.json",
    "endpoint.yml": "endpoint.yml",
    "blue-deployment.yml": "blue-deployment.yml",
    "conda.yml": "conda.yml",
    os.path.join(".vscode", "launch.json"): "launch.json",
}
_PLACEHOLDER = "my-endpoint"


def run(session: Session) -> int:
    """Write the files.

    Raises:
        SandboxError: E015, one of them is there, or the folder cannot be written.
        UsageError: E010, the name cannot be an endpoint's.
    """
    import templates

    given = session.arguments
    folder = os.path.abspath(given.folder)
    name = _name(given.name, folder)
    there = [file for file in FILES if os.path.lexists(os.path.join(folder, file))]
    if there:
        what = f"{_shown(folder)} has {', '.join(there)} already"
        raise SandboxError("E015", what, "nothing was written", "choose another folder, or move the files away")
    try:
        for file, source in FILES.items():
            text = templates.path(f"starter/{source}").read_text(encoding="utf-8").replace(_PLACEHOLDER, name)
            _write(os.path.join(folder, file), text)
    except OSError as error:
        raise SandboxError("E015", f"{error.filename} cannot be written", error.strerror or str(error)) from None
    paper = Paper(sys.stdout)
    place = _shown(folder)
    for file in FILES:
        paper.print(f"  {paper.paint('+', 'good')} {os.path.join(place, file)}")
    step = "" if place == "." else f"cd {place} && "
    paper.print(f"next: {step}sandbox serve score.py    or: {step}sandbox up .")
    return 0


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "x", encoding="utf-8") as file:  # x: nobody's file is written over, whoever was quicker
        file.write(text)


def _shown(folder: str) -> str:
    relative = os.path.relpath(folder)
    return folder if relative.startswith("..") else relative


def _name(chosen: str | None, folder: str) -> str:
    """Return the chosen name, else one made of the folder's."""
    if chosen is not None:
        wrong = names.check(chosen)
        if wrong:
            raise UsageError("E010", wrong[0].what, wrong[0].why, wrong[0].fix)
        return chosen.lower()
    made = re.sub(r"[^a-z0-9]+", "-", os.path.basename(folder).lower()).strip("-")[: names.LONGEST].strip("-")
    return made if not names.check(made) else _PLACEHOLDER
