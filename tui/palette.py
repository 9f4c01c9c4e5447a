"""What the palette finds: every key's action, every deployment, and every command of ``sandbox``."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui import keys
from tui.verbs import verbs

if TYPE_CHECKING:
    from tui.app import Desk

Entry = tuple[str, str, Callable[[], Any]]
_OWN = {"command_palette"}


class Everything(Provider):
    """Keys of the page and of everywhere do at once what they do; commands open with their words typed in."""

    async def discover(self) -> Hits:
        """Show the keys of the page before anything is typed."""
        for title, text, call in self._entries():
            if not title.startswith("sandbox "):
                yield DiscoveryHit(title, call, help=text or None)

    async def search(self, query: str) -> Hits:
        """Show what matches."""
        matcher = self.matcher(query)
        for title, text, call in self._entries():
            score = matcher.match(f"{title} {text}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), call, help=text or None)

    def _entries(self) -> Iterator[Entry]:
        desk = cast("Desk", self.app)
        page = desk.page
        for key in keys.of(desk.current_mode):
            if page is not None:
                yield f"{key.text}  {key.shown}", "", partial(_act, desk, page, key.action)
        for key in keys.of(keys.EVERYWHERE):
            if key.action not in _OWN:
                yield f"{key.text}  {key.shown}", "", partial(_act, desk, desk, key.action)
        for row in desk.look.rows if desk.look else ():
            yield f"Go to {row.endpoint}/{row.name}", f"It is {row.word}.", partial(desk.choose, row.endpoint, row.name)
        for words, text in verbs():
            yield f"sandbox {words}", text, partial(_type, desk, f"{words} ")


def _act(desk: "Desk", where: Any, action: str) -> None:
    desk.call_later(desk.run_action, action, where)


def _type(desk: "Desk", text: str) -> None:
    from tui.screens.command import CommandLine

    desk.push_screen(CommandLine(text))
