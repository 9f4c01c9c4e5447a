"""A generation: who sends the requests of an endpoint where, since when, and from which images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["promote", "rollback", "traffic"]


@dataclass(frozen=True, slots=True)
class Part:
    """A deployment of a generation. ``image`` is the id of a sealed image, "" for one that is not sealed.

    ``digest`` is its name in a registry, "" where it came by another way. ``references`` are variables that name
    secrets of the host, never the secrets.
    """

    image: str = ""
    digest: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generation:
    """One entry of an endpoint's history.

    ``number`` is 0 for an attempt that came to nothing; ``cause`` then says why. ``root``: the generation that a
    rollback went back to, else ``number`` itself. ``traffic`` is what was live from then on.
    """

    number: int
    at: str  # ISO 8601, UTC
    who: str
    verb: Verb
    text: str
    root: int = 0
    traffic: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    cause: str = ""


def current(history: Sequence[Generation]) -> Generation | None:
    """Return the generation that is live, None where there is none yet."""
    return next((each for each in reversed(history) if each.number), None)


def by_number(history: Sequence[Generation], number: int) -> Generation | None:
    """Return a generation."""
    return next((each for each in history if each.number == number), None) if number else None


def before(history: Sequence[Generation]) -> Generation | None:
    """Return what a rollback goes back to: the generation before the live one; said again, the one before that."""
    live = current(history)
    if live is None:
        return None
    return next((each for each in reversed(history) if each.number and each.root < live.root), None)


def kept(history: Sequence[Generation], most: int) -> list[Generation]:
    """Return the newest generations that can be gone back to, the live one first: different images, most at most."""
    found: dict[int, Generation] = {}
    for each in reversed(history):
        if each.number:
            found.setdefault(each.root, by_number(history, each.root) or each)
    return list(found.values())[:most]
