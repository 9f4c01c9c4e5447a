"""What a script's state is made from, as far as its source tells; the rule is in ``kept.py``."""

import ast
import gc
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

KEEP: Final = "__keep__"
OBJECTS_LOOKED_AT: Final = 200_000
OPAQUE: Final = frozenset({"globals", "locals", "vars", "exec", "eval", "__import__", "importlib"})


@dataclass(frozen=True, slots=True)
class Origins:
    """Where to look.

    ``names``: definitions in the script to start from; none: all of it. ``modules``: the user's, with their files.
    """

    names: tuple[str, ...]
    modules: Mapping[str, str]


def names_of(module: ModuleType) -> tuple[str, ...]:
    """The names that a script keeps; none when it does not say so properly."""
    names = getattr(module, KEEP, ())
    if isinstance(names, str):
        return (names,)
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, (tuple, list, set)) else ()


def sources_in(values: Iterable[Any], own: Mapping[str, str]) -> tuple[set[tuple[str, str]], set[str]]:
    """Classes and functions of the user's that the values are made of: (module, name) of each, and the modules.

    Of a value with too many objects to look at, all of the user's modules and classes.
    """
    defined: set[tuple[str, str]] = set()
    seen: set[int] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        source = value if isinstance(value, (type, FunctionType)) else kind
        owner = getattr(source, "__module__", None)
        if isinstance(owner, str) and owner in own:
            defined.add((owner, source.__qualname__.partition(".")[0]))
        if len(seen) > OBJECTS_LOOKED_AT:
            return {(name, key) for name in own for key, item in _items(name) if isinstance(item, type)}, set(own)
        if isinstance(value, FunctionType):
            pending += [value.__closure__, value.__defaults__, value.__kwdefaults__]
        elif isinstance(value, MethodType):
            pending += [value.__func__, value.__self__]
        elif not isinstance(value, (type, ModuleType)):
            pending += gc.get_referents(value)
    return defined, {owner for owner, _ in defined}


def _items(module: str) -> list[tuple[str, Any]]:
    return list(vars(sys.modules[module]).items()) if module in sys.modules else []


def origins_of(
    path: str, keep: Iterable[str], classes: Iterable[str], modules: Iterable[str], own: Mapping[str, str]
) -> Origins:
    """Follow the names from init(), the kept names and the classes; modules with all that they import."""
    names = tuple(sorted({"init", KEEP, *keep, *classes}))
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError):
        return Origins(names, dict(own))
    reached = _reach(tree, names)
    if _opaque(reached):
        return Origins((), {name: file for name, file in own.items() if file != path})
    imported = {name for node in reached for name in _imports(node, "", own)}
    pending, found = {*modules, *imported}, dict[str, str]()
    while pending:
        name = pending.pop()
        if name in found or own[name] == path:
            continue
        found[name] = own[name]
        package = name if own[name].endswith("__init__.py") else name.rpartition(".")[0]
        pending |= _imports(_parsed(own[name]), package, own)
    return Origins(names, found)


def digest_of(path: str, origins: Origins) -> str:
    """A short text for the code now; two are equal when nothing that counts has changed."""
    digest = hashlib.sha256()
    try:
        text = _read(path)
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return "unreadable"
    if not origins.names or _opaque(_reach(tree, origins.names)):
        digest.update(text)
    else:
        for node in _reach(tree, origins.names):
            digest.update(ast.dump(node).encode(errors="surrogatepass"))
    for file in sorted(set(origins.modules.values())):
        content = _read(file) if os.path.isfile(file) else b"gone"
        digest.update(f"{file}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _parsed(path: str) -> ast.Module:
    """A module's source; of a compiled one, nothing."""
    try:
        return ast.parse(_read(path))
    except (SyntaxError, ValueError, OSError):
        return ast.Module([], [])


def _reach(tree: ast.Module, names: Iterable[str]) -> list[ast.stmt]:
    """The statements at module level that define these names or what they mention, and those that define nothing."""
    binds = [(statement, _bound(statement)) for statement in tree.body]
    wanted, done = set(names), set[int]()
    pending = [statement for statement, bound in binds if not bound and not _is_text(statement)]
    while True:
        for statement in pending:
            done.add(id(statement))
            wanted |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        pending = [statement for statement, bound in binds if bound & wanted and id(statement) not in done]
        if not pending:
            return [statement for statement in tree.body if id(statement) in done]


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement may define at module level; in compound ones a few too many."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name.partition(".")[0]) for alias in node.names}
    return found


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _opaque(statements: Iterable[ast.stmt]) -> bool:
    """Whether code finds things by other ways than by their names, or takes everything from a module."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in OPAQUE:
                return True
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                return True
    return False


def _imports(tree: ast.AST, package: str, own: Mapping[str, str]) -> set[str]:
    """The user's modules that a piece of code imports anywhere, with the packages around them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if node.level:
                try:
                    base = importlib.util.resolve_name(base, package or None)
                except ImportError:
                    continue
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    around = {name.rpartition(".")[0] for name in found} | {
        ".".join(name.split(".")[:depth]) for name in found for depth in range(1, name.count(".") + 1)
    }
    return {name for name in found | around if name in own}
