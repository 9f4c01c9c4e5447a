"""What somebody would see and do: the text of the screen, and waiting until it says something."""

import asyncio
import contextlib
import time

from fake import SCORE, FakeSource

from tui.app import Desk

DEADLINE_S = 30.0


def text(app):
    """The screen as lines of text."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


class Sitting:
    """One application, driven by keys."""

    def __init__(self, desk, pilot):
        self.desk, self.pilot = desk, pilot

    async def keys(self, *keys):
        await self.pilot.press(*keys)

    async def until(self, test, what=""):
        """Wait until a test holds, or until a text is on the screen."""
        deadline = time.monotonic() + DEADLINE_S
        said = test
        while True:
            found = said in text(self.desk) if isinstance(said, str) else said()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what or said!r} did not come:\n{text(self.desk)}"
            await self.pilot.pause(0.02)

    async def gone(self, words):
        await self.until(lambda: words not in text(self.desk), f"not {words}")

    @property
    def screen(self):
        return text(self.desk)

    async def type(self, words):
        for letter in words:
            await self.pilot.press(NAMES.get(letter, letter))


NAMES = {
    " ": "space", "/": "slash", "!": "exclamation_mark", ".": "full_stop", "=": "equals_sign", "-": "minus",
    '"': "quotation_mark", "{": "left_curly_bracket", "}": "right_curly_bracket", ":": "colon", "_": "underscore",
}  # fmt: skip


@contextlib.asynccontextmanager
async def sitting(place, size=(120, 40), source=None, **more):
    """Open the application on a fake source, with everything looked at once."""
    (place / "score.py").write_text(SCORE)
    source = source or FakeSource(place)
    desk = Desk(source, every=0.15, **more)
    async with desk.run_test(size=size, notifications=True) as pilot:
        found = Sitting(desk, pilot)
        found.source = source
        gate = getattr(source, "gate", None)  # of a made-up source that is held
        await found.until(lambda: desk.look is not None or (gate and not gate.is_set()), "the first look")
        await pilot.pause()
        yield found


def run(coroutine):
    asyncio.run(coroutine)
