"""Load a file: the one entrance to ``sandbox.spec``.

``examine`` notes every problem and returns them; ``load`` and its relatives return the value or raise all of them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sandbox.model.asset import Model
from sandbox.model.connection import Connection
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.environment import Environment
from sandbox.model.problem import Place, Problem, SpecError
from sandbox.spec import kinds, rules
from sandbox.spec import override as overrides
from sandbox.spec.compose import compose
from sandbox.spec.nodes import Mapping, describe, from_python
from sandbox.spec.override import Override
from sandbox.spec.reading import Reading
from sandbox.spec.source import read

Spec = Endpoint | Deployment | Model | Environment | Connection
_Wanted = TypeVar("_Wanted", Endpoint, Deployment, Model, Environment, Connection)


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one file. ``value`` is None when there is an error; ``kind`` is "" when it could not be told."""

    file: str
    kind: str
    value: Spec | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """Count the errors."""
        return sum(problem.is_error for problem in self.problems)

    @property
    def warnings(self) -> int:
        """Count the warnings."""
        return len(self.problems) - self.errors


def examine(
    file: str | None,
    changes: Sequence[Override] = (),
    kind: str | None = None,
    *,
    given: dict[str, Any] | None = None,
    look_at_script: bool = True,
) -> Examined:
    """Read a file and everything that is wrong with it. Raises nothing that a file could cause.

    Args:
        file: path; None for no file at all, when everything comes from the overrides (``create -n NAME``).
        changes: overrides, applied in order before the file is judged.
        kind: one of ``kinds.NAMES``, when the command already says what the file describes.
        look_at_script: read the scoring script as well.
        given: what would stand in the file, where there is none; ``file`` then is only a name for messages.
    """
    found = _examine(file, changes, kind, given=given, look_at_script=look_at_script)
    if "connection" not in (kind, found.kind):
        return found
    return replace(found, problems=tuple(_without_text(problem) for problem in found.problems))


def _examine(
    file: str | None,
    changes: Sequence[Override],
    kind: str | None,
    *,
    given: dict[str, Any] | None,
    look_at_script: bool,
) -> Examined:
    shown = file if file is not None else "(no file)"
    try:
        root, problems = _mapping(file, shown) if given is None else (_nodes(given, shown), [])
    except SpecError as error:
        return Examined(shown, "", None, error.problems)
    for change in changes:
        problems += () if change.where_known else _overridden(root, change, shown)
    try:
        name = kind or kinds.find(root, shown)
    except SpecError as error:
        return Examined(shown, "", None, _ordered([*problems, *error.problems], shown))
    found, warning = kinds.variant(name, root)
    problems += [*kinds.doubt(name, root), *([warning] if warning else [])]
    known = {key.name for key in found.record.keys}
    for change in changes:
        problems += _overridden(root, change, shown) if change.where_known and change.path[0] in known else ()
    folder = os.path.dirname(os.path.abspath(file)) if file is not None and given is None else os.getcwd()
    reading = Reading(folder, problems, {(): root.place})
    value = found.record.read(root, reading, ())
    rules.check(found, value, root, reading, look_at_script=look_at_script)
    failed = any(problem.is_error for problem in reading.problems)
    value = None if failed else _lowered(value)
    return Examined(shown, found.title, value, _ordered(reading.problems, shown))


def _without_text(problem: Problem) -> Problem:
    """Leave out the line of the file and the value of the override: there may be a secret in it."""
    origin = problem.place.origin
    masked = f"{origin.partition('=')[0]}=..." if "=" in origin else origin
    return replace(problem, place=replace(problem.place, text="", origin=masked), related=None)


def _mapping(file: str | None, shown: str) -> tuple[Mapping, list[Problem]]:
    if file is None:
        return Mapping({}, Place(shown)), []
    source = read(file)
    node, problems = compose(source)
    if isinstance(node, Mapping):
        return node, problems
    what = f"{shown} is empty" if node is None else f"{shown} holds {describe(node)} where a mapping is wanted"
    fix = "write key: value lines, for instance name: my-endpoint"
    place = source.whole if node is None else node.place
    raise SpecError([*problems, Problem("E025", what, place, "", fix)])


def _nodes(given: dict[str, Any], shown: str) -> Mapping:
    node = from_python(given, Place(shown, origin=shown))
    assert isinstance(node, Mapping)
    return node


def _overridden(root: Mapping, change: Override, shown: str) -> tuple[Problem, ...]:
    try:
        overrides.apply(root, change, shown)
    except SpecError as error:
        return error.problems
    return ()


def _lowered(value: Spec) -> Spec:
    """Write an entity's own name in lower case, as Azure does, but a connection's; a deployment's endpoint stays."""
    return value if value.name is None or isinstance(value, Connection) else replace(value, name=value.name.lower())


def _ordered(problems: Sequence[Problem], file: str) -> tuple[Problem, ...]:
    """Sort by the order of the file; overrides and other files follow. Where YAML stumbled, nothing else is said."""

    def position(problem: Problem) -> tuple[Any, ...]:
        place = problem.place
        return (
            place.file != file,
            bool(place.origin),
            place.file,
            place.line or 0,
            place.column or 0,
            problem.path == (),
        )

    stumbled = {problem.place for problem in problems if problem.code == "E023"}
    told = [each for each in dict.fromkeys(problems) if each.code == "E023" or each.place not in stumbled]
    return tuple(sorted(told, key=position))


def load_given(given: dict[str, Any], shown: str, kind: str) -> Spec:
    """Return what a mapping describes that stands in no file; ``shown`` names it in messages.

    Raises:
        SpecError: with every problem, when one of them is an error.
    """
    examined = examine(shown, (), kind, given=given)
    if examined.value is None:
        raise SpecError(examined.problems)
    return examined.value


def load(file: str | None, changes: Sequence[Override] = (), kind: str | None = None) -> Spec:
    """Return what a file describes.

    Raises:
        SpecError: with every problem of the file, when one of them is an error.
    """
    examined = examine(file, changes, kind)
    if examined.value is None:
        raise SpecError(examined.problems)
    return examined.value


def _of(wanted: type[_Wanted], kind: str, file: str | None, changes: Sequence[Override]) -> _Wanted:
    value = load(file, changes, kind)
    assert isinstance(value, wanted)
    return value


def load_endpoint(file: str | None, changes: Sequence[Override] = ()) -> Endpoint:
    """Return the endpoint that a file describes; raises SpecError as ``load`` does."""
    return _of(Endpoint, "endpoint", file, changes)


def load_deployment(file: str | None, changes: Sequence[Override] = ()) -> Deployment:
    """Return the deployment that a file describes; raises SpecError as ``load`` does."""
    return _of(Deployment, "deployment", file, changes)


def load_model(file: str | None, changes: Sequence[Override] = ()) -> Model:
    """Return the model that a file describes; raises SpecError as ``load`` does."""
    return _of(Model, "model", file, changes)


def load_environment(file: str | None, changes: Sequence[Override] = ()) -> Environment:
    """Return the environment that a file describes; raises SpecError as ``load`` does."""
    return _of(Environment, "environment", file, changes)


def load_connection(file: str | None, changes: Sequence[Override] = ()) -> Connection:
    """Return the connection that a file describes; raises SpecError as ``load`` does."""
    return _of(Connection, "connection", file, changes)
