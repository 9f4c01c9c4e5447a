"""What the parts of the API have in common: the way to their home."""

from typing import TYPE_CHECKING

from sandbox.model.progress import Report, quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.ops.context import Context


class Part:
    """One group of use cases. ``context`` puts the parts of the program together for one call."""

    def __init__(self, context: "Callable[[Report], Context]") -> None:
        self.__context = context

    def _context(self, report: Report = quiet) -> "Context":
        return self.__context(report)
