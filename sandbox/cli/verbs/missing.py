"""Groups of az ml that the sandbox does not have: one clear error, whatever the verb."""

from sandbox.cli.words import Group, Verb


def group(name: str) -> Group:
    """Return a table that takes any verb and any flag."""
    return Group(
        name, f"{name} is not in the sandbox", (Verb("*", "not in the sandbox", (), "missing:refuse", open=True),)
    )
