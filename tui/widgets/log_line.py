"""How one line of a log is drawn: time, source, level, text with what a filter finds; and the place that it names."""

import re
from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.widget import Widget

from tui.ring import Entry
from tui.themes import tone

Find = Callable[..., "re.Match[str] | None"]
TIME, SOURCE, LEVEL = 13, 14, 2  # columns in front of the text
_PLACE = re.compile(r"^(?P<file>\S[^:]*\.py):(?P<line>\d+): ")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_LIBRARY = ("/site-packages/", "/lib/python", "<frozen")


def margin(*, sources: bool) -> int:
    """Return how many columns there are in front of the text."""
    return TIME + (SOURCE if sources else 0) + LEVEL


def drawn(
    widget: Widget,
    entry: Entry,
    text: str,
    *,
    first: bool,
    sources: bool,
    find: Find | None,
    width: int,
    here: bool,
) -> list[Segment]:
    """Draw a line, or a part of one that is wrapped. ``first``: the first part; ``here``: it is the chosen one."""
    if entry.mark:
        return [Segment(f"──── {entry.text} ".ljust(width, "─")[:width], _style(widget, "$accent", here=here))]
    found = [
        *_front(widget, entry, first=first, sources=sources, here=here),
        *_text(widget, entry, text, find, here=here),
    ]
    return [*found, Segment(" " * width, _style(widget, "$foreground", here=here))] if here else found


def _front(widget: Widget, entry: Entry, *, first: bool, sources: bool, here: bool) -> list[Segment]:
    level, colour = {
        "E": ("E ", "bold $error"),
        "W": ("W ", "bold $warning"),
        "D": ("D ", "$faint"),
    }.get(entry.level, ("  ", "$faint"))
    begins = entry.begins and first
    found = [Segment(f"{entry.time if begins else '':<{TIME}}", _style(widget, "$faint", here=here))]
    if sources:
        name = entry.deployment[: SOURCE - 1] if begins else ""
        found.append(Segment(f"{name:<{SOURCE}}", _style(widget, tone(entry.deployment), here=here)))
    return [*found, Segment(level if begins else " " * LEVEL, _style(widget, colour, here=here))]


def _text(widget: Widget, entry: Entry, text: str, find: Find | None, *, here: bool) -> list[Segment]:
    colour = {"E": "$error", "W": "$warning", "D": "$faint"}.get(entry.level, "$foreground")
    if not entry.begins and entry.level in {"E", "W"}:
        colour = "$foreground" if _FRAME.match(text) else "$faint"
    style = _style(widget, colour, here=here)
    found: list[Segment] = []
    at = 0
    while find is not None and (match := find(text, at)) is not None and match.end() > at:
        found += [
            Segment(text[at : match.start()], style),
            Segment(match[0], _style(widget, "reverse $primary")),
        ]
        at = match.end()
    return [*found, Segment(text[at:], style)]


def _style(widget: Widget, text: str, *, here: bool = False) -> Style:
    """Return a style as Rich wants it, with the theme's colours by name."""
    cache: dict[tuple[str, str], Style] = widget.app.__dict__.setdefault("_log_styles", {})
    text = f"{text} on $panel" if here else text
    found = cache.get((widget.app.theme, text))
    if found is None:
        segments = list(Content.styled("x", text).render_segments(widget.visual_style))
        found = cache[widget.app.theme, text] = segments[0].style or Style()
    return found


def message(text: str) -> str:
    """Return a record's text without the name of its logger."""
    return text.partition(" - ")[2] if " - " in text[:40] else text


def place(record: Sequence[str]) -> tuple[str, int] | None:
    """Return the file and line that a record names: the failing one, else the deepest frame that is no library's."""
    for text in record:
        if found := _PLACE.match(message(text)):
            return found["file"], int(found["line"])
    frames = [frame for text in record if (frame := _FRAME.match(text))]
    own = [frame for frame in frames if not any(part in frame["file"] for part in _LIBRARY)]
    chosen = (own or frames)[-1:]
    return (chosen[0]["file"], int(chosen[0]["line"])) if chosen else None
