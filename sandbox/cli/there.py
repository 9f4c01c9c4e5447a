"""``sandbox --host NAME VERB ...``: the same command, carried out on a host.

The words are read here first: what is wrong about them is said before anybody is asked, what means nothing on a host is
refused with the reason, and the one file that a command may name travels as its standard input.
"""

import sys
from collections.abc import Sequence

from sandbox.cli.front import takes_next
from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.cli.words import Flag
from sandbox.model.errors import SandboxError, UsageError

FLAG = "--host"
STDIN = "/dev/stdin"
_PROMOTED = "deployments come to a host with sandbox promote, which tests them before"
_FILES = "it is about files and folders of this machine"
_HERE = "it is about this machine"
# Group to verbs that mean something on a host; "*" is all of them.
_ALLOWED: dict[str, frozenset[str]] = {
    "status": frozenset({"*"}),
    "logs": frozenset({"*"}),
    "tui": frozenset({"*"}),
    "down": frozenset({"*"}),
    "prune": frozenset({"*"}),
    "rollback": frozenset({"*"}),
    "history": frozenset({"*"}),
    "image": frozenset({"*"}),
    "connection": frozenset({"*"}),
    "online-endpoint": frozenset({"show", "list", "update", "delete", "invoke", "get-credentials", "regenerate-keys"}),
    "online-deployment": frozenset({"show", "list", "update", "delete", "get-logs"}),
}
_REASONS = {
    "create": _PROMOTED,
    "up": _PROMOTED,
    "init": _FILES,
    "validate": _FILES,
    "serve": _FILES,
    "seal": "images are sealed and tested here, and brought to a host with sandbox promote",
    "promote": "say where to with --to: sandbox promote ENDPOINT --to HOST",
    "host": "hosts are known here: sandbox host --help",
    "doctor": "sandbox host doctor NAME looks at a host",
    "agent": "on a host Docker starts again what ends",
    "completion": _HERE,
    "model": "a host has the models that are in its images",
    "environment": "a host has the environments that are in its images",
}


def taken(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take ``--host NAME`` from before the command; return the name (None: none was said) and the other words.

    Raises:
        UsageError: E164, the name is missing.
    """
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word == FLAG:
            if at + 1 >= len(words):
                raise UsageError("E164", "--host needs the name of a host", "", "sandbox host list shows them")
            return words[at + 1], [*words[:at], *words[at + 2 :]]
        elif word.startswith(f"{FLAG}="):
            return word.partition("=")[2], [*words[:at], *words[at + 1 :]]
        elif not word.startswith("-"):
            break
        else:
            skip = takes_next(word)
    return None, list(words)


def refuse(host: str, group: str, verb: str) -> None:
    """See that a command means something on a host.

    Raises:
        UsageError: E164.
    """
    verbs = _ALLOWED.get(group, frozenset())
    if verbs & {"*", verb}:
        return
    said = " ".join(filter(None, (group, verb)))
    why = _REASONS.get(verb) or _REASONS.get(group) or "it means nothing there"
    raise UsageError("E164", f"sandbox {said} is not said on a host", why, f"leave out --host {host}")


def carry_out(session: Session, host: str, words: Sequence[str]) -> int:
    """Carry a command out on a host; return its exit code.

    Raises:
        UsageError: E164, it names a folder, or more than one file.
    """
    refuse(host, session.group, session.verb.name)
    stdin, sent = _input(session, host, words)
    tty = stdin is None and sys.stdin.isatty() and sys.stdout.isatty()

    def told(where: str) -> None:
        session.settle()
        if sys.stderr.isatty() and not session.quiet:
            paper = Paper(sys.stderr)
            paper.print(paper.paint(f"on {where}", "dim"))

    code = session.sandbox.hosts.carry_out(host, sent, stdin=stdin, tty=tty, told=told, report=session.report)
    if session.group == "status" and code == 0 and session.arguments.output != "json":
        from sandbox.cli.commands.status import here

        here(session, host)
    return code


def _input(session: Session, host: str, words: Sequence[str]) -> tuple[bytes | None, list[str]]:
    """Return what the command reads, and its words with the file that was named in the place of its name."""
    given = session.arguments
    if getattr(given, "web", False) and session.group == "tui":
        fix = f"sandbox --host {host} tui, in this terminal"
        raise UsageError("E164", "--web shows this machine's endpoints", "on a host nobody sees its browser", fix)
    if getattr(given, "no_wait", False):
        fix = "leave it out; Ctrl-C ends the command, and what was done stays done"
        raise UsageError("E164", "--no-wait cannot be said on a host", "nothing of ours goes on there by itself", fix)
    named = [
        (flag, str(getattr(given, flag.field)))
        for flag in session.verb.flags
        if flag.of == "file" and _is_given(given, flag)
    ]
    if not named:
        return None, list(words)
    flag, path = named[0]
    if len(named) > 1 or (session.group == "online-deployment" and flag.field == "file"):
        what = f"{flag.names[0]} {path} cannot be said on a host"
        why = "the file names files of this machine" if len(named) == 1 else "one file can be sent, not two"
        raise UsageError("E164", what, why, "--set KEY=VALUE changes what is there")
    return _content(path), [STDIN if word == path else _joined(word, flag, path) for word in words]


def _is_given(given: object, flag: Flag) -> bool:
    return bool(getattr(given, flag.field, None))


def _joined(word: str, flag: Flag, path: str) -> str:
    """Return ``--flag=PATH`` and ``-fPATH`` with the new path."""
    if any(word == f"{name}={path}" for name in flag.names) or (word.startswith("--") and word.endswith(f"={path}")):
        return f"{word[: -len(path)]}{STDIN}"
    if any(len(name) == 2 and word == f"{name}{path}" for name in flag.names):
        return f"{word[:2]}{STDIN}"
    return word


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SandboxError("E016", f"{path} cannot be read", error.strerror or str(error), "correct the path") from None
