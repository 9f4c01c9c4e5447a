"""What a file describes, with what Azure would say to it told before anything is done."""

import sys
from typing import TYPE_CHECKING

from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.problem import SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.spec.load import Spec
    from sandbox.spec.override import Override


def described(
    session: Session, kind: str, file: str | None, changes: "Sequence[Override]", *, look_at_script: bool = True
) -> "Spec":
    """Read a file once (it may be a pipe), print its warnings, and return what it describes.

    Args:
        session: the running command.
        kind: what the command is about: endpoint, deployment, model, environment, connection.
        file: the path; None when ``changes`` say everything.
        changes: overrides.
        look_at_script: read the scoring script as well.

    Raises:
        SpecError: with every problem.
    """
    from sandbox.spec.load import examine

    examined = examine(file, changes, kind, look_at_script=look_at_script)
    if examined.value is None:
        raise SpecError(examined.problems)
    if examined.problems and not session.quiet:
        Paper(sys.stderr).problems(examined.problems)
    return examined.value
