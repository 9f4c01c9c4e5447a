"""Look at a scoring script without importing it: it exists, it parses, it has init() and run()."""

import ast
import os
import tokenize
import warnings
from collections.abc import Iterator

from sandbox.model.problem import KeyPath, Place, Problem
from sandbox.spec.reading import nearest

NEEDED = ("init", "run")
_MEANT = {"init": ("initialize", "initialise", "setup", "load", "load_model"), "run": ("predict", "score", "main")}


def check(folder: str, script: str, place: Place, path: KeyPath) -> list[Problem]:
    """Find what keeps ``script`` in ``folder`` (absolute) from being served; ``place`` is where the YAML names it."""
    file = os.path.normpath(os.path.join(folder, script))
    if "\0" in file or not os.path.isfile(file):
        return [_missing(folder, script, file, place, path)]
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and the like: the script's own business
            tree = ast.parse(text, file)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        spot = Place(file, error.lineno or 1, max(error.offset or 1, 1), line)
        return [Problem("E037", f"the scoring script does not parse: {error.msg}", spot, "", "", path, place)]
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        what = f"the scoring script cannot be read: {str(error) or type(error).__name__}"
        return [Problem("E037", what, Place(file), "", "", path, place)]
    return _functions(tree, text, file, place, path)


def _functions(tree: ast.Module, text: str, file: str, place: Place, path: KeyPath) -> list[Problem]:
    names = dict(_bound(tree.body))
    if "*" in names:
        return []
    found = []
    lines = text.splitlines()
    for needed in NEEDED:
        if needed in names:
            continue
        near = nearest(needed, names) or next((name for name in _MEANT[needed] if name in names), "")
        fix = f"rename {near} to {needed}" if near else f"define {needed}() at the top level of the script"
        number = names.get(near, 1)
        spot = Place(file, number, 1, lines[number - 1] if number <= len(lines) else "")
        what = f"the scoring script has no {needed}()"
        why = "init() is called once at the start, run() for each request"
        found.append(Problem("E037", what, spot, why, fix, path, place))
    return found


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Give the names that a module binds, each with its line; "*" for an import of everything."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name, statement.lineno
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                yield (alias.asname or alias.name).partition(".")[0], statement.lineno
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for node in (each for target in targets for each in ast.walk(target)):
                if isinstance(node, ast.Name):
                    yield node.id, statement.lineno
        else:
            for below in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(statement, below, []))
            for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
                yield from _bound(part.body)


def _missing(folder: str, script: str, file: str, place: Place, path: KeyPath) -> Problem:
    why = f"scoring_script is a path below code, which is {folder}"
    inner = os.path.basename(folder.rstrip(os.sep))
    fix = ""
    if script.startswith(f"{inner}/") and os.path.isfile(os.path.join(folder, script[len(inner) + 1 :])):
        fix = f"write scoring_script: {script[len(inner) + 1 :]}"
    elif near := nearest(script, _scripts(folder)):
        fix = f"did you mean {near}?"
    what = (
        f"{file} is a folder"
        if "\0" not in file and os.path.isdir(file)
        else f"the scoring script {file} does not exist"
    )
    return Problem("E037", what, place, why, fix, path)


def _scripts(folder: str) -> list[str]:
    found: list[str] = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.relpath(os.path.join(base, name), folder) for name in files if name.endswith(".py")]
        if len(found) > 200:
            break
    return sorted(found)
