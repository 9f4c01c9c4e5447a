"""Registered models and environments: names with versions that never change."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sandbox.api.given import Given, read
from sandbox.api.info import Info
from sandbox.api.part import Part
from sandbox.model.asset import Model
from sandbox.model.environment import Environment
from sandbox.model.progress import Report, quiet
from sandbox.ops.edits import Edit

if TYPE_CHECKING:
    from sandbox.ops.context import Context
    from sandbox.spec.override import Override
    from sandbox.store.registered import Registered


class Assets(Part):
    """The models, or the environments. ``registry`` stands for an Azure ML registry; None: the workspace."""

    def __init__(self, context: "Callable[[Report], Context]", kind: Literal["model", "environment"]) -> None:
        super().__init__(context)
        self._kind: Literal["model", "environment"] = kind

    def create(
        self,
        file: Given = None,
        changes: "Sequence[Override]" = (),
        *,
        registry: str | None = None,
        link: bool = False,
        report: Report = quiet,
    ) -> Info:
        """Register one; without a version it gets the next number. ``link``: its files stay where they are."""
        from sandbox.ops import assets

        context = self._context(report)
        value: Model | Environment
        if self._kind == "model":
            value = read(Model, "model", file, changes)
        else:
            value = read(Environment, "environment", file, changes)
        return _info(assets.register(context, self._kind, value, registry=registry, link=link))

    def show(
        self, name: str, version: str | None = None, label: str | None = None, *, registry: str | None = None
    ) -> Info:
        """Return one version; without version and label the latest."""
        from sandbox.store import registry as records

        return _info(records.show(self._context().home, self._kind, name, version, label, registry=registry))

    def list(
        self,
        name: str | None = None,
        *,
        archived: Literal["active", "archived", "all"] = "active",
        registry: str | None = None,
    ) -> list[Info]:
        """Return all versions of a name, or the newest of each name; newest first."""
        from sandbox.store import registry as records

        home = self._context().home
        return [_info(each) for each in records.list_all(home, self._kind, name, archived=archived, registry=registry)]

    def update(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        edits: Sequence[Edit] = (),
        registry: str | None = None,
    ) -> Info:
        """Change description, tags, properties or stage; the content of a version never changes."""
        from sandbox.ops import assets

        found = assets.update(self._context(), self._kind, name, version, label, edits=edits, registry=registry)
        return _info(found)

    def archive(
        self, name: str, version: str | None = None, label: str | None = None, *, registry: str | None = None
    ) -> None:
        """Hide a version, or a name with all of them, from lists and from ``latest``."""
        from sandbox.store import registry as records

        records.archive(self._context().home, self._kind, name, version, label, registry=registry)

    def restore(
        self, name: str, version: str | None = None, label: str | None = None, *, registry: str | None = None
    ) -> None:
        """Undo ``archive``."""
        from sandbox.store import registry as records

        records.restore(self._context().home, self._kind, name, version, label, registry=registry)

    def download(self, name: str, version: str, folder: str = ".", *, registry: str | None = None) -> str:
        """Copy the files of a version into ``folder/NAME``; return that path."""
        from sandbox.store import registry as records

        return records.download(self._context().home, self._kind, name, version, folder, registry=registry)


def _info(found: "Registered[Any]") -> Info:
    return Info(found.name, found.as_azure())
