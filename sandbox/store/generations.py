"""The history of an endpoint, and the promotion that is on its way: files in the endpoint's folder, written whole."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sandbox import files
from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.model.generation import Generation, Part, Verb, current
from sandbox.store import codec
from sandbox.store.endpoints import now

MOST = 200  # entries; the oldest go
_Value = TypeVar("_Value", Generation, "Promotion")


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion whose traffic moves. ``before`` is where the traffic goes back to, ``set_to`` what we set it to last.

    ``fresh``: the deployment was made for it, and is taken away when it fails.
    """

    deployment: str
    part: Part
    who: str
    text: str
    before: Mapping[str, int] = field(default_factory=dict)
    set_to: Mapping[str, int] = field(default_factory=dict)
    fresh: bool = True


class Generations:
    """What is known of one endpoint. Who writes holds the lock of its promotions, or that of the endpoint."""

    def __init__(self, home: Home, endpoint: str) -> None:
        self._folder = os.path.join(home.endpoints, endpoint.lower())
        self._history, self._pending = (os.path.join(self._folder, name) for name in ("history.json", "promotion.json"))

    def read(self) -> tuple[Generation, ...]:
        """Return the history, oldest first.

        Raises:
            SandboxError: E004, the file is damaged.
        """
        said = files.read_json(self._history) or ()
        return tuple(_read(Generation, each, self._history) for each in said)

    def add(
        self,
        verb: Verb,
        who: str,
        text: str,
        traffic: Mapping[str, int],
        parts: Mapping[str, Part],
        *,
        root: int = 0,
        cause: str = "",
    ) -> Generation:
        """Write a new entry; with a ``cause`` it is one that came to nothing, and gets no number."""
        before = self.read()
        live = current(before)
        number = 0 if cause else (live.number if live else 0) + 1
        made = Generation(number, now(), who, verb, text, root or number, dict(traffic), dict(parts), cause)
        self._write((*before, made)[-MOST:])
        return made

    def _write(self, history: tuple[Generation, ...]) -> None:
        if os.path.isdir(self._folder):  # else the endpoint is gone, and its history with it
            files.write_json(self._history, [codec.encode(each) for each in history])

    def pending(self) -> Promotion | None:
        """Return the promotion that was begun and not ended, None where there is none; raises as ``read``."""
        said = files.read_json(self._pending)
        return None if said is None else _read(Promotion, said, self._pending)

    def begin(self, promotion: Promotion) -> Promotion:
        """Remember a promotion before its first step."""
        if os.path.isdir(self._folder):  # else the endpoint is gone, and is not to come back as a promotion alone
            files.write_json(self._pending, codec.encode(promotion))
        return promotion

    def step(self, promotion: Promotion, traffic: Mapping[str, int]) -> Promotion:
        """Remember what the traffic is about to be set to."""
        return self.begin(replace(promotion, set_to=dict(traffic)))

    def end(self) -> None:
        """Forget the promotion."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._pending)


def _read(wanted: type[_Value], said: Any, path: str) -> _Value:
    try:
        return codec.decode(wanted, said)
    except ValueError as error:
        fix = "restore it; without it nothing can be gone back to, and what serves serves on"
        raise SandboxError("E004", f"{path} is damaged", str(error), fix) from None
