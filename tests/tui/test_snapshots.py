"""Every page as it looks, at two sizes: the text of the screen, compared with what is kept beside.

``UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py`` writes them anew; look at the difference before it is kept.
"""

import difflib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fake import FakeSource
from seen import run, sitting

HERE = Path(__file__).parent / "snapshots"
# page, keys that come before the picture, what is on the screen when it is complete
PICTURES = {
    "overview": (("1",), "shop/blue"),
    "trouble": (("1", "down", "down"), "▶    7 │"),
    "traffic": (("2", "shift+left"), "85 %"),
    "logs": (("down", "3", "g"), "Reloaded"),
    "requests": (("4",), "00000027-aa"),
    "invoke": (("5", "ctrl+r"), "200 ok"),
    "debug": (("down", "6"), "● reloaded"),
    "jobs": (("7",), "E054"),
    "help": (("question_mark",), "Move traffic"),
    "confirm": (("x",), "Delete blue?"),
}


class Still(FakeSource):
    """Its home has the same name everywhere, so that no path of this machine is in a picture."""

    def about(self, endpoint, deployment):
        return replace(super().about(endpoint, deployment), code="fraud/src")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_pages_look_as_they_did(tmp_path, monkeypatch, size):
    monkeypatch.chdir(tmp_path)
    pictures = {}

    async def go():
        source = Still(tmp_path)
        source.place = "."
        async with sitting(tmp_path, size, source=source) as at:
            for name, (keys, complete) in PICTURES.items():
                at.desk.choose("shop", "blue")
                await at.keys("1")
                await at.until(lambda: at.desk.page.NAME == "overview")
                at.desk.page.query_one("#deployments").focus()
                await at.until("Endpoints")
                for key in keys:
                    await at.keys(key)
                await at.until(complete)
                pictures[name] = await settled(at)
                await at.keys("escape")

    run(go())
    update = bool(os.environ.get("UPDATE_SNAPSHOTS"))
    different = []
    for name, picture in pictures.items():
        path = HERE / f"{name}-{size[0]}x{size[1]}.txt"
        if update:
            HERE.mkdir(exist_ok=True)
            path.write_text(picture, encoding="utf-8")
        before = path.read_text(encoding="utf-8")
        if picture != before:
            lines = difflib.unified_diff(before.splitlines(), picture.splitlines(), path.name, "now", lineterm="")
            different.append("\n".join(lines))
    assert "\n".join(different) == ""


async def settled(at):
    """The screen when three looks in a row have changed nothing; the age of the news is not part of it."""
    last, same = "", 0
    while same < 3:
        look = at.desk.look
        await at.until(lambda look=look: at.desk.look is not look, "another look")
        await at.pilot.pause()
        now = "\n".join(line.rstrip() for line in aged(at.screen).split("\n")) + "\n"
        same, last = (same + 1, now) if now == last else (0, now)
    return last


def aged(screen):
    first, _, rest = screen.partition("\n")
    words = first.rsplit("  ", 1)[0] if first.endswith(" s") else first
    return f"{words.rsplit(' ', 1)[0] if words.endswith(' s') else words}\n{rest}"
