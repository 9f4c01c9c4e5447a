"""Pictures of the pages for the docs: ``python tests/tui/pictures.py`` writes docs/images/*.svg.

What is shown is made up (tests/tui/fake.py), what shows it is the real thing.
"""

import os
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent), str(ROOT)]

from fake import FakeSource  # noqa: E402 - found by the line above
from seen import run, sitting  # noqa: E402 - likewise

SIZE = (112, 30)
PICTURES = {
    "overview": (("1", "down"), "522 MB"),
    "trouble": (("1", "down", "down"), "▶    7 │"),
    "traffic": (("2", "shift+left"), "85 %"),
    "logs": (("down", "3", "g"), "Reloaded"),
    "requests": (("4",), "00000027-aa"),
    "invoke": (("5", "ctrl+r"), "200 ok"),
    "debug": (("down", "6"), "● reloaded"),
    "jobs": (("7",), "1 library frame"),
}


class Named(FakeSource):
    """Its code lies in a folder that nobody's machine is named by."""

    def about(self, endpoint, deployment):
        return replace(super().about(endpoint, deployment), code="fraud/src")


async def take(folder):
    for name, (keys, complete) in PICTURES.items():
        source = Named(folder)
        source.place = "."
        async with sitting(folder, SIZE, source=source) as at:
            await at.until("Endpoints")
            await at.until(lambda at=at: at.desk.row is not None)
            for key in keys:
                await at.keys(key)
            await at.until(complete)
            at.desk.clear_notifications()
            await at.pilot.pause(0.5)
            drawn = at.desk.export_screenshot(title="sandbox tui")
            drawn = re.sub(r"terminal-\d+", f"terminal-{name}", drawn)  # else another one each time
            text = "\n".join(line.rstrip() for line in drawn.split("\n"))
            (ROOT / "docs" / "images" / f"{name}.svg").write_text(text, encoding="utf-8")


def main():
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run(take(Path(folder)))
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
