"""Exports of endpoints for tools that are not ours."""

from typing import TYPE_CHECKING, Any

from sandbox.api.part import Part

if TYPE_CHECKING:
    from sandbox.ops.exports import Exported


class Exports(Part):
    """Files for Compose, systemd, Kubernetes and Swarm, of an endpoint whose deployments are sealed."""

    def write(self, kind: str, endpoint: str, **chosen: Any) -> "Exported":
        """Write the files of one kind; ``chosen`` are fields of ``sandbox.ops.exports.Chosen``."""
        from sandbox.ops import exports

        return exports.export(self._context(), kind, endpoint, exports.Chosen(**chosen))
