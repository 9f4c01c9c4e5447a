"""Images of deployments, in the engine of Docker."""

from typing import TYPE_CHECKING, Any

from sandbox.api.part import Part
from sandbox.model.progress import Report, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.image.listing import Listed
    from sandbox.ops.images import Sealed


class Images(Part):
    """What was built for deployments: packages, code, and sealed images for other machines."""

    def list(self) -> "Sequence[Listed]":
        """List them, the newest first."""
        from sandbox.ops import images

        return images.look(self._context())

    def show(self, name: str) -> dict[str, Any]:
        """Return what the engine shows of one; raises NotFound (E119)."""
        from sandbox.ops import images

        return images.show(name)

    def prune(self, *, everything: bool = False) -> "Sequence[Listed]":
        """Remove those that no deployment needs; ``everything``: also the images of packages, and sealed ones."""
        from sandbox.ops import images

        return images.prune(self._context(), everything=everything)

    def package(self, model: str, version: str, *, tag: str | None = None, report: Report = quiet) -> "Sealed":
        """Seal the deployment that serves this version of a model; raises SandboxError (E145) where it is not one."""
        from sandbox.ops import images

        context = self._context(report)
        return images.make_sealed(context, *images.serving_model(context, model, version), tag=tag)

    def seal(self, name: str, endpoint: str, *, tag: str | None = None, report: Report = quiet) -> "Sealed":
        """Put everything of a deployment that serves into one image, and try it as it is."""
        from sandbox.ops import images

        return images.make_sealed(self._context(report), endpoint, name, tag=tag)
