"""Deployments: one version of code, model and environment under an endpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.api.given import Given, read
from sandbox.api.info import Info
from sandbox.api.part import Part
from sandbox.model.deployment import Deployment
from sandbox.model.progress import Report, quiet
from sandbox.ops.edits import Edit

if TYPE_CHECKING:
    from sandbox.backend.protocol import LogLine
    from sandbox.ops.editors import Debugged
    from sandbox.spec.override import Override


class OnlineDeployments(Part):
    """Deployments: one version of code, model and environment under an endpoint."""

    def create(
        self,
        file: Given,
        changes: "Sequence[Override]" = (),
        *,
        all_traffic: bool = False,
        skip_script_validation: bool = False,
        wait: bool = True,
        reload: bool = False,
        debug: bool = False,
        backend: str | None = None,
        beside: str | None = None,
        report: Report = quiet,
    ) -> Info:
        """Create a deployment and return when it is ready.

        Args:
            file: a YAML file, or what else ``given.read`` takes; None when ``changes`` say everything.
            changes: overrides of the file, such as ``-n``, ``-e`` and ``--set``.
            all_traffic: send every request to it once it is ready; it must be waited for then, as in Azure.
            skip_script_validation: do not read the scoring script beforehand (Azure's flag).
            wait: False: return at once; a process of its own goes on.
            reload: run the code from the developer's folder, and reload it when it is saved.
            debug: let a debugger attach to it, with an entry for VS Code; means ``reload`` as well.
            backend: "process" or "docker"; None: as its properties or the setting say.
            beside: the file that ``file`` was read from, where that is none itself: its samples lie beside it.
            report: is told about progress.
        """
        from sandbox.model.errors import UsageError
        from sandbox.ops import answers, deployments, endpoints, shapes

        if all_traffic and not wait:
            raise UsageError("E010", "all_traffic needs wait", "it may never be ready", "set the traffic afterwards")
        context = self._context(report)
        value = read(Deployment, "deployment", file, changes, look_at_script=not skip_script_validation)
        answers.beside(context, value, beside or file)
        state = deployments.create(context, value, development=reload, debug=debug, backend=backend, wait=wait)
        if all_traffic:
            endpoints.all_traffic(context, value.endpoint_name, state.wanted.name)
        return Info(state.wanted.name, shapes.deployment(state))

    def update(
        self,
        file: Given = None,
        changes: "Sequence[Override]" = (),
        *,
        name: str | None = None,
        endpoint: str | None = None,
        edits: Sequence[Edit] = (),
        skip_script_validation: bool = False,
        wait: bool = True,
        reload: bool | None = None,
        debug: bool | None = None,
        backend: str | None = None,
        beside: str | None = None,
        report: Report = quiet,
    ) -> Info:
        """Change a deployment in place; what serves is replaced when the new one is ready, and only where it must be.

        With a file, code and model are read anew. With edits alone, what runs is kept and only the edits count.
        """
        from sandbox.model.errors import UsageError
        from sandbox.ops import answers, deployments, shapes

        context = self._context(report)
        made_of = None
        if file is not None:
            value = read(Deployment, "deployment", file, changes, look_at_script=not skip_script_validation)
            answers.beside(context, value, beside or file)
            if edits:
                value = _edited(value, edits, kept=False)
            fresh = True
        else:
            if name is None or endpoint is None:
                raise UsageError("E031", "which deployment is not said", "", "give -n NAME and -e ENDPOINT, or -f FILE")
            made_of = context.deployment(endpoint, name)[1].wanted
            value = _edited(made_of, edits, kept=True)
            fresh = any(edit.path[:1] in {("code_configuration",), ("model",)} for edit in edits)
        state = deployments.update(
            context, value, fresh=fresh, made_of=made_of, development=reload, debug=debug, backend=backend, wait=wait
        )
        return Info(state.wanted.name, shapes.deployment(state))

    def show(self, name: str, endpoint: str) -> Info:
        """Return one deployment."""
        from sandbox.ops import shapes

        _, state = self._context().deployment(endpoint, name)
        return Info(state.wanted.name, shapes.deployment(state))

    def list(self, endpoint: str | None = None) -> list[Info]:
        """Return the deployments of an endpoint, or (as Azure's ``--local`` does) of all."""
        from sandbox.ops import shapes

        context = self._context()
        states = [context.endpoint(endpoint)] if endpoint is not None else context.store.look()[0]
        found = [each for state in states for each in state.deployments.values()]
        return [Info(each.wanted.name, shapes.deployment(each)) for each in found]

    def delete(self, name: str, endpoint: str, *, report: Report = quiet) -> None:
        """Delete a deployment that has no live traffic."""
        from sandbox.ops import deployments

        deployments.delete(self._context(report), endpoint, name)

    def debug(self, name: str, endpoint: str, *, off: bool = False, report: Report = quiet) -> "Debugged":
        """Switch a deployment that serves into debug mode behind the same address, or (``off``) back.

        In debug mode one instance of it runs the developer's own folder, reloads it when it is saved, and lets a
        debugger attach; nothing that stands at a breakpoint is timed out. ``off`` lets serve what served before.
        Said again, it changes nothing and answers the same.
        """
        from sandbox.ops import deployments, editors

        context = self._context(report)
        state = deployments.debug(context, endpoint, name, on=not off)
        return editors.told(context, state)

    def logs(
        self,
        name: str,
        endpoint: str,
        *,
        lines: int = 5000,
        container: str = "inference-server",
        follow: bool = False,
        previous: bool = False,
    ) -> Iterator[str]:
        """Give the last lines of the log, then (``follow``) new ones; ``container`` may be ``storage-initializer``.

        ``previous``: of the revision before, which was replaced or failed.
        """
        from sandbox.ops import logs

        context = self._context()
        return logs.of_one(context, endpoint, name, lines=lines, container=container, follow=follow, previous=previous)

    def all_logs(
        self,
        endpoint: str | None = None,
        name: str | None = None,
        *,
        lines: int = 5000,
        follow: bool = False,
        previous: bool = False,
    ) -> "Iterator[LogLine]":
        """Give the last lines of several deployments in the order of time, then (``follow``) new ones as they come.

        Without ``endpoint`` of all endpoints, without ``name`` of all deployments. Those that come while they are
        followed are heard as well, those that end leave; it ends when none is left. ``previous``: those of the revision
        before, of each deployment that has one.
        """
        from sandbox.ops import logs

        logs.refuse(previous=previous, follow=follow)
        if follow:
            return logs.following(self._context(), endpoint, name, lines=lines)
        return logs.merged(self._context(), endpoint, name, lines=lines, previous=previous)


def _edited(value: "Deployment", edits: Sequence[Edit], *, kept: bool) -> "Deployment":
    """Return a deployment with edits made; ``kept``: model and environment that no edit names stay as they are."""
    from sandbox.ops import edits as editing
    from sandbox.ops import shapes
    from sandbox.spec.load import load_given

    mapping = shapes.deployment_mapping(value)
    named = {edit.path[0] for edit in edits if edit.path}
    stay = [key for key in ("model", "environment", "code_configuration") if kept and key not in named]
    changed = editing.apply({key: each for key, each in mapping.items() if key not in stay}, edits)
    loaded = load_given(changed, f"deployment {value.name}", "deployment")
    return replace(loaded, **{key: getattr(value, key) for key in stay})  # type: ignore[return-value]
