"""``sandbox validate FILE...``: every problem of each file."""

import json
import sys
from typing import Any

from sandbox.cli.render import Paper
from sandbox.cli.session import Session


def run(session: Session) -> int:
    """Check the files; return 0, or 1 when one of them has an error.

    Raises:
        UsageError: an override is malformed.
    """
    from sandbox.cli.changes import overrides
    from sandbox.spec.load import examine

    given = session.arguments
    changes = overrides(given)
    results = [examine(file, changes) for file in given.files]
    if given.output == "json":
        _print_json(results)
    else:
        _print_text(results)
    return 1 if any(result.errors for result in results) else 0


def _print_json(results: list[Any]) -> None:
    found = [
        {
            "file": result.file,
            "kind": result.kind or None,
            "ok": not result.errors,
            "errors": result.errors,
            "warnings": result.warnings,
            "problems": [problem.as_json() for problem in result.problems],
        }
        for result in results
    ]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _print_text(results: list[Any]) -> None:
    """Print findings to stderr, and one line for each file to stdout."""
    findings, verdicts = Paper(sys.stderr), Paper(sys.stdout)
    for result in results:
        findings.problems(result.problems)
        sys.stderr.flush()
        kind = result.kind or "unknown kind"
        verdict = verdicts.paint("ok", "good") if not result.errors else verdicts.paint("refused", "error")
        counts = [
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in ((result.errors, "error"), (result.warnings, "warning"))
            if count
        ]
        verdicts.print(f"{result.file}: {kind}, {', '.join([verdict, *counts])}")
        sys.stdout.flush()
