"""Writes the keys into docs/tui.md: ``python -m tui.page``."""

import re
import sys
from pathlib import Path

from tui import keys


def written(text: str) -> str:
    """Return the page with the tables between its marks made anew."""
    for scope in (keys.EVERYWHERE, *keys.PAGES):
        begin, end = f"<!-- keys {scope} -->\n", "\n<!-- end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        table = f"{begin}{keys.page(scope)}{end}"
        text = pattern.sub(table.replace("\\", r"\\"), text)
    return text


def main() -> int:
    """Write the page."""
    path = Path(__file__).parents[1] / "docs" / "tui.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
