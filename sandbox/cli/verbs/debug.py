"""The table of ``sandbox debug``."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.words import ONLY_ERRORS, VERBOSE, Flag, Group, Verb

DEBUG = Verb(
    "",
    "switch a deployment that runs into debug mode, and back",
    (
        Flag(("deployment",), "The deployment.", "DEPLOYMENT", "argument", required=True, of="deployment"),
        Flag(
            ("--endpoint-name", "-e"),
            "Its endpoint; needed where several have one of that name.",
            "NAME",
            of="endpoint",
        ),
        Flag(("--off",), "Let serve what served before.", kind="switch"),
        JSON,
        ONLY_ERRORS,
        VERBOSE,
    ),
    "debug:run",
    ("sandbox debug blue", "sandbox debug blue -e shop", "sandbox debug blue --off"),
    about="One instance of it runs your folder, reloads it when you save, and lets a debugger attach, behind the same\n"
    "address; requests that stand at a breakpoint are not timed out, and probes do not count. --off lets serve what\n"
    "served before, in its number. Prints how to attach, and writes it into .vscode/launch.json.",
    kind="own",
    changes=True,
)


def group(name: str) -> Group:
    """Return the table."""
    return Group(name, DEBUG.summary, (DEBUG,))
