"""docs/cli.md, written from the tables: ``python -m sandbox.cli.page > docs/cli.md`` in the repository."""

import sys
from collections.abc import Iterator

from sandbox.cli import catalog
from sandbox.cli.words import GLOBALS, Flag, Group, Verb

COMMAND = "python -m sandbox.cli.page > docs/cli.md"

HEAD = """\
# The command line

<!-- Generated: `{command}` -->

`sandbox GROUP VERB` takes what `az ml GROUP VERB` takes: a script works after replacing `az ml` by `sandbox` (with
`alias az=sandbox`, `az ml ...` works as it stands). Besides these there are commands of our own.

- Long flags may be shortened as long as no other flag begins so (`--endpoint` for `--endpoint-name`); a beginning that
  two flags share ends with 2. `--flag value` and `--flag=value` are the same. Flags of every command may stand before
  the group, too.
- `--set` may be repeated, and takes several pairs at once. In `create` it changes the file before it is read; in
  `update` what exists: values are read as JSON unless `--force-string` is given, missing parents are made.
- `-f` takes any file, also `/dev/stdin` and `<(...)`. Paths in a file are seen from its folder, paths in flags from
  where you are.
- `--local` is accepted everywhere, alone or with `true` or `false`: everything is local.

## Output

Results go to standard output as `-o` says, everything else to standard error.

| `-o` | what is printed |
| --- | --- |
| `json` | two spaces deep, keys sorted; nothing at all for a result that is empty. The default |
| `jsonc` | the same, with colours on a terminal |
| `yaml`, `yamlc` | the same as YAML |
| `tsv` | values between tabs, sorted by key, or as the query says; nested objects are empty, lists their length |
| `table` | columns without id, type, etag and everything nested |
| `none` | nothing; the exit code tells |

`--query` selects by [JMESPath](https://jmespath.org) before that. `online-endpoint invoke` returns the answer as a
string, so JSON output is a string in quotes; `-o tsv` prints the answer as it is. `get-logs` prints the log as it is.

## Errors

| exit code | when |
| --- | --- |
| 0 | done |
| 1 | failed; also `Operation cancelled.`: without a terminal `delete` needs `--yes` |
| 2 | the command line is wrong |
| 3 | what was asked for does not exist |
| 130, 143 | ended by Ctrl-C, by SIGTERM; saying it again goes on |

Commands of az ml print `ERROR: (CODE) what happened` as their first line, our own `error[CODE] what happened`; then
why, the end of the log where there is one, and what to do. With `-o json` written out, the line behind the first is the
error as one JSON object instead, with `code`, `what`, `why`, `fix` and `exit_code` below `error`. `--debug` shows our
traceback. [All codes](error-codes.md).

Long commands tell how they get on: a spinner with seconds and the last lines of what works on a terminal, a line a step
elsewhere, `--verbose` everything, `--only-show-errors` nothing. Colours need a terminal, and `NO_COLOR` not to be set.

On a host: `sandbox --host NAME COMMAND ...` carries the command out there, with the same output and exit code. What is
about this machine or its files is refused (`create`, `up`, `seal` ...): deployments come to a host with
`sandbox promote`. A file that a flag names is read here. No variable stands for the flag: who changes production says
so each time.

Completion: `eval "$(sandbox completion bash)"`; commands, flags, names of endpoints and deployments.
"""


def page() -> str:
    """Return docs/cli.md."""
    parts = [HEAD.format(command=COMMAND)]
    for section in (catalog.OWN, catalog.AZURE):
        parts.append(f"## {section}\n")
        for entry in catalog.ENTRIES:
            if entry.section == section:
                parts += _group(catalog.group(entry.name))
        if section == catalog.AZURE:
            parts += ["### In all of them\n", *_table(GLOBALS)]
    parts += [f"## {catalog.CLOUD}\n", "They accept any flag and answer, so that scripts go on; a warning says so.\n"]
    parts += ["| command | |", "| --- | --- |"]
    parts += [f"| `{entry.name}` | {entry.summary} |" for entry in catalog.ENTRIES if entry.section == catalog.CLOUD]
    missing = ", ".join(f"`{entry.name}`" for entry in catalog.ENTRIES if entry.module == "missing")
    parts += [
        "",
        f"Not in the sandbox, error E013: {missing}, `model share`, `environment share`.",
        "",
    ]
    return "\n".join(parts)


def _group(group: Group | None) -> Iterator[str]:
    assert group is not None
    for verb in group.verbs:
        if verb.open and verb.run.startswith("missing"):
            continue
        yield f"### `{' '.join(part for part in ('sandbox', group.name, verb.name) if part)}`\n"
        yield f"{_about(verb)}\n"
        yield from _table(verb.flags)
        yield "```sh"
        yield from verb.examples
        yield "```\n"


def _about(verb: Verb) -> str:
    return verb.about or f"{verb.summary[:1].upper()}{verb.summary[1:]}."


def _table(flags: tuple[Flag, ...]) -> Iterator[str]:
    if not flags:
        return
    yield "| flag | |"
    yield "| --- | --- |"
    for flag in flags:
        needed = " **Required.**" if flag.required and not flag.is_positional else ""
        yield f"| {_names(flag)} | {flag.help.replace('|', chr(92) + '|')}{needed} |"
    yield ""


def _names(flag: Flag) -> str:
    if flag.is_positional:
        return f"`{flag.shown}`"
    value = flag.shown.replace("|", "\\|") if flag.takes_value or flag.kind == "truth" else ""
    shown = f"[{value}]" if flag.kind == "truth" else value
    first = f"`{flag.names[0]}{f' {shown}' if shown else ''}`"
    return ", ".join([first, *(f"`{name}`" for name in flag.names[1:])])


def main() -> int:
    """Print the page."""
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
