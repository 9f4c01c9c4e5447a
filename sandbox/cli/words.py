"""What a command line is made of: flags, verbs, groups. Parser, help, completion, docs/cli.md are made from these."""

from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["text", "number", "switch", "truth", "words", "choice", "argument", "arguments"]
Names = Literal["", "endpoint", "deployment", "model", "environment", "connection", "host", "file", "folder"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a verb, or a positional argument (``kind`` argument, arguments; ``names`` then holds its one name).

    ``kind``: text and number take a value; switch takes none; truth takes none, or true or false; words takes one or
    more, and may be repeated. ``of`` says what kind of name the value is, for completion.
    """

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Any = None
    of: Names = ""

    @property
    def is_positional(self) -> bool:
        """Tell whether it is told by its place."""
        return not self.names[0].startswith("-")

    @property
    def takes_value(self) -> bool:
        """Tell whether a value has to follow."""
        return not self.is_positional and self.kind not in {"switch", "truth"}

    @property
    def field(self) -> str:
        """The attribute of the parsed command line."""
        return self.names[0].lstrip("-").replace("-", "_").lower()

    @property
    def shown(self) -> str:
        """How usage texts write its value."""
        if self.kind == "choice" and not self.metavar:
            return "|".join(self.choices)
        if self.kind == "truth":
            return "true|false"
        word = self.metavar or self.field.upper().replace("_", "-")
        return f"{word} [{word} ...]" if self.kind in {"words", "arguments"} else word

    def needed(self) -> "Flag":
        """Return the same flag, which has to be given."""
        return replace(self, required=True)

    def saying(self, text: str) -> "Flag":
        """Return the same flag with another help text."""
        return replace(self, help=text)


@dataclass(frozen=True, slots=True)
class Verb:
    """One command. ``run`` names the function, which is imported when it is called: ``module:function``.

    ``kind`` azure: it takes the flags of all ``az ml`` commands, and what the function returns is printed as
    ``--output`` says. own: it prints by itself and returns the exit code. ``changes``: it leaves something behind
    when it is interrupted. ``open``: flags that are not in the table are taken as well.
    """

    name: str
    summary: str
    flags: tuple[Flag, ...]
    run: str
    examples: tuple[str, ...] = ()
    about: str = ""
    kind: Literal["azure", "own"] = "azure"
    changes: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What a command is about; a verb follows. One of our own verbs is a group with the one verb "" ."""

    name: str
    summary: str
    verbs: tuple[Verb, ...]

    def verb(self, name: str) -> Verb | None:
        """Return the verb of that name."""
        return next((verb for verb in self.verbs if verb.name == name), None)


# --- Flags that all commands of the az ml kind take ------------------------------------------------------------------

FORMATS = ("json", "jsonc", "yaml", "yamlc", "table", "tsv", "none")

OUTPUT = Flag(("--output", "-o"), f"{', '.join(FORMATS)}; json unless given.", "FORMAT", "choice", FORMATS)
QUERY = Flag(("--query",), "A JMESPath query: prints the part of the result that it selects.", "JMESPATH")
ONLY_ERRORS = Flag(("--only-show-errors",), "No progress and no warnings.", kind="switch")
VERBOSE = Flag(("--verbose",), "Also what tools print, line by line.", kind="switch")
DEBUG = Flag(("--debug",), "Show our own traceback when something fails.", kind="switch")
RESOURCE_GROUP = Flag(("--resource-group", "-g"), "Accepted, and ignored here.", "NAME")
WORKSPACE = Flag(("--workspace-name", "-w"), "Accepted, and ignored here.", "NAME")
SUBSCRIPTION = Flag(("--subscription",), "Accepted, and ignored here.", "NAME")

GLOBALS = (OUTPUT, QUERY, ONLY_ERRORS, VERBOSE, DEBUG, RESOURCE_GROUP, WORKSPACE, SUBSCRIPTION)

# --- Flags that several commands share -------------------------------------------------------------------------------

LOCAL = Flag(("--local",), "Accepted: everything here is local.", kind="truth")
NO_WAIT = Flag(("--no-wait",), "End as soon as the work goes on without this command.", kind="switch")
YES = Flag(("--yes", "-y"), "Do not ask.", kind="switch")
WEB = Flag(("--web",), "Accepted, and without effect here.", kind="switch")
FILE = Flag(("--file", "-f"), "A YAML or JSON file; /dev/stdin and <(...) do too.", "PATH", of="file")
SET = Flag(
    ("--set",),
    "Change values of the file before it is read: a.b[0].c=v. Several after one --set, or --set again.",
    "KEY=VALUE",
    "words",
    default=(),
)
EDIT_SET = SET.saying("Change values: a.b[0].c=v. VALUE is JSON where it is, else text; missing parents are made.")
ADD = Flag(
    ("--add",), "Append to a list, or add to a mapping: LIST VALUE, LIST KEY=VALUE.", "WORD", "words", default=()
)
REMOVE = Flag(("--remove",), "Remove a key, or an item of a list: KEY, LIST INDEX.", "WORD", "words", default=())
FORCE_STRING = Flag(("--force-string",), "Values of --set and --add are text, also where they are JSON.", kind="switch")
REGISTRY = Flag(("--registry-name",), "An Azure ML registry: names of its own, kept apart from the others.", "NAME")
MAX_RESULTS = Flag(("--max-results", "-r"), "At most so many.", "N", "number")
