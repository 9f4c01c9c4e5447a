"""The files below the model folder, as text: what a script that misses a file needs to see."""

import errno
import os
from collections.abc import Iterator
from itertools import islice

TREE_LIMIT = 200  # lines (S124)
SEARCH_LIMIT = 5000  # entries looked at to find a file by its name
INDENT = 4
NO_MODEL_DIR = "AZUREML_MODEL_DIR is not set: give --model_dir FOLDER to name the folder that holds the model."
MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})


def model_tree(model_dir: str | None) -> list[str]:
    """Give the files below the model folder as lines, at most 200 of them, in the reference's form (S124)."""
    if not model_dir:
        return [NO_MODEL_DIR]
    if not os.path.exists(model_dir):
        return [f"AZUREML_MODEL_DIR is {model_dir!r}, which does not exist (working folder: {os.getcwd()})."]
    tree = walk(model_dir)
    lines = ["Model Directory Contents:", *islice(tree, TREE_LIMIT)]
    if next(tree, None) is not None:
        lines.append(f"Output Truncated. First {TREE_LIMIT} lines shown.")
    return lines


def missing_file(exc: OSError, model_dir: str | None) -> list[str]:
    """Say what is known of a path that could not be opened; nothing unless the path itself is the trouble."""
    if exc.errno not in MISSING or not isinstance(exc.filename, str):
        return []
    path = exc.filename
    lines = []
    if not os.path.isabs(path):
        lines.append(f"{path!r} is relative to the working folder {os.getcwd()}.")
    if os.path.isdir(path):
        lines.append(f"{path!r} is a folder: name a file in it.")
    found = _same_name(path, model_dir)
    if found:
        lines.append(f"There is {found}.")
    return lines


def walk(path: str, depth: int = 0) -> Iterator[str]:
    """Give a folder's tree, one line an entry, folders with a slash; a linked folder is named but not entered."""
    path = os.path.normpath(path)
    indent = " " * depth * INDENT
    if not os.path.isdir(path):
        yield indent + os.path.basename(path)
        return
    yield indent + os.path.basename(path) + os.sep
    if depth and os.path.islink(path):
        return
    try:
        children = sorted(os.listdir(path))
    except OSError:
        return
    for child in children:
        yield from walk(os.path.join(path, child), depth + 1)


def _same_name(path: str, model_dir: str | None) -> str | None:
    name = os.path.basename(os.path.normpath(path))
    if not model_dir:
        return None
    seen = 0
    for folder, _, files in os.walk(model_dir):
        if name in files:
            found = os.path.join(folder, name)
            return found if os.path.realpath(found) != os.path.realpath(path) else None
        seen += len(files) + 1
        if seen > SEARCH_LIMIT:
            break
    return None
