"""What ``sandbox model VERB`` and ``sandbox environment VERB`` do."""

import os
from typing import TYPE_CHECKING, Any, Literal

from sandbox.cli.changes import edits, overrides
from sandbox.cli.described import described
from sandbox.cli.session import Session

if TYPE_CHECKING:
    from sandbox.api.assets import Assets

_KEYS = {
    "version": ("version",),
    "description": ("description",),
    "path": ("path",),
    "type": ("type",),
    "stage": ("stage",),
    "datastore": ("datastore",),
    "image": ("image",),
    "conda_file": ("conda_file",),
    "build_context": ("build", "path"),
    "dockerfile_path": ("build", "dockerfile_path"),
    "os_type": ("os_type",),
}


def _assets(session: Session) -> "Assets":
    return session.sandbox.models if session.group == "model" else session.sandbox.environments


def create(session: Session) -> dict[str, Any]:
    """Register one."""
    given = session.arguments
    value = described(session, session.group, given.file, overrides(given, _KEYS))
    made = _assets(session).create(value, registry=given.registry_name, report=session.report)
    return made.as_azure()


def show(session: Session) -> dict[str, Any]:
    """Return one; the latest where no version is named."""
    given = session.arguments
    return _assets(session).show(given.name, given.version, given.label, registry=given.registry_name).as_azure()


def list_all(session: Session) -> list[dict[str, Any]]:
    """Return the names with their latest version, or the versions of one name."""
    given = session.arguments
    which: Literal["active", "archived", "all"] = (
        "archived" if given.archived_only else "all" if given.include_archived else "active"
    )
    found = _assets(session).list(given.name, archived=which, registry=given.registry_name)
    return [each.as_azure() for each in found[: given.max_results]]


def update(session: Session) -> dict[str, Any]:
    """Change description and tags."""
    given = session.arguments
    changed = _assets(session).update(
        given.name, given.version, given.label, edits=edits(given), registry=given.registry_name
    )
    return changed.as_azure()


def archive(session: Session) -> None:
    """Hide one version, or all of them."""
    given = session.arguments
    _assets(session).archive(given.name, given.version, given.label, registry=given.registry_name)


def restore(session: Session) -> None:
    """Show it in lists again."""
    given = session.arguments
    _assets(session).restore(given.name, given.version, given.label, registry=given.registry_name)


def download(session: Session) -> None:
    """Copy its files into a folder; az makes one of the asset's name there, and so does this."""
    given = session.arguments
    folder = os.path.abspath(given.download_path or ".")
    _assets(session).download(given.name, given.version, folder, registry=given.registry_name)


def package(session: Session) -> dict[str, Any]:
    """Seal the deployment that serves a model; the image takes the name of the file's target_environment."""
    given = session.arguments
    tag = None
    if given.file is not None:
        from sandbox.spec.packaging import target_environment

        tag = target_environment(given.file)
    version = given.version or _assets(session).show(given.name, None, given.label).as_azure()["version"]
    made = session.sandbox.images.package(given.name, str(version), tag=tag, report=session.report)
    session.settle()
    return {
        "name": made.name,
        "id": made.id,
        "image": made.name,
        "sbom": made.sbom,
        "environment_variables": made.needs,
    }
