"""What a promotion sends to the host, beside the image: everything that the host has to know, and no secret."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.model import names, sample
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.sample import Sample

SCHEMA = 1
PAUSE_S = 10.0
MOST_ERRORS = 1.0  # percent
_LONGEST_PAUSE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How traffic moves: ``steps`` and ``most_errors`` are percent, ``pause_s`` seconds of watching after each step."""

    steps: tuple[int, ...] = (100,)
    pause_s: float = PAUSE_S
    most_errors: float = MOST_ERRORS

    def __post_init__(self) -> None:
        steps = self.steps
        grow = all(one < other for one, other in itertools.pairwise(steps))
        if not steps or not grow or not (steps[0] >= 1 and steps[-1] <= 100):
            what = f"{','.join(map(str, steps)) or 'nothing'} are no steps of traffic"
            raise UsageError("E191", what, "percentages of the new version, which grow, from 1 to 100", "10,50,100")
        if not 0 <= self.pause_s <= _LONGEST_PAUSE_S:
            raise UsageError("E191", f"a pause of {self.pause_s:g} s", "", "give 0 to 24h, for instance 30s")
        if not 0 <= self.most_errors <= 100:
            raise UsageError("E191", f"{self.most_errors:g} percent of errors", "", "give 0 to 100")


@dataclass(frozen=True, slots=True)
class Bundle:
    """One promotion. ``endpoint`` is what would stand in its file; ``references`` are variables that name secrets."""

    endpoint: Mapping[str, Any]
    deployment: str
    image: str
    who: str
    digest: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    pace: Pace = field(default_factory=Pace)

    @property
    def name(self) -> str:
        """The name of the endpoint."""
        return str(self.endpoint["name"])


def as_mapping(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle as it travels."""
    return {
        "schema": SCHEMA,
        "endpoint": dict(bundle.endpoint),
        "deployment": bundle.deployment,
        "image": bundle.image,
        "digest": bundle.digest,
        "who": bundle.who,
        "references": dict(bundle.references),
        "samples": [sample.as_mapping(each) for each in bundle.samples],
        "pace": asdict(bundle.pace),
    }


def from_mapping(said: Any) -> Bundle:
    """Return what ``as_mapping`` gave.

    Raises:
        SandboxError: E189, it is something else.
    """
    try:
        if said["schema"] != SCHEMA:
            raise _wrong(f"its schema is {said['schema']!r}, this version knows {SCHEMA}")
        pace = said["pace"]
        made = Bundle(
            dict(said["endpoint"]),
            str(said["deployment"]),
            str(said["image"]),
            str(said["who"]),
            str(said["digest"]),
            {str(name): str(value) for name, value in said["references"].items()},
            _samples(said["samples"]),
            Pace(tuple(int(each) for each in pace["steps"]), float(pace["pause_s"]), float(pace["most_errors"])),
        )
        if not made.name or not made.deployment or not made.image.startswith("sha256:"):
            raise _wrong("endpoint, deployment or image are missing")
        for name in (made.name, made.deployment):  # they become paths there
            if not re.fullmatch(names.PATTERN, name):
                raise _wrong(f"{name!r} cannot be a name")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(f"{type(error).__name__}: {error}") from None
    return made


def _samples(said: Sequence[Mapping[str, Any]]) -> tuple[Sample, ...]:
    return tuple(sample.from_mapping(each) for each in said)


def _wrong(why: str) -> SandboxError:
    return SandboxError("E189", "what was sent is no promotion", why, "use the same version on both sides")
