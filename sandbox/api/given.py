"""What a call of the API may be given: a file, an object of ours, a mapping, or an entity of Azure's SDK."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sandbox.model import deployment as deployments
from sandbox.model import endpoint as endpoints
from sandbox.model.asset import Model
from sandbox.model.connection import Connection
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.environment import Environment
from sandbox.model.errors import UsageError
from sandbox.model.problem import SpecError, Violation

if TYPE_CHECKING:
    from sandbox.spec.override import Override

Value = TypeVar("Value", Endpoint, Deployment, Model, Environment, Connection)
Given = Any  # str, PathLike, Mapping, one of the above, or an entity of Azure's SDK, which need not be installed
Kind = Literal["endpoint", "deployment", "model", "environment", "connection"]
_CHECKS: Mapping[Kind, Callable[[Any], list[Violation]]] = {
    "endpoint": endpoints.check,
    "deployment": deployments.check,
}


def read(
    wanted: type[Value], kind: Kind, given: Given, changes: "Sequence[Override]" = (), *, look_at_script: bool = True
) -> Value:
    """Return what is described, as a ``wanted``.

    Args:
        wanted: the class of what is returned.
        kind: what it is called.
        given: a path, an object of ours, a mapping as it would stand in a file, or an object of
            ``azure.ai.ml.entities``; None when ``changes`` say everything. Relative paths in a mapping start from the
            current folder.
        changes: overrides.
        look_at_script: read the scoring script as well.

    Raises:
        SpecError: with every problem.
        UsageError: E018, it is something else; of an object of ours, what keeps it from being possible.
    """
    if isinstance(given, wanted):
        judged: Value = _judged(kind, given)
        return judged
    from sandbox.spec.load import examine

    if given is None or isinstance(given, (str, os.PathLike)):
        file = None if given is None else os.fspath(given)
        examined = examine(file, changes, kind, look_at_script=look_at_script)
    else:
        mapping = _mapping(given, kind)
        shown = f"{kind} {mapping.get('name', '')}".strip()
        examined = examine(shown, changes, kind, given=mapping, look_at_script=look_at_script)
    if examined.value is None:
        raise SpecError(examined.problems)
    assert isinstance(examined.value, wanted)
    return examined.value


def _judged(kind: Kind, value: Any) -> Any:
    """Return an object of ours as a file would have given it: possible, its own name in lower case."""
    if kind not in _CHECKS:
        return value  # whoever keeps it looks at it
    for found in _CHECKS[kind](value):
        if found.code.startswith("E"):
            raise UsageError(found.code, found.what, found.why, found.fix)
    return value if value.name.islower() else replace(value, name=value.name.lower())


def _mapping(given: Given, kind: Kind) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items()}
    if type(given).__module__.startswith("azure.ai.ml.") and hasattr(given, "_to_dict"):
        # What its own dump() writes; dump() itself writes nothing for endpoints when it is given a stream.
        said = given._to_dict()  # noqa: SLF001
        return {key: value for key, value in said.items() if value is not None}
    what = f"a {type(given).__name__} does not describe {'an' if kind[0] == 'e' else 'a'} {kind}"
    raise UsageError("E018", what, "", "give a path, a mapping, or an object of azure.ai.ml.entities")
