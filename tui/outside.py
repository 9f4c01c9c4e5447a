"""What leaves the screen: to the clipboard, to a file, to the editor."""

import os
import shlex
import shutil
import subprocess
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from tui.looks import Trouble

if TYPE_CHECKING:
    from tui.app import Desk


def copy(app: "Desk", text: str) -> str:
    """Copy a text; return what to tell.

    The terminal is asked (OSC 52), which not all do and tmux only if told to; so the text lies in a file as well.
    """
    app.copy_to_clipboard(text)
    path = save(app.source.place, "clipboard.txt", text)
    first = text.strip().split("\n")[0]
    shown = first if len(first) <= 60 else f"{first[:59]}…"
    return f"copied: {shown}\nalso in {path}"


def save(home: str, name: str, text: str) -> str:
    """Write a file below the home, private to the user; return its path. Names with a time are never the same."""
    folder = os.path.join(home, "saved")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if name != "clipboard.txt":
        stem, suffix = os.path.splitext(name)
        name = f"{stem}-{datetime.now(timezone.utc).strftime('%Y%m%d-%H%M%S')}{suffix}"
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def editor(file: str, line: int, said: str | None = None) -> list[str]:
    """Return the words that open a file at a line in the user's editor."""
    chosen = said or os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not chosen:
        chosen = next((each for each in ("nano", "vim", "vi") if shutil.which(each)), "vi")
    words = shlex.split(chosen)
    name = os.path.basename(words[0])
    if name in {"code", "codium", "cursor", "windsurf"}:
        return [*words, "--goto", f"{file}:{max(1, line)}"]
    if name in {"subl", "hx", "helix", "zed"}:
        return [*words, f"{file}:{max(1, line)}"]
    return [*words, f"+{max(1, line)}", file]


def edit(app: "Desk", file: str, line: int) -> bool:
    """Open a file in the user's editor, which has the terminal until it ends; tell whether the file is another now."""
    words = editor(file, line)
    before = _stamp(file)
    try:
        with _aside(app):
            done = subprocess.run(words, check=False)
        if done.returncode != 0:
            what = f"{words[0]} ended with exit code {done.returncode}"
            app.show_trouble(Trouble("E143", what, shlex.join(words), "set EDITOR to another editor"))
    except SuspendNotSupported:
        app.notify(copy(app, f"{file}:{line}"), markup=False)
    except OSError as error:
        app.show_trouble(Trouble("E143", f"{words[0]} cannot be started", str(error), "set EDITOR to an editor"))
    app.feed.now()
    return _stamp(file) != before


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _aside(app: App[Any]) -> Any:
    return app.suspend()
