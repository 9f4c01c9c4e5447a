"""The tables of our own commands about what runs: up, status, logs, down, agent."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.words import ONLY_ERRORS, VERBOSE, YES, Flag, Group, Verb

UP = Verb(
    "",
    "make endpoints and deployments be as the YAML files say",
    (
        Flag(("paths",), "A YAML file, or a folder with such files.", "PATH", "arguments", of="file", default=()),
        Flag(("--reload",), "Run the code from your folder, and reload it when it is saved.", kind="switch"),
        JSON,
        ONLY_ERRORS,
        VERBOSE,
    ),
    "up:up",
    ("sandbox up .", "sandbox up endpoint.yml blue-deployment.yml", "sandbox up . --reload"),
    about="Make endpoints, deployments and traffic be as the YAML files say. What is so already is left alone, so\n"
    "that it can be said again: after an edit, after a crash. Without files it brings back what there was.",
    kind="own",
    changes=True,
)
STATUS = Verb(
    "",
    "endpoints, deployments, instances, traffic",
    (JSON,),
    "status:run",
    ("sandbox status", "sandbox status -o json"),
    about="Show what there is and how it is: endpoints with their addresses, deployments with state and traffic.",
    kind="own",
)
LOGS = Verb(
    "",
    "what the deployments log",
    (
        Flag(("endpoint",), "Only of this endpoint.", "ENDPOINT", "argument", of="endpoint"),
        Flag(("deployment",), "Only of this deployment of it.", "DEPLOYMENT", "argument", of="deployment"),
        Flag(("--follow", "-f"), "Go on, with what comes; Ctrl-C ends it.", kind="switch"),
        Flag(("--previous", "-p"), "Of the revision before, which was replaced or failed.", kind="switch"),
        Flag(
            ("--lines", "-l"),
            "Begin with the last so many lines of each; 100 unless given.",
            "N",
            "number",
            default=100,
        ),
    ),
    "logs:run",
    ("sandbox logs", "sandbox logs shop blue -f", "sandbox logs shop blue --previous"),
    about="Print what deployments log, each line behind the name of its deployment.",
    kind="own",
)
DOWN = Verb(
    "",
    "delete endpoints and everything that runs for them",
    (
        Flag(("names",), "An endpoint.", "NAME", "arguments", of="endpoint", default=()),
        Flag(("--all",), "All of them, and the gateway.", kind="switch"),
        YES,
        ONLY_ERRORS,
        VERBOSE,
    ),
    "up:down",
    ("sandbox down shop", "sandbox down --all --yes"),
    about="Delete endpoints with their deployments, keys and instances. Models, environments and connections stay.",
    kind="own",
    changes=True,
)
PRUNE = Verb(
    "",
    "remove built environments and copies that nothing uses",
    (
        Flag(("--dry-run",), "Only list the environments, and which of them are used.", kind="switch"),
        YES,
        JSON,
    ),
    "prune:prune",
    ("sandbox prune --dry-run", "sandbox prune --yes"),
    about="Environments, and copies of code and models, are kept to be used again. What no deployment uses goes.",
    kind="own",
    changes=True,
)
AGENT = Group(
    "agent",
    "looks after what runs: restarts what dies or hangs, goes on with what was interrupted; nothing else needs it",
    tuple(
        Verb(name, summary, flags, f"agent:{name}", (f"sandbox agent {name}",), kind="own")
        for name, summary, flags in (
            ("start", "start it, apart from this terminal", ()),
            ("stop", "end it; what it looks after goes on", ()),
            ("status", "tell whether it runs", (JSON,)),
            ("run", "be it, in this terminal, until Ctrl-C", ()),
        )
    ),
)
_VERBS = {"up": UP, "status": STATUS, "logs": LOGS, "down": DOWN, "prune": PRUNE}


def group(name: str) -> Group:
    """Return the table of one of them."""
    if name == "agent":
        return AGENT
    return Group(name, _VERBS[name].summary, (_VERBS[name],))
