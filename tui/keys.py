"""All keys in one table. Footer, help, palette, docs/tui.md and the user's own keys are made from it.

Keys of a page count while that page is shown, and nothing that takes text has the focus. Two of the same scope, or of a
page and of everywhere, never clash: a test sees to it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = "everywhere"
PAGES = ("overview", "traffic", "logs", "requests", "invoke", "debug", "jobs")
TITLES = {
    "overview": "Overview",
    "traffic": "Traffic",
    "logs": "Logs",
    "requests": "Requests",
    "invoke": "Invoke",
    "debug": "Debug",
    "jobs": "Jobs",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several that do the same.

    ``keys`` are Textual's names, separated by commas; ``label`` is for the footer, "" keeps it out of there; ``text``
    is a sentence for help and palette; ``changes``: not offered when the terminal UI only looks.
    """

    scope: str
    action: str
    keys: str
    label: str
    text: str
    changes: bool = False

    @property
    def id(self) -> str:
        """How a user's own keys name it."""
        return f"{self.scope}.{self.action}".replace("('", ".").replace("')", "").replace("(", ".").replace(")", "")

    @property
    def shown(self) -> str:
        """The keys as people read them."""
        return " ".join(display(key) for key in self.keys.split(","))


_SIGNS = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "exclamation_mark": "!",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


def display(key: str) -> str:
    """Write a key as it stands on the keyboard: ``^p`` for ``ctrl+p``."""
    *before, last = key.split("+")
    last = _SIGNS.get(last, last)
    if "ctrl" in before:
        return f"^{last}"
    return f"⇧{last}" if "shift" in before else last


def _pages() -> Iterator[Key]:
    for number, page in enumerate(PAGES, 1):
        yield Key(EVERYWHERE, f"page('{page}')", str(number), "", f"Show {TITLES[page].lower()}.")


TABLE: tuple[Key, ...] = (
    *_pages(),
    Key(EVERYWHERE, "tour(1)", "right_square_bracket", "", "Next page."),
    Key(EVERYWHERE, "tour(-1)", "left_square_bracket", "", "Page before."),
    Key(EVERYWHERE, "next_deployment(1)", "greater_than_sign,full_stop", "", "Next deployment, on every page."),
    Key(EVERYWHERE, "next_deployment(-1)", "less_than_sign,comma", "", "Deployment before, on every page."),
    Key(EVERYWHERE, "explain", "question_mark,f1", "help", "All keys."),
    Key(EVERYWHERE, "command_palette", "ctrl+p", "find", "Find whatever can be done by typing a part of it."),
    Key(EVERYWHERE, "command", "colon", "", "Type any command line of sandbox; it runs as a job.", changes=True),
    Key(EVERYWHERE, "refresh_now", "r", "", "Look at everything now."),
    Key(EVERYWHERE, "pause", "space", "", "Stand still, to read or to compare; again: go on."),
    Key(EVERYWHERE, "jump", "ctrl+o", "", "Jump: a letter on each panel; type it to go there."),
    Key(EVERYWHERE, "zoom", "z", "", "The panel with the focus alone on the screen, and back."),
    Key(EVERYWHERE, "copy", "y", "", "Copy what is selected: a line, a command, an error."),
    Key(EVERYWHERE, "open", "o", "open", "Open the failing line, or the script, in $EDITOR."),
    Key(EVERYWHERE, "picture", "ctrl+e", "", "Save the screen as an SVG picture."),
    Key(EVERYWHERE, "leave", "q,ctrl+q", "quit", "Leave. What runs keeps running, jobs as well."),
    # --- Overview ---
    Key("overview", "page('traffic')", "t", "traffic", "Move traffic of the endpoint."),
    Key("overview", "page('logs')", "l", "logs", "Logs of the deployment."),
    Key("overview", "page('invoke')", "i", "invoke", "Send it a request."),
    Key("overview", "page('debug')", "d", "debug", "Debug it."),
    Key("overview", "new", "n", "new", "Bring up a folder of YAML files, or begin one with a sample.", changes=True),
    Key("overview", "scale", "s", "scale", "Choose how many instances run; 0 stops it.", changes=True),
    Key("overview", "edit", "e", "", "Change any setting of the deployment: KEY=VALUE.", changes=True),
    Key("overview", "reread", "u", "", "Take its code again, as you have edited it.", changes=True),
    Key("overview", "order", "v", "", "Another order: by name, traffic, requests, p95, errors, memory."),
    Key("overview", "seal", "S", "", "Put the deployment into one image that runs anywhere.", changes=True),
    Key("overview", "promote", "p", "", "Bring it to a host, as it was tested here.", changes=True),
    Key(
        "overview",
        "rollback",
        "B",
        "",
        "Send the endpoint's requests where they went before; asks first.",
        changes=True,
    ),
    Key("overview", "heal", "h", "", "Start what should run and does not.", changes=True),
    Key("overview", "delete", "x,delete", "", "Delete the deployment; asks first.", changes=True),
    Key(
        "overview",
        "delete_endpoint",
        "X",
        "",
        "Delete the endpoint and its deployments; asks first.",
        changes=True,
    ),
    Key("overview", "copy_key", "K", "", "Copy the endpoint's address and how to call it, as a curl command."),
    # --- Traffic ---
    Key("traffic", "move(-1)", "left,minus", "less", "One percent less."),
    Key("traffic", "move(1)", "right,plus,equals_sign", "more", "One percent more."),
    Key("traffic", "move(-5)", "shift+left,pagedown", "", "Five percent less."),
    Key("traffic", "move(5)", "shift+right,pageup", "", "Five percent more."),
    Key("traffic", "lock", "k", "lock", "Keep this share while others move."),
    Key("traffic", "even", "e", "", "The same for all that are not locked."),
    Key("traffic", "everything", "f", "", "Everything that is not locked to this one."),
    Key("traffic", "drain", "d", "drain", "Nothing to this one."),
    Key("traffic", "value", "v", "", "Type a percentage."),
    Key("traffic", "mirror", "m", "mirror", "More copies to this one: 0, 10, 20, 30, 40, 50 percent."),
    Key("traffic", "undo", "u", "undo", "Back to what is live; once more: to what was live before the last apply."),
    Key("traffic", "apply", "a,enter", "apply", "Make it so.", changes=True),
    # --- Logs ---
    Key("logs", "filter", "slash", "filter", "Show matching lines only; /regex/ and !not work."),
    Key("logs", "follow", "f,end", "follow", "Go to the end, and stay there."),
    Key("logs", "errors", "e", "errors", "Warnings and errors only, and back."),
    Key("logs", "highlight", "H", "", "Show all lines, with the matching ones highlighted; and back."),
    Key("logs", "match(1)", "n", "next", "Next match; without a filter, the next error."),
    Key("logs", "match(-1)", "N", "", "Match before."),
    Key("logs", "since", "s", "since", "Only the last minute, 5, 15, 60 minutes; all."),
    Key("logs", "wrap", "w", "", "Wrap long lines, or cut them."),
    Key("logs", "source", "c", "", "Show or hide whose line it is."),
    Key("logs", "scope", "g", "scope", "One deployment; its endpoint; everything."),
    Key("logs", "mark", "m", "", "Draw a line here, to find it again."),
    Key("logs", "read", "enter", "", "Read the record alone: its file, its traceback, all of a long line."),
    Key("logs", "save", "ctrl+s", "save", "Save what is shown to a file."),
    # --- Requests ---
    Key("requests", "filter", "slash", "filter", "Show matching requests only."),
    Key("requests", "errors", "e", "errors", "Failed requests only, and back."),
    Key("requests", "follow", "f,end", "follow", "Go to the newest, and stay there."),
    Key("requests", "its_logs", "l,enter", "its logs", "The lines of the log that belong to the request."),
    # --- Invoke ---
    Key("invoke", "send", "ctrl+r,f5", "send", "Send the request."),
    Key("invoke", "load", "ctrl+l,f6", "many", "Send it many times, several at once."),
    Key("invoke", "target", "ctrl+t,f2", "to", "By traffic, or to one deployment."),
    Key("invoke", "sample", "ctrl+n,f3", "sample", "The next sample: of the schema, of files beside the script."),
    Key("invoke", "past", "ctrl+b,f4", "before", "The request before, from the history."),
    Key("invoke", "curl", "c", "curl", "Copy it as a curl command."),
    # --- Debug ---
    Key(
        "debug",
        "reload",
        "l",
        "reload",
        "Run the code from your folder and reload it when saved.",
        changes=True,
    ),
    Key("debug", "debugger", "b", "debugger", "Let a debugger attach, or no longer; VS Code is told.", changes=True),
    Key("debug", "wait", "w", "wait", "Load the script only when a debugger has attached; and back.", changes=True),
    Key("debug", "page('logs')", "g", "logs", "Logs of the deployment."),
    # --- Jobs ---
    Key("jobs", "stop_job", "x", "cancel", "Interrupt the job; asks first.", changes=True),
    Key("jobs", "again", "a", "again", "The same once more.", changes=True),
)


def of(scope: str) -> tuple[Key, ...]:
    """Return the keys of one scope, in the order of the footer."""
    return tuple(key for key in TABLE if key.scope == scope)


def bindings(scope: str) -> list[BindingType]:
    """Return a scope's keys as Textual takes them."""
    return [
        Binding(key.keys, key.action, key.label or key.text, show=bool(key.label), id=key.id, key_display=_first(key))
        for key in of(scope)
    ]


def _first(key: Key) -> str:
    return display(key.keys.split(",")[0])


def own(text: str) -> Mapping[str, str]:
    """Read a user's own keys: a JSON object from ids (``overview.delete``) to keys; what is not known is left out."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    known = {key.id for key in TABLE}
    return {name: keys for name, keys in said.items() if name in known and isinstance(keys, str)} if said else {}


def page(scope: str) -> str:
    """Return a scope's keys as a table of docs/tui.md."""
    rows = [f"| {' '.join(f'`{display(each)}`' for each in key.keys.split(','))} | {key.text} |" for key in of(scope)]
    return "\n".join(["| Key | |", "| --- | --- |", *rows])
