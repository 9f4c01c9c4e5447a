"""Which requests and answers of a deployment are kept (spec section 2, data_collector)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RollingRate = Literal["minute", "hour", "day", "month", "year"]


@dataclass(frozen=True, slots=True)
class CollectedData:
    """The data asset that a collection becomes."""

    name: str | None = None
    path: str | None = None
    version: str | None = None
    data_id: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of data, for instance ``model_inputs`` or ``request``."""

    enabled: bool
    data: CollectedData | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestLogging:
    """Headers that are kept with the data."""

    capture_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataCollector:
    """The collections by name. ``sampling_rate`` is a share from 0 to 1; ``rolling_rate`` how often a file begins."""

    collections: Mapping[str, Collection] = field(default_factory=dict)
    rolling_rate: RollingRate = "hour"
    sampling_rate: float = 1.0
    request_logging: RequestLogging | None = None
