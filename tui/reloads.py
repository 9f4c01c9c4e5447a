"""What the log of a script tells of its life: starts, changes, reloads with their results, errors."""

import os
import re

from textual.content import Content

from tui.ring import Entry

PLACE = re.compile(r"^(?P<file>\S[^:\n]*\.py):(?P<line>\d+): (?P<what>.+)$")
_RELOAD = re.compile(r"Reloaded in (?P<took>[\d.]+ s)(?P<rest>.*)")


def told(text: str, entry: Entry) -> tuple[str, Content] | None:
    """Return a line of the log as an event of the script's life: what kind, and how it reads."""
    at = (f"{entry.time[:8]:<10}", "$faint")
    if found := _RELOAD.match(text):
        return "good", Content.assemble(
            at, ("● reloaded ", "$success"), f"in {found['took']}", (found["rest"], "$faint")
        )
    if text.startswith("Changed: "):
        return "news", Content.assemble(at, ("◐ changed  ", "$primary"), text.removeprefix("Changed: "))
    if text.startswith("The version before serves on"):
        return "bad", Content.assemble(at, ("✖ broken   ", "$error"), text)
    if " serves version " in text:
        return "good", Content.assemble(at, ("● serves   ", "$success"), text)
    if entry.level == "E" and entry.begins and (place := PLACE.match(text)):
        where = f"{os.path.basename(place['file'])}:{place['line']}"
        return "bad", Content.assemble(at, ("✖ error    ", "$error"), place["what"], (f"  {where}", "$faint"))
    if "ebugger" in text and entry.begins:
        return "news", Content.assemble(at, ("◆ debugger ", "$tone-0"), text)
    return None
