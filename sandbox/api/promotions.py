"""From here to a host, and back to what served before."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.api.part import Part
from sandbox.model.progress import Report, quiet

if TYPE_CHECKING:
    from sandbox.model.generation import Generation
    from sandbox.ops.promote import Promoted
    from sandbox.ops.receive import Received


class Promotions(Part):
    """Promote a deployment to a host, go back to a generation, and see which there were."""

    def promote(
        self,
        endpoint: str,
        to: str,
        *,
        deployment: str | None = None,
        steps: Sequence[int] = (100,),
        pause_s: float | None = None,
        most_errors: float | None = None,
        dry_run: bool = False,
        report: Report = quiet,
    ) -> "Promoted":
        """Bring what a deployment serves to a host, unchanged: sealed, tested, shipped, tested there, given traffic.

        Args:
            endpoint: its name.
            to: the name of the host.
            deployment: its name; None: the one that has all live traffic, or the only one.
            steps: percent of the host's traffic that the new version gets, one after the other.
            pause_s: seconds that each step is watched; None: 10.
            most_errors: percent of answers with errors that a step lets through; None: 1.
            dry_run: only tell what would be done.
            report: is told about progress.
        """
        from sandbox.ops import bundle, promote

        pace = bundle.Pace(
            tuple(steps),
            bundle.PAUSE_S if pause_s is None else pause_s,
            bundle.MOST_ERRORS if most_errors is None else most_errors,
        )
        return promote.promote(self._context(report), endpoint, to, deployment, pace, dry_run=dry_run)

    def receive(self, said: Any, *, report: Report = quiet) -> "Received":
        """Take what another machine promotes to this one; ``said`` is the JSON that it sends."""
        from sandbox.hosts import production
        from sandbox.ops import bundle, receive

        context = self._context(report)
        found = production.read(context.home)
        return receive.receive(context, bundle.from_mapping(said), found.host if found else "this machine")

    def rollback(self, endpoint: str, to: int | None = None, *, report: Report = quiet) -> "Generation":
        """Go back to a generation that served before; None: the one before the live one."""
        from sandbox.ops import rollback

        return rollback.rollback(self._context(report), endpoint, to)

    def history(self, endpoint: str) -> "Sequence[Generation]":
        """Return what served, and what was tried, oldest first."""
        from sandbox.ops import rollback

        return rollback.history(self._context(), endpoint)
