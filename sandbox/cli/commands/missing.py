"""The answer of groups and verbs that the sandbox does not have."""

from typing import NoReturn

from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError

_LATER = frozenset({"job", "batch-endpoint", "batch-deployment"})


def refuse(session: Session) -> NoReturn:
    """Say that there is no such thing here.

    Raises:
        SandboxError: E013, always.
    """
    given = session.arguments
    name = given.group if given.group not in {"model", "environment"} else f"{given.group} {given.verb}"
    what = f"sandbox {name} does not exist{' yet' if name in _LATER else ''}"
    why = "the sandbox runs online endpoints; " + (
        "batch endpoints and jobs are not built" if name in _LATER else "this belongs to other parts of Azure ML"
    )
    raise SandboxError("E013", what, why, "run this line with az ml, or leave it out here")
