"""Every error that a user can meet, in one table, and the one class that carries them.

``docs/error-codes.md`` is written from the table (``sandbox.spec.pages``). A code is never given a second meaning and
never used again after it is gone: people search for it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table: what the number stands for and what usually helps."""

    title: str
    meaning: str
    remedy: str


CODES: dict[str, Code] = {
    # --- The program itself ---
    "E001": Code(
        "a package is missing",
        "The command needs a package of the extra `sandbox`, which is not installed where the command runs.",
        "`pip install 'endpoint-sandbox[sandbox]'`",
    ),
    "E002": Code(
        "internal error",
        "A bug of this program, not of your files.",
        "Say the command again with `--debug` and report what it prints.",
    ),
    "E003": Code(
        "state folder cannot be used",
        "The folder in which everything is remembered (`SANDBOX_HOME`, else the platform's state folder) cannot be "
        "made or written.",
        "Set `SANDBOX_HOME` to a folder of yours.",
    ),
    "E004": Code(
        "a state file is damaged",
        "A file below `SANDBOX_HOME` is not what this program wrote.",
        "Restore it; or remove it, and say the command again.",
    ),
    "E005": Code(
        "another command holds the lock",
        "Locks are held for milliseconds; one that stays belongs to a process that is stopped.",
        "Try again; if it stays, end the other command.",
    ),
    # --- Reading a file ---
    "E020": Code("file cannot be read", "It is missing, is a folder, or may not be read.", "Correct the path."),
    "E021": Code("file is not text", "The file is not UTF-8 (or UTF-16 with a mark).", "Save it as UTF-8."),
    "E022": Code(
        "file is too large",
        "Larger than 256 KiB, nested deeper than 50 levels, or aliases make more than 20,000 values of it. Files of "
        "this kind hold a few hundred values; the limits keep a hostile file from filling the memory.",
        "Move what is large into files of its own.",
    ),
    "E023": Code("YAML syntax", "The text is not YAML.", "Correct the place that the message names."),
    "E024": Code(
        "key appears twice",
        "The same key stands twice in one mapping. Azure keeps the last one without a word.",
        "Remove one of them.",
    ),
    "E025": Code(
        "not one mapping",
        "The file is empty, holds several documents, or is a list or a single value.",
        "One file describes one thing: `key: value` lines at the left margin.",
    ),
    "E026": Code(
        "kind of file unknown",
        "Neither `$schema` nor the keys tell what the file describes, or it describes something not handled here.",
        "Add a `$schema` line.",
    ),
    # --- The content ---
    "E030": Code("unknown key", "Azure refuses keys that it does not know, at every level.", "Use the nearest key."),
    "E031": Code("required key missing", "The key has no default.", "Add it, or give it with `--set`, `-n`, `-e`."),
    "E032": Code("wrong type", "The value is of another type than the key takes.", "Quote texts; see docs/yaml.md."),
    "E033": Code("value not allowed", "The key takes one of a few values, or a number in a range.", "Use one of them."),
    "E034": Code(
        "no value",
        "`key:` with nothing after it is null, and Azure refuses null for every key.",
        "Give a value, or remove the key: leaving it out means its default.",
    ),
    "E035": Code(
        "file or folder missing",
        "A path leads nowhere. Relative paths start from the folder of the YAML file, not from where you are.",
        "Correct the path.",
    ),
    "E036": Code(
        "reference not understood",
        "Registered models and environments are named `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, by an ARM id "
        "after `azureml:`, or by `azureml://registries/...`.",
        "Write it in one of these forms.",
    ),
    "E037": Code(
        "scoring script",
        "The script is missing, does not parse, or has no init() or run(). It is read, never imported.",
        "Correct the script at the line that is named.",
    ),
    "E038": Code("name not possible", "Names become parts of addresses in Azure.", "Letters, digits and dashes."),
    "E039": Code("traffic not possible", "Live percentages must sum to 0 or 100.", "Correct the percentages."),
    "E040": Code(
        "mirror not possible",
        "One deployment can receive copies, at most 50 percent, and not while it has live traffic.",
        "Correct `mirror_traffic`.",
    ),
    "E041": Code("combination not possible", "Each value would do, together they do not.", "Remove one of them."),
    "E042": Code("override not possible", "A `--set` could not be applied to the file.", "Correct the `--set`."),
    # --- Warnings: the file is accepted ---
    "W060": Code(
        "Azure refuses this",
        "Accepted here, because Microsoft's pages show it or it is plain what is meant; `az ml` refuses it.",
        "Write it as the message says, and the file does for both.",
    ),
    "W061": Code("value changed", "The value is taken in another form than it was written.", "Write what is meant."),
    "W062": Code("without effect", "The key is accepted and does nothing in this combination.", "Remove it."),
    "W063": Code("probably not meant", "Allowed, but seldom what somebody wants.", "Look again."),
}


class SandboxError(Exception):
    """An error to show to people: which one (``code``), what happened, why it is so and what to do.

    ``why`` and ``fix`` may be empty. ``str(error)`` is one line; how it is printed is the business of ``sandbox.cli``.
    """

    exit_code = 1

    def __init__(self, code: str, what: str, why: str = "", fix: str = "") -> None:
        if code not in CODES:
            message = f"{code} is not in the table of codes"
            raise KeyError(message)
        super().__init__(code, what, why, fix)
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"[{self.code}] {self.what}"


class NotFound(SandboxError):
    """What was asked for does not exist: exit code 3, which scripts test for."""

    exit_code = 3


class UsageError(SandboxError):
    """The command line asks for something impossible: exit code 2."""

    exit_code = 2
