"""``--write-vscode``: the debugger's entries in ``.vscode/launch.json``, put into a file that may be somebody's work.

Entries of ours are known by their names and updated in place; whatever else stands in the file, comments and layout
included, stays as it is.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, Final

from inference_http.contract import EXIT_FAILED, EXIT_OK
from inference_http.debug import jsonc

DEFAULT_PORT: Final = 5678  # what every Python debugger uses
CONTAINER_ROOT: Final = "/var/azureml-app"  # where Azure ML's images keep the code
ATTACH: Final = "inference-http: attach"
LAUNCH: Final = "inference-http: launch and debug"
CONTAINER: Final = "inference-http: attach to a container"

# What follows from the command line, and is corrected; the other keys are the user's once they are there.
_OURS: Final = frozenset({"type", "request", "connect", "module", "args", "cwd", "pathMappings"})
_FILE: Final = os.path.join(".vscode", "launch.json")

Entry = dict[str, Any]


class NotWritten(Exception):
    """The file was left as it is; the message says where and why (``path:line:column: ...``)."""


@dataclass(frozen=True)
class Change:
    """What became of the file."""

    path: str
    diff: str  # empty: everything was there


def write_entries(
    workspace: str,
    script: str | None,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    flags: tuple[str, ...] = (),
) -> Change:
    """Write or merge ``.vscode/launch.json`` of a folder.

    Args:
        workspace: the folder that is opened in VS Code (``workspace_of``).
        script: path of the scoring script; None for main.py in the workspace.
        host: where the server's debugger listens.
        port: likewise.
        flags: further arguments for the server in the entry that launches it.

    Raises:
        NotWritten: the file is not what VS Code can read, or not ours to write.
    """
    path = os.path.realpath(os.path.join(workspace, _FILE))
    before = _read(path)
    after = merged(before, entries(workspace, script, host=host, port=port, flags=flags), path)
    if after != before:
        try:
            _replace(path, after)
        except OSError as error:
            raise NotWritten(f"{path}: cannot be written ({error})") from error
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, "before", "after", lineterm="")
    return Change(path, "\n".join(lines))


def entries(
    workspace: str, script: str | None, *, host: str, port: int, flags: tuple[str, ...] = ()
) -> tuple[Entry, Entry, Entry]:
    """The three entries: attach, launch and debug, attach to a container."""
    folder = os.path.dirname(os.path.abspath(script)) if script else os.path.abspath(workspace)
    code = _in_workspace(folder, workspace)
    entry_script = ["--entry_script", _in_workspace(script, workspace)] if script else []
    remote = f"{CONTAINER_ROOT}/{os.path.basename(folder)}"
    attach: Entry = {"type": "debugpy", "request": "attach", "connect": {"host": host, "port": port}}
    return (
        {"name": ATTACH, **attach, "justMyCode": True, "subProcess": True},
        {
            "name": LAUNCH,
            "type": "debugpy",
            "request": "launch",
            "module": "inference_http.debug.launch",
            "args": [*entry_script, "--reload", "--debug", str(port), *flags],
            "cwd": "${workspaceFolder}",
            "console": "integratedTerminal",
            "justMyCode": True,
            "subProcess": False,
        },
        {
            "name": CONTAINER,
            **attach,
            "pathMappings": [{"localRoot": code, "remoteRoot": remote}],
            "justMyCode": True,
            "subProcess": True,
        },
    )


def attach_entry(workspace: str, name: str, port: int, local: str, remote: str) -> Entry:
    """The entry that attaches to a server which runs ``local`` as ``remote``: the sandbox writes it."""
    mapping = {"localRoot": _in_workspace(local, workspace), "remoteRoot": remote}
    connect = {"host": "127.0.0.1", "port": port}
    attach: Entry = {"name": name, "type": "debugpy", "request": "attach", "connect": connect}
    return {**attach, "pathMappings": [mapping], "justMyCode": True, "subProcess": True}


def main(*, write: bool) -> int:
    """Read name, port, local and remote as JSON from standard input; answer with the entry and where it stands."""
    said = json.load(sys.stdin)
    workspace = workspace_of(os.getcwd())
    entry = attach_entry(workspace, said["name"], said["port"], said["local"], said["remote"])
    path = os.path.realpath(os.path.join(workspace, _FILE))
    if write:
        try:
            before = _read(path)
            after = merged(before, (entry,), path)
            if after != before:
                _replace(path, after)
        except (NotWritten, OSError) as error:
            sys.stderr.write(f"{error}\n")
            path = ""
    sys.stdout.write(json.dumps({"entry": entry, "file": path if write else ""}) + "\n")
    return EXIT_OK


def command(script: str | None, *, host: str = "127.0.0.1", port: int | None = None) -> int:
    """What ``--write-vscode`` does in the working folder, and says on standard output; the exit code."""
    near = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - where a client finds what listens there
    try:
        change = write_entries(workspace_of(os.getcwd()), script, host=near, port=port or DEFAULT_PORT)
    except NotWritten as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    if change.diff:
        sys.stdout.write(f"{change.diff}\n\nWritten. In VS Code: Run and Debug, choose {ATTACH!r}, F5.\n")
    else:
        sys.stdout.write(f"{change.path} has these entries already\n")
    return EXIT_OK


def _read(path: str) -> str:
    """What stands in the file, "" where there is none. Raises NotWritten."""
    try:
        with open(path, "rb") as file:
            return file.read().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise NotWritten(f"{path}: cannot be read as UTF-8 text ({error}); it is left as it is") from error


def workspace_of(folder: str) -> str:
    """The folder that is most likely open in VS Code: the nearest one around with ``.vscode``, or the folder itself."""
    folder = os.path.abspath(folder)
    around = folder
    while not os.path.isdir(os.path.join(around, ".vscode")):
        if around in (os.path.dirname(around), os.path.expanduser("~")):
            return folder
        around = os.path.dirname(around)
    return around


def merged(text: str, wanted: tuple[Entry, ...], path: str = _FILE) -> str:
    """The text of a launch.json with these entries in it. Raises NotWritten."""
    for entry in wanted:
        text = _with_entry(text, entry, path)
    return text


# --- One entry -------------------------------------------------------------------------------------------------------


def _with_entry(text: str, entry: Entry, path: str) -> str:
    try:
        document = jsonc.read(text)
    except jsonc.NotJson as error:
        raise NotWritten(f"{path}:{error.line}:{error.column}: {error}; the file is left as it is") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    if document is None:
        new = json.dumps({"version": "0.2.0", "configurations": [entry]}, indent=4).replace("\n", newline)
        kept = text.rstrip()  # comments, and the mark of the encoding
        return kept + (newline if kept.strip("\ufeff") else "") + new + newline
    if not isinstance(document.value, dict):
        raise _unexpected(text, document, path, "an object")
    listed = document.members.get("configurations")
    unit = _unit(text, document)
    if listed is None:
        inner = json.dumps([entry], indent=unit)
        return _insert(text, document, f'"configurations": {inner}', unit, newline)
    if not isinstance(listed.value, list):
        raise _unexpected(text, listed, path, "an array")
    for node in listed.items:
        if isinstance(node.value, dict) and node.value.get("name") == entry["name"]:
            return _updated(text, node, entry, unit, newline)
    return _insert(text, listed, json.dumps(entry, indent=unit), unit, newline)


def _updated(text: str, node: jsonc.Node, entry: Entry, unit: str, newline: str) -> str:
    """Correct the keys that follow from the command line, from the last to the first, then add those that lack."""
    present = [(name, member) for name, member in node.members.items() if name in entry]
    for name, member in sorted(present, key=lambda pair: -pair[1].start):
        if name in _OURS and member.value != entry[name]:
            indent = _indent(text, member.start)
            value = json.dumps(entry[name], indent=unit).replace("\n", newline + indent)
            text = text[: member.start] + value + text[member.end :]
    for name in [name for name in entry if name not in node.members]:
        changed = jsonc.read(text)
        assert changed is not None  # it was read a moment ago
        node = next(item for item in changed.members["configurations"].items if item.start == node.start)
        text = _insert(text, node, f"{json.dumps(name)}: {json.dumps(entry[name], indent=unit)}", unit, newline)
    return text


def _insert(text: str, around: jsonc.Node, new: str, unit: str, newline: str) -> str:
    """Put a member or item behind the last one of an object or array, on lines of its own."""
    outer = _indent(text, around.start)
    inner = outer + unit
    last = around.last
    if last is not None:
        nodes = around.items or list(around.members.values())
        first = min(node.start for node in nodes)
        if newline[-1] in text[around.start : first]:
            inner = _indent(text, first)
    new = newline + inner + new.replace("\n", newline + inner)
    if last is None:
        at = jsonc.skip(text, around.start + 1, lines=False)
    elif around.comma is not None:
        at, new = jsonc.skip(text, around.comma + 1, lines=False), new + ","
    else:
        at = jsonc.skip(text, last, lines=False)
        text, at = text[:last] + "," + text[last:], at + 1
    if text[at : at + 1] not in ("\r", "\n"):  # the bracket, or something else, stands on the same line
        return text[:at].rstrip(" \t") + new + newline + outer + text[at:].lstrip(" \t")
    return text[:at] + new + text[at:]


# --- Layout ----------------------------------------------------------------------------------------------------------


def _indent(text: str, position: int) -> str:
    """The blanks at the beginning of the line."""
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    return re.match(r"\ufeff?([ \t]*)", text[start:])[1]  # type: ignore[index]  # it matches nothing too


def _unit(text: str, document: jsonc.Node) -> str:
    """What one level is indented by in this file."""
    for member in document.members.values():
        if "\n" in text[document.start : member.start]:
            return _indent(text, member.start) or "    "
    return "    "


def _in_workspace(path: str, workspace: str) -> str:
    """The path as VS Code writes it, so that the file can be shared."""
    path, workspace = os.path.realpath(path), os.path.realpath(workspace)
    if path == workspace:
        return "${workspaceFolder}"
    if path.startswith(workspace + os.sep):
        return "${workspaceFolder}/" + os.path.relpath(path, workspace).replace(os.sep, "/")
    return path


def _unexpected(text: str, node: jsonc.Node, path: str, wanted: str) -> NotWritten:
    before = text[: node.start].removeprefix("\ufeff")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return NotWritten(f"{path}:{line}:{column}: {wanted} was expected; the file is left as it is")


def _replace(path: str, text: str) -> None:
    """Write the file at once: a crash leaves the old one or the new one."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o644
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".launch-", suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


if __name__ == "__main__":
    sys.exit(main(write="--write" in sys.argv[1:]))
