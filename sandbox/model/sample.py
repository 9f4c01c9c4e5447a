"""A request that a deployment has to answer as before, and how two answers are compared. Pure."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-6  # of numbers with a fraction, relative, and absolute near zero
JSON = "application/json"
_SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and the answer that it had. ``answer`` is JSON, or the text of an answer that is none.

    ``checked`` False: nobody said what the answer is; only that there is one (status 200) counts.
    """

    name: str
    body: bytes
    answer: Any = None
    checked: bool = True
    content_type: str = JSON
    tolerance: float = TOLERANCE


def difference(sample: Sample, body: bytes) -> str:
    """Return how an answer differs from the one that is expected, "" where it does not.

    Text and whole numbers, keys and the order of lists are compared exactly; numbers with a fraction within the
    sample's tolerance, so that another processor may round otherwise. The first difference is named by its place.
    """
    if not sample.checked:
        return ""
    return next(_differences(sample.answer, value_of(body), "$", sample.tolerance), "")


def value_of(body: bytes) -> Any:
    """Return an answer's JSON, or its text where it is none."""
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _differences(expected: Any, found: Any, path: str, tolerance: float) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() - found.keys():
            yield f"{path}.{key} is missing"
        for key in found.keys() - expected.keys():
            yield f"{path}.{key} was not there before"
        for key in expected:
            yield from _differences(expected[key], found[key], f"{path}.{key}", tolerance)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path} has {len(found)} items instead of {len(expected)}"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _differences(one, other, f"{path}[{index}]", tolerance)
    elif not _same(expected, found, tolerance):
        yield f"{path} is {_shown(found)} instead of {_shown(expected)}"


def _same(expected: Any, found: Any, tolerance: float) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, float) or isinstance(found, float):
        if not isinstance(expected, (int, float)) or not isinstance(found, (int, float)):
            return False
        if math.isnan(expected) or math.isnan(found):
            return math.isnan(expected) and math.isnan(found)
        return math.isclose(expected, found, rel_tol=tolerance, abs_tol=tolerance)
    return bool(expected == found)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def as_mapping(sample: Sample) -> dict[str, Any]:
    """Return a sample as it travels: JSON, its body encoded."""
    said: dict[str, Any] = {"name": sample.name, "body": base64.b64encode(sample.body).decode()}
    if sample.checked:
        said["answer"] = sample.answer
    return said | {"content_type": sample.content_type, "tolerance": sample.tolerance}


def from_mapping(said: Mapping[str, Any]) -> Sample:
    """Return what ``as_mapping`` gave.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    body = base64.b64decode(said["body"], validate=True)
    return Sample(
        str(said["name"]),
        body,
        said.get("answer"),
        "answer" in said,
        str(said["content_type"]),
        float(said["tolerance"]),
    )
