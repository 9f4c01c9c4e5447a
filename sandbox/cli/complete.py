"""``sandbox __complete INDEX WORD...``: what could stand at a place of the command line.

The answer is one candidate a line, with a tab before what it means; ``<files>`` alone leaves it to the shell.
"""

import sys
from collections.abc import Iterator, Sequence

from sandbox.cli import catalog
from sandbox.cli.front import matching, split
from sandbox.cli.parser import flags_of
from sandbox.cli.words import GLOBALS, Flag, Verb

FILES = "<files>"
Candidate = tuple[str, str]


def answer(words: Sequence[str]) -> int:
    """Print the candidates. Never fails: a shell that completes is no place for errors."""
    try:
        index = int(words[0])
        raw = words[1 + index] if 1 + index < len(words) else ""
        # A shell that leaves --name=shop in one piece replaces all of it; bash only what follows the equals sign.
        before = raw[: raw.index("=") + 1] if raw.startswith("--") and "=" in raw else ""
        found = [(f"{before}{word}", meaning) for word, meaning in candidates(_joined(words[1:], index))]
    except Exception:  # noqa: BLE001 - see above
        return 0
    sys.stdout.writelines(f"{word}\t{meaning}\n" if meaning else f"{word}\n" for word, meaning in found)
    return 0


def _joined(words: Sequence[str], index: int) -> list[str]:
    """Return the words up to the place. bash takes ``--name=shop`` apart at the equals sign, which is undone."""
    made: list[str] = []
    for word in [*words[1:index], words[index] if index < len(words) else ""]:
        if made and (word == "=" or (made[-1].endswith("=") and made[-1].startswith("--"))):
            made[-1] += word
        else:
            made.append(word)
    return made or [""]


def candidates(words: Sequence[str]) -> Iterator[Candidate]:
    """Find what could be the last word, which may have begun."""
    *before, current = words
    line = split(before, catalog.ALONE)
    wanted = _flag_before(before, line.group, line.verb)
    if not line.group and wanted is None:
        names = (
            (entry.name, entry.summary) for entry in catalog.ENTRIES if entry.section in {catalog.OWN, catalog.AZURE}
        )
        yield from _begun(names if not current.startswith("-") else _names(GLOBALS), current)
        return
    group = catalog.group(line.group) if line.group else None
    if group is None and wanted is None:
        return
    if group is not None and not line.verb and line.group not in catalog.ALONE and wanted is None:
        yield from _begun(((verb.name, verb.summary) for verb in group.verbs if verb.name != "*"), current)
        return
    verb = group.verb("" if line.group in catalog.ALONE else line.verb) if group is not None else None
    yield from _of_verb(verb, before, current, wanted)


def _of_verb(verb: Verb | None, before: Sequence[str], current: str, wanted: Flag | None) -> Iterator[Candidate]:
    flags = flags_of(verb) if verb is not None else GLOBALS
    if wanted is not None:
        yield from _begun(_values(wanted, before), current)
    elif current.startswith("--") and "=" in current:
        name, _, value = current.partition("=")
        flag = matching(name, flags)
        if flag is not None and flag.takes_value:  # bash replaces what follows the equals sign only
            yield from _begun(_values(flag, before), value)
    elif current.startswith("-"):
        yield from _begun(_names(flags), current)
    else:
        places = [flag for flag in flags if flag.is_positional]
        if places:
            yield from _begun(_values(_place(places, flags, before), before), current)
        else:
            yield from _begun(_names(flags), current)


def _place(places: Sequence[Flag], flags: Sequence[Flag], before: Sequence[str]) -> Flag:
    """Return the positional argument that comes next."""
    filled = 0
    for at, word in enumerate(before[1:], 1):
        flag = matching(before[at - 1], flags)
        filled += not word.startswith("-") and not (flag is not None and flag.takes_value)
    return places[min(filled, len(places) - 1)]


def _flag_before(before: Sequence[str], group: str, verb: str) -> Flag | None:
    """Return the flag whose value is due."""
    if not before or not before[-1].startswith("-") or "=" in before[-1]:
        return None
    found = catalog.group(group) if group else None
    table = found.verb("" if group in catalog.ALONE else verb) if found is not None else None
    flag = matching(before[-1], flags_of(table) if table is not None else GLOBALS)
    return flag if flag is not None and flag.takes_value else None


def _names(flags: Sequence[Flag]) -> Iterator[Candidate]:
    for flag in flags:
        if not flag.is_positional:
            yield flag.names[0], flag.help
    yield "--help", "Show every flag."


def _begun(found: Iterator[Candidate], current: str) -> Iterator[Candidate]:
    return (each for each in found if each[0].startswith(current) or each[0] == FILES)


def _values(flag: Flag, before: Sequence[str]) -> Iterator[Candidate]:
    if flag.choices:
        yield from ((choice, "") for choice in flag.choices)
    elif flag.field == "shell":
        yield from (("bash", ""), ("zsh", ""), ("fish", ""))
    elif flag.of in {"file", "folder"}:
        yield FILES, ""
    elif flag.of:
        yield from _existing(flag.of, before)


def _existing(kind: str, before: Sequence[str]) -> Iterator[Candidate]:
    """Ask what there is."""
    from sandbox.api import Sandbox

    sandbox = Sandbox()
    if kind == "endpoint":
        yield from ((found.name, "endpoint") for found in sandbox.online_endpoints.list())
    elif kind == "deployment":
        yield from ((found.name, "deployment") for found in sandbox.online_deployments.list(_endpoint(before)))
    elif kind in {"model", "environment"}:
        assets = sandbox.models if kind == "model" else sandbox.environments
        yield from ((found.name, kind) for found in assets.list())
    elif kind == "host":
        yield from ((found.name, kind) for found in sandbox.hosts.list())
    elif kind == "connection":
        yield from ((found.name, kind) for found in sandbox.connections.list())


def _endpoint(before: Sequence[str]) -> str | None:
    """Return the endpoint that the line names: -e; -n of an endpoint's verb; the first argument of logs."""
    of_endpoint = "online-endpoint" in before
    for at, word in enumerate(before[:-1]):
        name, _, value = word.partition("=")
        if (name.startswith("--e") and "--endpoint-name".startswith(name)) or name == "-e":
            return value or before[at + 1]
        if of_endpoint and name in {"-n", "--name"}:
            return value or before[at + 1]
    if before[:1] == ["logs"]:
        return next((word for word in before[1:] if not word.startswith("-")), None)
    return None
