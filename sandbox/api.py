"""Online endpoints on this machine, for Python: the use cases behind the command line and the terminal UI.

    from sandbox.api import Sandbox

    box = Sandbox()
    box.up(["my-project"])
    reply = box.online_endpoints.invoke("shop", b'{"data": [1, 2]}')

Every method raises ``sandbox.model.errors.SandboxError`` (``NotFound`` for what does not exist), which says what went
wrong, why and what to do. Long ones tell how they get on through ``report``. This is the only place where the parts are
put together; what a call needs is imported when it is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sandbox.home import Home
from sandbox.model.progress import Report, quiet
from sandbox.ops.edits import Edit

if TYPE_CHECKING:
    from sandbox.model.deployment import Deployment
    from sandbox.model.endpoint import Endpoint
    from sandbox.ops.asking import Reply, Status
    from sandbox.ops.context import Context
    from sandbox.ops.project import Done
    from sandbox.reconcile.plan import Plan
    from sandbox.spec.override import Override

__all__ = ["Edit", "Info", "OnlineDeployments", "OnlineEndpoints", "Sandbox"]


@dataclass(frozen=True, slots=True)
class Info:
    """One endpoint or deployment: its name, and everything else as ``az ml`` prints it."""

    name: str
    said: Mapping[str, Any]

    def as_azure(self) -> dict[str, Any]:
        """Return the object that ``az ml ... show`` prints: snake_case, None left out."""
        return dict(self.said)


class Sandbox:
    """Everything below one home (``SANDBOX_HOME``, else the platform's state folder)."""

    def __init__(self, home: Home | str | None = None) -> None:
        self.home = home if isinstance(home, Home) else Home(home) if home else Home.find()
        self.online_endpoints = OnlineEndpoints(self)
        self.online_deployments = OnlineDeployments(self)

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

    def heal(self, report: Report = quiet) -> "Plan":
        """Start what is missing, end what nobody asked for, go on with what was interrupted."""
        from sandbox.ops import heal

        return heal.heal(self.context(report))

    def status(self) -> "Status":
        """Look at everything."""
        from sandbox.ops import asking

        return asking.status(self.context())

    def context(self, report: Report = quiet) -> "Context":
        """Put the parts together."""
        from sandbox.ops.context import Context

        return Context.of(self.home, report)


class OnlineEndpoints:
    """Endpoints: stable names, addresses and keys, and who gets the traffic."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def create(
        self,
        file: "str | Endpoint | None" = None,
        changes: "Sequence[Override]" = (),
        *,
        report: Report = quiet,
    ) -> Info:
        """Create an endpoint or overwrite an existing one; port, keys and (where none is given) traffic stay.

        Args:
            file: a YAML file, or an ``Endpoint``; None when ``changes`` say everything.
            changes: overrides of the file, such as ``-n`` and ``--set``.
            report: is told about progress.
        """
        from sandbox.ops import endpoints, shapes
        from sandbox.spec.load import load_endpoint

        value = load_endpoint(file, changes) if file is None or isinstance(file, str) else file
        state = endpoints.create(self._box.context(report), value)
        return Info(state.name, shapes.endpoint(state))

    def update(
        self,
        file: "str | Endpoint | None" = None,
        changes: "Sequence[Override]" = (),
        *,
        name: str | None = None,
        traffic: Mapping[str, int] | None = None,
        mirror: Mapping[str, int] | None = None,
        edits: Sequence[Edit] = (),
        report: Report = quiet,
    ) -> Info:
        """Change an endpoint: by a file, by edits of what it is, or its traffic and mirror alone."""
        from sandbox.model.errors import UsageError
        from sandbox.ops import edits as editing
        from sandbox.ops import endpoints, shapes
        from sandbox.spec.load import load_endpoint, load_given

        context = self._box.context(report)
        value: Any = None
        if file is not None or changes:
            value = load_endpoint(file, changes) if file is None or isinstance(file, str) else file
            name = name or value.name
        if name is None:
            raise UsageError("E031", "which endpoint is not said", "", "give -n NAME")
        before = context.endpoint(name)
        if edits:
            mapping = editing.apply(shapes.endpoint_mapping(value or before.endpoint), edits)
            value = load_given(mapping, f"endpoint {name}", "endpoint")
        if value is not None:
            value = replace(value, name=before.name)
            if not edits:  # a file that says nothing about traffic leaves it alone
                live, copies = value.traffic or before.endpoint.traffic, value.mirror_traffic
                value = replace(value, traffic=live, mirror_traffic=copies or before.endpoint.mirror_traffic)
        state = endpoints.update(context, name, endpoint=value, live=traffic, mirror=mirror)
        return Info(state.name, shapes.endpoint(state))

    def show(self, name: str) -> Info:
        """Return one endpoint."""
        from sandbox.ops import shapes

        state = self._box.context().endpoint(name)
        return Info(state.name, shapes.endpoint(state))

    def list(self) -> list[Info]:
        """Return all endpoints, by name."""
        from sandbox.ops import shapes

        return [Info(state.name, shapes.endpoint(state)) for state in self._box.context().store.all()]

    def delete(self, name: str, *, report: Report = quiet) -> None:
        """Delete an endpoint, its deployments, keys and everything that runs for it."""
        from sandbox.ops import endpoints

        endpoints.delete(self._box.context(report), name)

    def credentials(self, name: str) -> dict[str, Any]:
        """Return ``primaryKey`` and ``secondaryKey``, or ``accessToken`` and its times (spec section 4)."""
        from sandbox.ops import endpoints

        return endpoints.credentials(self._box.context(), name)

    def regenerate_keys(self, name: str, which: str = "primary", *, report: Report = quiet) -> None:
        """Replace one key, ``primary`` or ``secondary``; the other one works throughout."""
        from sandbox.ops import endpoints

        endpoints.regenerate_keys(self._box.context(report), name, which)

    def invoke(
        self, name: str, data: bytes, *, deployment: str | None = None, content_type: str = "application/json"
    ) -> "Reply":
        """Send one request as a client would: with a key or token, by traffic or to one deployment."""
        from sandbox.ops import asking

        return asking.invoke(self._box.context(), name, data, deployment=deployment, content_type=content_type)


class OnlineDeployments:
    """Deployments: one version of code, model and environment under an endpoint."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def create(
        self,
        file: "str | Deployment | None",
        changes: "Sequence[Override]" = (),
        *,
        all_traffic: bool = False,
        skip_script_validation: bool = False,
        wait: bool = True,
        reload: bool = False,
        report: Report = quiet,
    ) -> Info:
        """Create a deployment and return when it is ready.

        Args:
            file: a YAML file, or a ``Deployment`` whose paths are absolute; None when ``changes`` say everything.
            changes: overrides of the file, such as ``-n``, ``-e`` and ``--set``.
            all_traffic: send every request to it once it is ready.
            skip_script_validation: do not read the scoring script beforehand (Azure's flag).
            wait: False: return at once; a process of its own goes on.
            reload: run the code from the developer's folder, and reload it when it is saved.
            report: is told about progress.
        """
        from sandbox.ops import deployments, endpoints, shapes

        context = self._box.context(report)
        value = self._load(file, changes, skip_script_validation=skip_script_validation)
        state = deployments.create(context, value, development=reload, wait=wait)
        if all_traffic and wait:
            endpoints.all_traffic(context, value.endpoint_name, state.wanted.name)
        return Info(state.wanted.name, shapes.deployment(state))

    def update(
        self,
        file: "str | Deployment | None" = None,
        changes: "Sequence[Override]" = (),
        *,
        name: str | None = None,
        endpoint: str | None = None,
        edits: Sequence[Edit] = (),
        skip_script_validation: bool = False,
        wait: bool = True,
        reload: bool | None = None,
        report: Report = quiet,
    ) -> Info:
        """Change a deployment in place; what serves is replaced when the new one is ready, and only where it must be.

        With a file, code and model are read anew. With edits alone, what runs is kept and only the edits count.
        """
        from sandbox.model.errors import UsageError
        from sandbox.ops import deployments, shapes

        context = self._box.context(report)
        if file is not None:
            value = self._load(file, changes, skip_script_validation=skip_script_validation)
            if edits:
                value = _edited(value, edits, kept=False)
            fresh = True
        else:
            if name is None or endpoint is None:
                raise UsageError("E031", "which deployment is not said", "", "give -n NAME and -e ENDPOINT, or -f FILE")
            _, before = context.deployment(endpoint, name)
            value = _edited(before.wanted, edits, kept=True)
            fresh = any(edit.path[:1] in {("code_configuration",), ("model",)} for edit in edits)
        state = deployments.update(context, value, fresh=fresh, development=reload, wait=wait)
        return Info(state.wanted.name, shapes.deployment(state))

    def show(self, name: str, endpoint: str) -> Info:
        """Return one deployment."""
        from sandbox.ops import shapes

        _, state = self._box.context().deployment(endpoint, name)
        return Info(state.wanted.name, shapes.deployment(state))

    def list(self, endpoint: str | None = None) -> list[Info]:
        """Return the deployments of an endpoint, or (as Azure's ``--local`` does) of all."""
        from sandbox.ops import shapes

        context = self._box.context()
        states = [context.endpoint(endpoint)] if endpoint is not None else context.store.all()
        found = [each for state in states for each in state.deployments.values()]
        return [Info(each.wanted.name, shapes.deployment(each)) for each in found]

    def delete(self, name: str, endpoint: str, *, report: Report = quiet) -> None:
        """Delete a deployment that has no live traffic."""
        from sandbox.ops import deployments

        deployments.delete(self._box.context(report), endpoint, name)

    def logs(
        self,
        name: str,
        endpoint: str,
        *,
        lines: int = 5000,
        container: str = "inference-server",
        follow: bool = False,
    ) -> Iterator[str]:
        """Give the last lines of the log, then (``follow``) new ones; ``container`` may be ``storage-initializer``."""
        from sandbox.ops import asking

        return asking.logs(self._box.context(), endpoint, name, lines=lines, container=container, follow=follow)

    @staticmethod
    def _load(
        file: "str | Deployment | None", changes: "Sequence[Override]", *, skip_script_validation: bool
    ) -> "Deployment":
        from sandbox.model.problem import SpecError
        from sandbox.spec.load import examine

        if file is not None and not isinstance(file, str):
            return file
        examined = examine(file, changes, "deployment", look_at_script=not skip_script_validation)
        if examined.value is None:
            raise SpecError(examined.problems)
        return cast("Deployment", examined.value)


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
