"""What is remembered from one time to the next: page, theme, what was chosen. Losing it is no loss."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, fields, replace

from sandbox import files

FILE, KEYS = "tui.json", "keys.json"


@dataclass(frozen=True, slots=True)
class Prefs:
    """All of it."""

    theme: str = "sandbox-dark"
    page: str = "overview"
    endpoint: str = ""
    deployment: str = ""
    wrap: bool = False
    order: str = ""  # of the deployments on the overview
    log_filter: str = ""
    log_scope: int = 0


def read(home: str) -> Prefs:
    """Read it; what is missing or broken is as at first."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        with open(os.path.join(home, FILE), encoding="utf-8") as file:
            said = json.load(file)
        return replace(Prefs(), **{each.name: said[each.name] for each in fields(Prefs) if each.name in said})
    return Prefs()


def write(home: str, prefs: Prefs) -> None:
    """Keep it, if that is possible."""
    with contextlib.suppress(OSError):
        files.write_json(os.path.join(home, FILE), asdict(prefs))


def own_keys(home: str) -> str:
    """Return the text of the user's own keys; "" where there are none."""
    with contextlib.suppress(OSError), open(os.path.join(home, KEYS), encoding="utf-8") as file:
        return file.read()
    return ""
