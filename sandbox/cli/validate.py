"""``sandbox validate FILE...``: every problem of each file."""

import argparse
import json
import sys
from typing import Any

from sandbox.cli.render import Paper
from sandbox.model.errors import SandboxError

DESCRIPTION = """\
Check Azure ML v2 YAML files: online endpoints, managed and Kubernetes online deployments, models, environments.
What a file describes is told by its $schema line, else by its keys. Every problem of every file is shown in one run,
each with its line. Errors are what Azure would refuse, now or only when it is too late; warnings are accepted here.
The scoring script is read too, and not run."""

EPILOG = """\
examples:
  sandbox validate endpoint.yml blue-deployment.yml
  sandbox validate blue-deployment.yml --set instance_count=3 --set model.path=../model
  sandbox validate *.yml -o json

exit code: 0 no errors, 1 errors, 2 the command line itself is wrong"""


def add(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "validate",
        help="check YAML files: every problem, with its line",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a YAML or JSON file")
    parser.add_argument(
        "--set",
        dest="changes",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="change a value before the check, as in traffic.blue=90 or a.b[0].c=v; VALUE is JSON, else text",
    )
    parser.add_argument("-n", "--name", metavar="NAME", help="the same as --set name=NAME")
    parser.add_argument("-e", "--endpoint-name", metavar="NAME", help="the same as --set endpoint_name=NAME")
    parser.add_argument(
        "-o", "--output", choices=["text", "json"], default="text", help="text for people (default), or json"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the files; return 0, or 1 when one of them has an error.

    Raises:
        SandboxError: an override is malformed, or PyYAML is missing.
    """
    try:
        from sandbox.spec.load import examine
    except ModuleNotFoundError as missing:
        if missing.name != "yaml":
            raise
        what = "PyYAML is not installed, which is needed to read YAML files"
        raise SandboxError("E001", what, "", "pip install 'endpoint-sandbox[sandbox]'") from None
    from sandbox.spec.override import named, parse

    changes = [parse(text) for text in arguments.changes]
    if arguments.name is not None:
        changes.append(named("name", arguments.name, "-n"))
    if arguments.endpoint_name is not None:
        changes.append(named("endpoint_name", arguments.endpoint_name, "-e"))
    results = [examine(file, changes) for file in arguments.files]
    failed = any(result.errors for result in results)
    if arguments.output == "json":
        _print_json(results)
    else:
        _print_text(results)
    return 1 if failed else 0


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
