"""The keys of data_collector (spec section 2)."""

from dataclasses import dataclass
from typing import Any

from sandbox.model.collector import CollectedData, Collection, DataCollector, RequestLogging
from sandbox.model.problem import KeyPath
from sandbox.spec.nodes import Node, Scalar
from sandbox.spec.reading import Reading
from sandbox.spec.record import Key, Record
from sandbox.spec.values import Choice, Many, Number, Table, Text

DATA = Record(
    CollectedData,
    (
        Key("name", Text(), "The data asset's name."),
        Key("path", Text(), "Where it is stored, such as azureml://datastores/D/paths/P."),
        Key("version", Text("wide"), "Its version, in quotes.", "A number without quotes is refused."),
        Key("data_id", Text(), "Its ARM id."),
    ),
    "data",
    ignores_schema=False,
)


@dataclass(frozen=True)
class Data:
    """The reference of a data asset, or a mapping."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return CollectedData."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return CollectedData(data_id=node.value)
        return DATA.read(node, reading, path)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"anyOf": [{"type": "string"}, DATA.schema()]}

    def label(self) -> str:
        """Name the type."""
        return "text, or a mapping"


COLLECTION = Record(
    Collection,
    (
        Key(
            "enabled",
            Choice(("true", "false"), str.lower, truth=True),
            "Whether it is kept.",
            "The text 'true' or 'false', in quotes; YAML's own true is refused.",
            "Both are taken.",
            required=True,
        ),
        Key("data", Data(), "The data asset that it becomes."),
        Key("client_id", Text(), "As whom it is written."),
    ),
    "a collection",
    ignores_schema=False,
)

COLLECTOR = Record(
    DataCollector,
    (
        Key(
            "collections",
            Table(COLLECTION),
            "What is kept, by name: `request` and `response`, or names of your own.",
            required=True,
        ),
        Key(
            "rolling_rate",
            Choice(("minute", "hour", "day"), str.lower, wider=("month", "year")),
            "How often a file begins.",
            "month and year are documented, and refused by the loader.",
            "month and year are taken, with a warning.",
        ),
        Key("sampling_rate", Number(0, 1), "The share of the requests that is kept."),
        Key(
            "request_logging",
            Record(
                RequestLogging,
                (Key("capture_headers", Many(Text()), "The names of the headers."),),
                "request_logging",
                ignores_schema=False,
            ),
            "Headers that are kept as well.",
        ),
    ),
    "data_collector",
    ignores_schema=False,
)
