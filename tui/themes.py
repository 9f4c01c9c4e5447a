"""Colours. Everything else names them by what they mean, so that any theme of Textual can be chosen."""

import zlib
from collections.abc import Mapping
from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

_DARK = {
    "line": "#2f3742",
    "faint": "#768390",
    "tone-blue": "#6cb6ff",
    "tone-green": "#6bc46d",
    "tone-0": "#dcbdfb",
    "tone-1": "#f69d50",
    "tone-2": "#56d4dd",
    "tone-3": "#fc8dc7",
    "footer-key-foreground": "#6cb6ff",
    "footer-background": "#12161c",
    "footer-description-foreground": "#768390",
    "footer-item-background": "#12161c",
    "border": "#6cb6ff",
    "border-blurred": "#2f3742",
    "scrollbar": "#2f3742",
    "scrollbar-hover": "#444c56",
    "scrollbar-active": "#6cb6ff",
    "scrollbar-background": "#12161c",
    "scrollbar-background-hover": "#12161c",
    "scrollbar-background-active": "#12161c",
    "scrollbar-corner-color": "#12161c",
    "block-cursor-background": "#22303f",
    "block-cursor-foreground": "#e6edf3",
    "block-cursor-text-style": "none",
    "block-cursor-blurred-background": "#1b222b",
    "block-cursor-blurred-foreground": "#cdd9e5",
    "block-hover-background": "#1b222b",
    "input-selection-background": "#6cb6ff 30%",
}
_LIGHT = {
    "line": "#d0d7de",
    "faint": "#656d76",
    "tone-blue": "#0969da",
    "tone-green": "#1a7f37",
    "tone-0": "#8250df",
    "tone-1": "#bc4c00",
    "tone-2": "#1b7c83",
    "tone-3": "#bf3989",
    "footer-key-foreground": "#0969da",
    "footer-background": "#ffffff",
    "footer-description-foreground": "#656d76",
    "footer-item-background": "#ffffff",
    "border": "#0969da",
    "border-blurred": "#d0d7de",
    "scrollbar": "#d0d7de",
    "scrollbar-hover": "#afb8c1",
    "scrollbar-active": "#0969da",
    "scrollbar-background": "#ffffff",
    "scrollbar-background-hover": "#ffffff",
    "scrollbar-background-active": "#ffffff",
    "scrollbar-corner-color": "#ffffff",
    "block-cursor-background": "#ddf4ff",
    "block-cursor-foreground": "#1f2328",
    "block-cursor-text-style": "none",
    "block-cursor-blurred-background": "#f0f3f6",
    "block-cursor-blurred-foreground": "#1f2328",
    "block-hover-background": "#f6f8fa",
}
DARK = Theme(
    "sandbox-dark",
    primary="#6cb6ff",
    secondary="#768390",
    accent="#f69d50",
    success="#6bc46d",
    warning="#daaa3f",
    error="#f47067",
    foreground="#cdd9e5",
    background="#12161c",
    surface="#12161c",
    panel="#1b222b",
    variables=_DARK,
)
LIGHT = Theme(
    "sandbox-light",
    primary="#0969da",
    secondary="#656d76",
    accent="#bc4c00",
    success="#1a7f37",
    warning="#9a6700",
    error="#cf222e",
    foreground="#1f2328",
    background="#ffffff",
    surface="#ffffff",
    panel="#f6f8fa",
    dark=False,
    variables=_LIGHT,
)
# With NO_COLOR, when all colours are left out: words, signs and lines tell everything.
_ANSI = BUILTIN_THEMES["ansi-dark"]
_CURSOR = {"block-cursor-text-style": "bold underline", "block-cursor-blurred-text-style": "underline"}
PLAIN = replace(_ANSI, name="sandbox-plain", variables=_ANSI.variables | _CURSOR)

# For themes that are not ours, the ANSI ones among them: the terminal's own colours.
DEFAULTS: Mapping[str, str] = {
    "line": "ansi_bright_black",
    "faint": "ansi_bright_black",
    "tone-blue": "ansi_blue",
    "tone-green": "ansi_green",
    "tone-0": "ansi_magenta",
    "tone-1": "ansi_yellow",
    "tone-2": "ansi_cyan",
    "tone-3": "ansi_bright_magenta",
}


def tone(name: str) -> str:
    """Return the colour of a deployment: its own where its name is one (blue, green), else one that stays the same."""
    for word in ("blue", "green"):
        if word in name:
            return f"$tone-{word}"
    return f"$tone-{zlib.crc32(name.encode()) % 4}"
