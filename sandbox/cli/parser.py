"""From the table of a verb to argparse, and from a wrong command line to exit code 2."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from sandbox.cli.words import GLOBALS, Flag, Group, Verb

EXIT_USAGE = 2


class Parser(argparse.ArgumentParser):
    """argparse, saying ``ERROR:`` as az does, and the nearest flag."""

    def __init__(self, program: str, verb: Verb) -> None:
        super().__init__(
            program,
            usage=usage(program, verb),
            description=verb.about or f"{verb.summary[:1].upper()}{verb.summary[1:]}.",
            epilog=epilog(verb),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=not verb.open,
            add_help=False,
        )
        self._known = [name for flag in flags_of(verb) for name in flag.names if name.startswith("--")]

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and end with 2."""
        self.print_usage(sys.stderr)
        sys.stderr.write(f"ERROR: {message}\n")
        if message.startswith("unrecognized arguments:"):
            import difflib

            for word in message.partition(": ")[2].split():
                near = difflib.get_close_matches(word.partition("=")[0], self._known, 1) if word[:2] == "--" else []
                if near:
                    sys.stderr.write(f"  fix: did you mean {near[0]}?\n")
        sys.stderr.write(f"  {self.prog} --help shows every flag\n")
        sys.exit(EXIT_USAGE)


def usage(program: str, verb: Verb) -> str:
    """Return the line above the flags: what has to be given, and that there is more."""
    needed = [flag for flag in verb.flags if flag.required and not flag.is_positional]
    places = [flag.shown if flag.required else f"[{flag.shown}]" for flag in verb.flags if flag.is_positional]
    rest = ["[any flag]"] if verb.open else ["[flags]"] if len(verb.flags) > len(needed) + len(places) else []
    return " ".join([program, *places, *(f"{flag.names[0]} {flag.shown}" for flag in needed), *rest])


def epilog(verb: Verb) -> str:
    """Return the examples as help shows them."""
    if not verb.examples:
        return ""
    return "\n".join(["example:" if len(verb.examples) == 1 else "examples:", *(f"  {each}" for each in verb.examples)])


def flags_of(verb: Verb) -> tuple[Flag, ...]:
    """Return the flags of a verb, those of every command included."""
    return (*verb.flags, *(GLOBALS if verb.kind == "azure" else ()))


def parser(program: str, verb: Verb) -> Parser:
    """Build the parser of one verb.

    Args:
        program: what the user types before the flags: ``sandbox online-endpoint show``.
        verb: its table.
    """
    made = Parser(program, verb)
    if verb.kind == "azure":
        _add_all(made.add_argument_group("arguments"), verb.flags)
        general = made.add_argument_group("arguments of every az ml command")
        _add_all(general, GLOBALS)
    else:
        general = made.add_argument_group("arguments")
        _add_all(general, verb.flags)
        if not verb.open:  # the program that takes the rest has a --debug of its own
            _add(general, Flag(("--debug",), "Show our own traceback when something fails.", kind="switch"))
    general.add_argument("--help", "-h", action="help", help="Show this and end.")
    return made


def _add_all(group: Any, flags: Sequence[Flag]) -> None:
    for flag in flags:
        _add(group, flag)


def _add(group: Any, flag: Flag) -> None:
    options: dict[str, Any]
    if flag.is_positional:
        nargs = "*" if flag.kind == "arguments" else None
        if flag.kind == "arguments" and flag.required:
            nargs = "+"
        elif flag.kind == "argument" and not flag.required:
            nargs = "?"
        options = {"nargs": nargs, "metavar": flag.metavar or None, "help": flag.help, "default": flag.default}
        group.add_argument(flag.names[0], **options)
        return
    options = {"dest": flag.field, "default": flag.default, "help": flag.help}
    if flag.required:
        options["required"] = True
    if flag.kind == "switch":
        options |= {"action": "store_true", "default": False}
    elif flag.kind == "truth":
        options |= {"nargs": "?", "const": True, "default": False, "type": _truth, "metavar": "true|false"}
    elif flag.kind == "words":
        options |= {"action": "append", "nargs": "+", "metavar": flag.metavar, "default": list(flag.default or ())}
    elif flag.kind == "choice":
        options |= {"type": str.lower, "choices": flag.choices, "metavar": flag.metavar or flag.shown}
    else:
        options |= {"metavar": flag.metavar, **({"type": _number} if flag.kind == "number" else {})}
    group.add_argument(*flag.names, **options)


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return lowered == "true"


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def flat(words: Sequence[Sequence[str]]) -> list[str]:
    """Join what several occurrences of a flag were given."""
    return [word for group in words for word in group]


def program(group: Group, verb: Verb) -> str:
    """Return what is typed for a verb."""
    return " ".join(part for part in ("sandbox", group.name, verb.name) if part)
