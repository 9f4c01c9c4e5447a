"""The tables of promote, rollback and history, and of what promote says on the host."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.words import ONLY_ERRORS, VERBOSE, Flag, Group, Verb

ENDPOINT = Flag(("endpoint",), "The endpoint.", "ENDPOINT", "argument", required=True, of="endpoint")
PROMOTE = Verb(
    "",
    "bring a deployment to a host, as it was tested here",
    (
        ENDPOINT,
        Flag(("--to",), "The host; sandbox host add makes one known.", "HOST", required=True),
        Flag(("--deployment", "-d"), "Which one; the one with the traffic unless given.", "NAME", of="deployment"),
        Flag(
            ("--traffic", "-r"),
            "Percent of the host's traffic for the new version, step by step: 10,50,100. 100 unless given.",
            "STEPS",
        ),
        Flag(("--pause",), "How long each step is watched: 30s, 5m. 10s unless given.", "TIME"),
        Flag(("--max-errors",), "Percent of answers with errors that a step lets through; 1 unless given.", "PERCENT"),
        Flag(("--dry-run",), "Seal and test here, and only tell what would be done there.", kind="switch"),
        JSON,
        ONLY_ERRORS,
        VERBOSE,
    ),
    "promote:promote",
    (
        "sandbox promote shop --to prod",
        "sandbox promote shop --to prod --traffic 10,50,100 --pause 30s",
        "sandbox promote shop --to prod --deployment green --dry-run",
    ),
    about="Seal what the deployment serves, test it as sealed (probes, then the samples kept with it), bring the\n"
    "image to the host, test it there, and only then give it traffic. A step that fails is taken back by itself.\n"
    "Interrupted, it is said again: it goes on.",
    kind="own",
    changes=True,
)
ROLLBACK = Verb(
    "",
    "send the requests where they went before",
    (
        ENDPOINT,
        Flag(
            ("--to",), "A generation, by its number; the one before the live one unless given.", "GENERATION", "number"
        ),
        JSON,
        ONLY_ERRORS,
        VERBOSE,
    ),
    "promote:rollback",
    ("sandbox --host prod rollback shop", "sandbox --host prod rollback shop --to 3", "sandbox rollback shop"),
    about="Go back to a generation: its containers where they still run, else new ones of the same images. Said\n"
    "again, it goes back one more. A promotion that was interrupted is taken back.",
    kind="own",
    changes=True,
)
HISTORY = Verb(
    "",
    "what served when: who changed it, from which images",
    (ENDPOINT, JSON),
    "promote:history",
    ("sandbox --host prod history shop", "sandbox history shop -o json"),
    kind="own",
)
RECEIVE = Verb(
    "",
    "take what another machine promotes to this one; promote says it on the host",
    (Flag(("--stdin",), "Accepted: it is read from there.", kind="switch"),),
    "promote:receive",
    ("sandbox host-receive < bundle.json",),
    kind="own",
    changes=True,
)
_VERBS = {"promote": PROMOTE, "rollback": ROLLBACK, "history": HISTORY, "host-receive": RECEIVE}


def group(name: str) -> Group:
    """Return the table of one of them."""
    return Group(name, _VERBS[name].summary, (_VERBS[name],))
