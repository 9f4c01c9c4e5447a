"""The entrance: one home, and everything that can be done with it. The only place where the parts are put together."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sandbox.api.assets import Assets
from sandbox.api.connections import Connections
from sandbox.api.deployments import OnlineDeployments
from sandbox.api.endpoints import OnlineEndpoints
from sandbox.api.exports import Exports
from sandbox.api.hosts import Hosts
from sandbox.api.images import Images
from sandbox.api.promotions import Promotions
from sandbox.home import Home
from sandbox.model.progress import Report, quiet

if TYPE_CHECKING:
    from sandbox.backend.docker.left import Left
    from sandbox.environment.shelf import Built
    from sandbox.ops.asking import Status
    from sandbox.ops.context import Context
    from sandbox.ops.heal import Healed
    from sandbox.ops.project import Done
    from sandbox.ops.space import Space
    from sandbox.ops.watching import Watching


class Sandbox:
    """Everything below one home (``SANDBOX_HOME``, else the platform's state folder)."""

    def __init__(self, home: Home | str | None = None) -> None:
        self.home = home if isinstance(home, Home) else Home(home) if home else Home.find()
        self.online_endpoints = OnlineEndpoints(self.context)
        self.online_deployments = OnlineDeployments(self.context)
        self.models = Assets(self.context, "model")
        self.environments = Assets(self.context, "environment")
        self.connections = Connections(self.context)
        self.images = Images(self.context)
        self.hosts = Hosts(self.context)
        self.exports = Exports(self.context)
        self.promotions = Promotions(self.context)

    def up(self, paths: Sequence[str] = (), *, development: bool = False, report: Report = quiet) -> "list[Done]":
        """Make everything that files, or folders of files, describe; without paths bring back what there was.

        ``development``: the code runs from the developer's folder and is reloaded when it is saved.
        """
        from sandbox.ops import project

        return project.up(self.context(report), paths, development=development)

    def down(self, names: Sequence[str] | None = None, *, report: Report = quiet) -> list[str]:
        """Delete endpoints with everything below them (None: all); return their names."""
        from sandbox.ops import project

        return project.down(self.context(report), names)

    def heal(self, report: Report = quiet, *, leave_alone: Collection[tuple[str, str]] = ()) -> "Healed":
        """Start what is missing, end what nobody asked for, go on with what was interrupted.

        ``leave_alone``: deployments (endpoint, name) that are not started this time.
        """
        from sandbox.ops import heal

        return heal.heal(self.context(report), leave_alone)

    def status(self) -> "Status":
        """Look at everything."""
        from sandbox.ops import asking

        return asking.status(self.context())

    def watching(self) -> "Watching":
        """Return what looks again and again: counters, processor and memory, the journal, requests, logs."""
        from sandbox.ops.watching import Watching

        return Watching(self.context())

    def space(self) -> "Space":
        """List what is kept to be used again: built environments, and whether something uses them."""
        from sandbox.ops import space

        return space.look(self.context())

    def prune(self) -> "tuple[list[Built], int]":
        """Remove environments and copies that no deployment uses; return those, and how many bytes copies took."""
        from sandbox.ops import space

        return space.prune(self.context())

    def left_behind(self) -> "list[Left]":
        """List containers that run for homes that are gone: nobody else will ever end them."""
        from sandbox.ops import space

        return space.left_behind()

    def remove_left_behind(self) -> "list[Left]":
        """Remove them; return what was removed."""
        from sandbox.ops import space

        return space.remove_left_behind()

    def context(self, report: Report = quiet) -> "Context":
        """Put the parts together."""
        from sandbox.ops.context import Context

        return Context.of(self.home, report)
