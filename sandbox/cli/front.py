"""Which command is meant: the words before the flags. Flags of all commands may stand before the group, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.cli.words import GLOBALS, Flag


@dataclass(frozen=True, slots=True)
class Line:
    """A command line, taken apart. ``verb`` is "" where none was said; ``rest`` are the words for the verb's parser."""

    group: str
    verb: str
    rest: tuple[str, ...]
    wants_help: bool = False
    wants_version: bool = False


def split(words: Sequence[str], groups_without_verb: frozenset[str]) -> Line:
    """Find group and verb among the words; ``az ml`` before them is taken for nothing.

    Args:
        words: the arguments of the program.
        groups_without_verb: names that are commands by themselves.
    """
    names: list[str] = []
    early: list[str] = []
    index = 0
    wanted = 2
    while index < len(words) and len(names) < wanted:
        word = words[index]
        index += 1
        if not word.startswith("-"):
            if word in {"az", "ml"} and not names:
                continue
            names.append(word)
            if word in groups_without_verb and len(names) == 1:
                wanted = 1
        elif word in {"-h", "--help"}:
            return Line(names[0] if names else "", "", (), wants_help=True)
        elif word == "--version" and not names:
            return Line("", "", (), wants_version=True)
        else:
            early.append(word)
            if takes_next(word) and index < len(words):
                early.append(words[index])
                index += 1
    group, verb = (names[0] if names else ""), (names[1] if len(names) > 1 else "")
    return Line(group, verb, (*early, *words[index:]))


def takes_next(word: str) -> bool:
    """Tell whether the value of a flag is the next word."""
    flag = matching(word, GLOBALS)
    return flag is not None and flag.takes_value and "=" not in word and (word.startswith("--") or len(word) == 2)


def matching(word: str, flags: Sequence[Flag]) -> Flag | None:
    """Return the flag that a word stands for, by its name or the beginning of one; None where it is none or several."""
    name = word.partition("=")[0]
    joined = name[:2] if len(name) > 2 and name[1] != "-" else name  # -ojson is -o with its value
    exact = [flag for flag in flags if name in flag.names or joined in flag.names]
    if exact:
        return exact[0]
    near = [flag for flag in flags if name.startswith("--") and any(each.startswith(name) for each in flag.names)]
    return near[0] if len(near) == 1 else None
