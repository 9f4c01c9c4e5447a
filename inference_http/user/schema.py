"""What @input_schema and @output_schema of the package inference-schema say about one run function.

The package is the user's choice: it is used when the script has imported it and never imported from here. It keeps what
was declared in a registry by module and function name, which cannot tell two functions of one name apart (S77). So the
decorators' own layers around this very function are read instead (``decoration.py``).

Conversion of a request's values stays where the package does it, inside the call of run(): done twice, it would break
``optional=True`` with arrays. What fails there is recognised by its traceback (``Schema.blame``).
"""

import copy
import datetime as dt
import functools
import inspect as introspection
import itertools
import logging
import sys
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from inference_http.user.decoration import DECORATORS, INPUT, OUTPUT, PACKAGE, Decoration, role, unwrap
from inference_http.user.errors import BadInput
from inference_http.user.misfit import explain

ALL_VERSIONS: Final = frozenset({"2.0", "3.0", "3.1"})

_REGISTRY: Final = "inference_schema.schema_util"
_CONVERT: Final = "_deserialize_input_argument"
_REQUEST_HEADERS: Final = "request_headers"  # given by the server, not part of the input

logger = logging.getLogger("azmlinfsrv.schema")


@dataclass(frozen=True, slots=True)
class Field:
    """One @input_schema: the parameter's name and how its value is described and converted."""

    name: str
    kind: Any  # an AbstractParameterType
    optional: bool
    converts: bool


class Schema:
    """The declared input and output of one run function; made by ``inspect``."""

    def __init__(self, run: Callable[..., Any], decoration: Decoration) -> None:
        self.fields = tuple(_field(layer) for layer in decoration.layers if role(layer) == INPUT)
        self._output = next((layer.__wrapped__ for layer in decoration.layers if role(layer) == OUTPUT), None)
        self._parameters = introspection.signature(run).parameters
        self._body: CodeType | None = getattr(decoration.original, "__code__", None)

    def blame(self, error: BaseException, sent: Container[str]) -> BadInput | None:
        """The 400 for what ``run()`` raised, when the client's values are to blame (S72); else None.

        ``sent`` has the names that the client gave. A default of the script's that does not fit its own sample is not
        the client's fault (S73), nor is anything raised after the user's function was entered.
        """
        if not isinstance(error, Exception) or isinstance(error, MemoryError):
            return None
        steps = _conversion(error.__traceback__, self._body)
        if not steps:
            return None
        values = steps[0].f_locals
        field = next((field for field in self.fields if field.kind is values.get("param_type")), None)
        if field is None or field.name not in sent or _broken(field.kind, error):
            return None
        kind, value = steps[-1].f_locals.get("param_type"), steps[-1].f_locals.get("input_data")
        return BadInput(explain(_path(field.name, steps), kind, value, error))

    def parameters(self) -> dict[str, bool]:
        """The names that run() takes from the request's JSON object, and whether each must be given (S70)."""
        return {
            name: parameter.default is parameter.empty
            for name, parameter in self._parameters.items()
            if name != _REQUEST_HEADERS
        }

    def input_swagger(self) -> dict[str, Any]:
        """The schema of the request's JSON object (S110), a copy of the caller's own."""
        if not self.fields:
            return {"type": "object"}
        names = [
            name
            for name in self.parameters()
            if self._parameters[name].kind is introspection.Parameter.POSITIONAL_OR_KEYWORD
        ]
        properties: dict[str, Any] = {name: {} for name in names}
        example: dict[str, Any] = dict.fromkeys(names, "")
        for field in reversed(self.fields):
            if field.name != _REQUEST_HEADERS:
                item = copy.deepcopy(field.kind.input_to_swagger())
                example[field.name] = item.pop("example")
                properties[field.name] = item
        return {"type": "object", "properties": properties, "example": example}

    def output_swagger(self) -> dict[str, Any]:
        """The schema of the answer (S110), a copy of the caller's own.

        @output_schema keeps its sample nowhere but in the package's registry. There it is safe to look up: a second
        @output_schema for the same name is refused by the package.
        """
        found = None if self._output is None else sys.modules[_REGISTRY].get_output_schema(self._output)
        return copy.deepcopy(found) if found else {"type": "object"}

    def versions(self) -> frozenset[str]:
        """The versions of "2.0", "3.0", "3.1" in which the samples can be described (S106).

        As in the reference the outermost @input_schema decides for the input.
        """
        allowed = []
        if self.fields:
            allowed.append(frozenset(self.fields[0].kind.supported_versions()))
        if self._output is not None:
            allowed.append(_registered_versions(self._output))
        return functools.reduce(frozenset.__and__, filter(None, allowed), ALL_VERSIONS)

    def warnings(self) -> list[str]:
        """What is wrong with the declaration and makes requests fail with 500 later, one sentence each."""
        found = []
        for field in self.fields:
            parameter = self._parameters.get(field.name)
            if parameter is None:
                found.append(
                    f"@input_schema names the parameter {field.name!r}, which run() does not have: every request will"
                    f" fail. run() has: {', '.join(self._parameters)}."
                )
            elif parameter.default is None and field.converts and not field.optional and _is_packaged(field.kind):
                found.append(
                    f"run()'s parameter {field.name!r} has the default None, which its sample cannot take: requests"
                    f" that leave it out will fail. Write @input_schema({field.name!r}, ..., optional=True)."
                )
            if field.converts and _is_unconvertible_date(field.kind):
                found.append(
                    f"inference-schema cannot convert the date sample of the parameter {field.name!r} with this"
                    " Python: requests will fail. Use a datetime or a str as sample."
                )
        return found


def inspect(run: Callable[..., Any]) -> Schema | None:
    """The schema of exactly this function, or None when it is not decorated.

    Found through stacked decorators, decorators of the user's in between, methods and functools.partial (S76, S77).
    What is wrong with the declaration is logged.
    """
    if PACKAGE not in sys.modules:
        return None
    found = unwrap(run)
    if not found.layers:
        return None
    schema = Schema(run, found)
    for warning in schema.warnings():
        logger.warning(warning)
    return schema


def _field(layer: Any) -> Field:
    inner = layer._self_wrapper  # noqa: SLF001  # the only place where the declaration is kept
    known: Mapping[str, Any] = {
        name: cell.cell_contents for name, cell in zip(inner.__code__.co_freevars, inner.__closure__, strict=True)
    }
    return Field(
        name=known["param_name"],
        kind=known["param_type"],
        optional=bool(known.get("optional", False)),  # since inference-schema 1.5
        converts=bool(known["convert_to_provided_type"]),
    )


def _registered_versions(function: Any) -> frozenset[str]:
    registry = sys.modules[_REGISTRY]
    name = getattr(registry, "_get_function_full_qual_name")(function)  # noqa: B009  # private to the package
    entry = getattr(registry, "__versions__", {}).get(name, {}).get("output_schema", {})
    return frozenset(entry.get("versions", ()))


def _conversion(traceback: TracebackType | None, body: CodeType | None) -> list[FrameType]:
    """The frames of the package's conversion, outermost first; none when the user's function had been entered."""
    steps: list[FrameType] = []
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code is body and not steps:
            return []
        if frame.f_code.co_name == _CONVERT and frame.f_globals.get("__name__") == DECORATORS:
            steps.append(frame)
        traceback = traceback.tb_next
    return steps


def _path(name: str, steps: list[FrameType]) -> str:
    """Where in the value the conversion stood, as in ``rows[2].age``."""
    path = name
    for outer, inner in itertools.pairwise(steps):
        holder, item = outer.f_locals.get("input_data"), inner.f_locals.get("input_data")
        if isinstance(holder, dict):
            path += f".{inner.f_locals.get('param_name')}"
        elif isinstance(holder, list):
            path += f"[{next((index for index, value in enumerate(holder) if value is item), '?')}]"
    return path


def _is_packaged(kind: Any) -> bool:
    return type(kind).__module__.startswith(f"{PACKAGE}.")


def _is_unconvertible_date(kind: Any) -> bool:
    """S73: the package calls date.strptime, which Python has since 3.14."""
    return getattr(kind, "sample_data_type", None) is dt.date and not hasattr(dt.date, "strptime")


def _broken(kind: Any, error: Exception) -> bool:
    """Whether the conversion cannot work at all, whatever the client sends."""
    return isinstance(error, AttributeError) and _is_unconvertible_date(kind)
