"""An error as the hero: the user's failing line in its surroundings, then what to do, then the rest."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui import format as write
from tui.looks import Trouble
from tui.trouble import excerpt, is_place

_LIBRARY = ("site-packages", "dist-packages", "inference_http", "<frozen", "lib/python")


class TroubleView(Static):
    """Draws one error; the class ``-full`` adds the log's last lines."""

    def __init__(self, trouble: Trouble | None = None, *, full: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._full = full
        self._text = ""
        if trouble is not None:
            self.tell(trouble)

    def tell(self, trouble: Trouble) -> None:
        """Show one; its file is read anew, for somebody may have mended it."""
        found = content(trouble, full=self._full)
        if found.plain != self._text:
            self._text = found.plain
            self.update(found)


def content(trouble: Trouble, *, full: bool) -> Content:
    """Write an error. The places of files are clickable."""
    code: list[tuple[str, str] | str] = [(f" {trouble.code} ", "b reverse $error"), " "] if trouble.code else []
    parts: list[Content] = [Content.assemble(*code, (trouble.what, "b"))]
    lines = excerpt(trouble.file, trouble.line) if trouble.file and trouble.line else []
    place = f"{trouble.file}:{trouble.line}" if trouble.file and trouble.line else ""
    if trouble.why and not (place and is_place(trouble.why)):
        parts.append(Content.styled(trouble.why, "$foreground"))
    if place:
        parts.append(Content.assemble((write.short_path(place, 90), "$primary"), ("   o opens it", "$faint")))
        parts += _source(lines, trouble.line)
    if trouble.fix:
        parts.append(Content.assemble(("fix  ", "b $success"), trouble.fix))
    if full and trouble.log:
        parts.append(Content(""))
        parts += _log(trouble.log)
    return Content("\n").join(parts)


def _source(lines: Sequence[tuple[int, str]], failing: int) -> list[Content]:
    found = []
    for number, text in lines:
        shown = text.replace("\t", "    ")
        if number == failing:
            found.append(Content.assemble((f" ▶ {number:>4} │ ", "b $error"), (shown, "b $foreground on $error 20%")))
        else:
            found.append(Content.assemble((f"   {number:>4} │ ", "$line"), (shown, "$faint")))
    return found


def _log(lines: Sequence[str]) -> list[Content]:
    """Write the last lines, with the frames of libraries folded to one line each run."""
    found: list[Content] = []
    folded = 0
    skip = False
    for line in lines:
        frame = line.lstrip().startswith('File "')
        if frame:
            skip = any(part in line for part in _LIBRARY)
            folded += skip
        elif not line.startswith("    "):
            skip = False
        if skip:
            continue
        if folded:
            found.append(Content.styled(f"  ⋯ {write.plural(folded, 'library frame')}", "$faint italic"))
            folded = 0
        found.append(Content.styled(line, "$foreground" if frame else "$faint"))
    if folded:
        found.append(Content.styled(f"  ⋯ {write.plural(folded, 'library frame')}", "$faint italic"))
    return found
