"""What the demo prints: headings, commands, bars. Colours on a terminal, unless NO_COLOR is set."""

import os
import sys
from collections.abc import Mapping

BAR = 40  # characters for 100 percent


def paint(text: str, code: str) -> str:
    """Return the text in an ANSI style where that is wanted: a terminal, and NO_COLOR not set."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe; what the pipe's encoding does not know becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def heading(number: int, of: int, title: str, rest: str) -> None:
    """Print the heading of a part."""
    say(f"\n{paint(f'{number}/{of} {title}', '1')}  {rest}")


def command(text: str) -> None:
    """Print the command that does what comes next."""
    say(f"    {paint('$ ' + text, '36')}")


def answer(status: int, text: str) -> None:
    """Print a status, green or red, and what came with it."""
    say(f"    {paint(str(status), '32' if status == 200 else '31')}  {text}")


def result(text: str) -> None:
    """Print what came of a command."""
    say(f"    {text}")


def place(where: str, code: str) -> None:
    """Print a line of somebody's code, and where it stands."""
    say(f"         {where}")
    say(f"             {paint(code.strip(), '1;31')}")


def bars(counts: Mapping[str, int]) -> None:
    """Print how many requests each deployment answered."""
    total = sum(counts.values()) or 1
    widest = max(map(len, counts), default=0)
    for name, count in sorted(counts.items(), key=lambda each: -each[1]):
        bar = "#" * max(1, round(BAR * count / total))
        say(f"    {name:<{widest}}  {paint(f'{bar:<{BAR}}', '34')}  {count:>5}  {100 * count / total:.1f} %")
