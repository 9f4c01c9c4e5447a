"""Groups that mean something in the cloud only: they answer, so that scripts go on, and say what they are."""

from sandbox.cli.catalog import ALONE, BY_NAME
from sandbox.cli.words import Flag, Group, Verb

_NAME = Flag(("--name", "-n"), "Answered with.", "NAME")
_VERBS = {
    "configure": ("",),
    "login": ("",),
    "logout": ("",),
    "account": ("show", "set", "list"),
    "extension": ("add", "update", "remove", "list", "show"),
}
_USUAL = ("create", "update", "show", "list", "delete")


def group(name: str) -> Group:
    """Return the table of one of them: any verb, any flag."""
    summary = f"accepted, so that scripts go on; {BY_NAME[name].summary}"
    listed = _VERBS.get(name, _USUAL)
    examples = {"configure": "sandbox configure --defaults group=mine workspace=mine"}
    verbs = [
        Verb(
            verb,
            BY_NAME[name].summary,
            (_NAME,),
            "cloud:answer",
            (examples.get(name, " ".join(part for part in ("sandbox", name, verb) if part)),),
            about=f"{summary[:1].upper()}{summary[1:]}.",
            open=True,
        )
        for verb in listed
    ]
    if name not in ALONE:
        verbs.append(Verb("*", summary, (_NAME,), "cloud:answer", open=True))
    return Group(name, summary, tuple(verbs))
