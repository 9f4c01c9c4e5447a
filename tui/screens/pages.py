"""The pages by name. Each is made when it is first shown, so that the first paint waits for one only."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from textual.screen import Screen

from tui.keys import PAGES as NAMES


def _maker(name: str) -> Callable[[], Screen[Any]]:
    def make() -> Screen[Any]:
        made: Screen[Any] = getattr(import_module(f"tui.screens.{name}"), name.capitalize())()
        return made

    return make


PAGES: dict[str, str | Callable[[], Screen[Any]]] = {name: _maker(name) for name in NAMES}
