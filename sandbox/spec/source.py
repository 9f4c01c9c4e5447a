"""The text of a file, read once and kindly: what cannot be read says why and what to do."""

import codecs
import os
from dataclasses import dataclass, field

from sandbox.model.problem import Place, Problem, SpecError

LARGEST = 256 * 1024  # bytes
_SHOWN = 200  # characters of a source line in a message
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(slots=True)
class Source:
    """A file's text with its name as the user gave it."""

    file: str
    text: str
    _lines: list[str] | None = field(default=None, repr=False)

    def line(self, number: int) -> str:
        """Return a line (from 1) without its end; "" behind the last one."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number - 1][:_SHOWN] if 0 < number <= len(self._lines) else ""

    def place(self, line: int, column: int) -> Place:
        """Make a place of a line and a column, both from 1."""
        return Place(self.file, line, column, self.line(line))

    @property
    def whole(self) -> Place:
        """Give the place that means the file itself."""
        return Place(self.file)


def read(file: str) -> Source:
    """Read a file, a pipe (``<(...)``) too.

    Raises:
        SpecError: E020 to E022.
    """
    try:
        with open(file, "rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(file, error) from None
    except ValueError as error:  # a name with a null byte
        raise _refused("E020", f"{file!r} cannot be read: {error}", file) from None
    if len(content) > LARGEST:
        fix = "move what is large into files of its own and name their paths"
        raise _refused("E022", f"{file} is larger than {LARGEST // 1024} KiB", file, fix)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        what = f"{file} is not {encoding} text: byte {content[error.start]:#04x} in line {before.count(10) + 1}"
        raise _refused("E021", what, file, "save it as UTF-8") from None
    for number, line in enumerate(text.splitlines(), 1):
        for column, sign in enumerate(line, 1):
            if not sign.isprintable() and sign not in "\t\ufeff\xa0\u200b" and _forbidden(sign):
                what = f"a control character ({ord(sign):#06x}) that YAML does not allow"
                raise SpecError([Problem("E021", what, Place(file, number, column), "", "remove it")])
    return Source(file, text)


def _forbidden(sign: str) -> bool:
    code = ord(sign)
    return code < 0x20 or code == 0x7F or 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)


def _refused(code: str, what: str, file: str, fix: str = "") -> SpecError:
    return SpecError([Problem(code, what, Place(file), "", fix)])


def _unreadable(file: str, error: OSError) -> SpecError:
    if isinstance(error, IsADirectoryError):
        found = sorted(name for name in os.listdir(file) if name.endswith((".yml", ".yaml")))[:5]
        fix = f"name a file in it: {', '.join(found)}" if found else "name the file itself"
        return _refused("E020", f"{file} is a folder", file, fix)
    if isinstance(error, FileNotFoundError):
        fix = f"looked from {os.getcwd()}" if not os.path.isabs(file) else ""
        near = _nearest(file)
        return _refused("E020", f"{file} does not exist", file, f"did you mean {near}?" if near else fix)
    return _refused("E020", f"{file} cannot be read: {error.strerror or error}", file)


def _nearest(file: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(file)
    try:
        near = get_close_matches(name, os.listdir(folder or "."), n=1, cutoff=0.7)
    except OSError:
        return ""
    return os.path.join(folder, near[0]) if near else ""
