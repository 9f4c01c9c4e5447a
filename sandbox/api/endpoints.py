"""Endpoints: stable names, addresses and keys, and who gets the traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.api.given import Given, read
from sandbox.api.info import Info
from sandbox.api.part import Part
from sandbox.model.endpoint import Endpoint
from sandbox.model.progress import Report, quiet
from sandbox.ops.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.model.state import EndpointState
    from sandbox.ops.asking import Reply
    from sandbox.ops.endpoints import Shares
    from sandbox.spec.override import Override


class OnlineEndpoints(Part):
    """Endpoints: stable names, addresses and keys, and who gets the traffic."""

    def create(
        self,
        file: Given = None,
        changes: "Sequence[Override]" = (),
        *,
        report: Report = quiet,
    ) -> Info:
        """Create an endpoint or overwrite an existing one; port, keys and (where none is given) traffic stay.

        Args:
            file: a YAML file, or what else ``given.read`` takes; None when ``changes`` say everything.
            changes: overrides of the file, such as ``-n`` and ``--set``.
            report: is told about progress.
        """
        from sandbox.ops import endpoints

        value = read(Endpoint, "endpoint", file, changes)
        state = endpoints.create(self._context(report), value)
        return self._shown(state)

    def update(
        self,
        file: Given = None,
        changes: "Sequence[Override]" = (),
        *,
        name: str | None = None,
        traffic: Mapping[str, int] | None = None,
        mirror: Mapping[str, int] | None = None,
        seen: "Shares | None" = None,
        edits: Sequence[Edit] = (),
        report: Report = quiet,
    ) -> Info:
        """Change an endpoint: by a file, by edits of what it is, or its traffic and mirror alone.

        ``seen``: live and mirror shares that the new ones were thought up from; if they are others by now, nothing is
        changed (E140).
        """
        from sandbox.model.errors import UsageError
        from sandbox.ops import edits as editing
        from sandbox.ops import endpoints, shapes
        from sandbox.spec.load import load_given

        context = self._context(report)
        given: Any = None
        if file is not None or changes:
            given = read(Endpoint, "endpoint", file, changes)
            name = name or given.name
        if name is None:
            raise UsageError("E031", "which endpoint is not said", "", "give -n NAME")

        def changed(before: Endpoint) -> Endpoint:
            value: Any = before if given is None else given
            if edits:
                mapping = editing.apply(shapes.endpoint_mapping(value), edits)
                value = load_given(mapping, f"endpoint {name}", "endpoint")
            elif given is not None:
                value = endpoints.keeping_traffic(given, before)
            asked: Endpoint = replace(value, name=before.name)
            return asked

        change = changed if edits or given is not None else None
        state = endpoints.update(context, name, change=change, live=traffic, mirror=mirror, seen=seen)
        return self._shown(state)

    def show(self, name: str) -> Info:
        """Return one endpoint."""
        state = self._context().endpoint(name)
        return self._shown(state)

    def list(self) -> list[Info]:
        """Return all endpoints, by name, but those whose files are damaged: ``Sandbox.status`` tells of them."""
        return [self._shown(state) for state in self._context().store.look()[0]]

    def _shown(self, state: "EndpointState") -> Info:
        from sandbox.ops import production, shapes

        return Info(state.name, shapes.endpoint(state, production.base(self._context().home, state)))

    def delete(self, name: str, *, report: Report = quiet) -> None:
        """Delete an endpoint, its deployments, keys and everything that runs for it."""
        from sandbox.ops import deletion

        deletion.delete(self._context(report), name)

    def credentials(self, name: str) -> dict[str, Any]:
        """Return ``primaryKey`` and ``secondaryKey``, or ``accessToken`` and its times (spec section 4)."""
        from sandbox.ops import endpoint_keys

        return endpoint_keys.credentials(self._context(), name)

    def regenerate_keys(self, name: str, which: str = "primary", *, report: Report = quiet) -> None:
        """Replace one key, ``primary`` or ``secondary``; the other one works throughout.

        ``signing``: the key that signs the tokens of an endpoint that takes tokens; those given out stay good until
        they expire, or until it is replaced once more.
        """
        from sandbox.ops import endpoint_keys

        endpoint_keys.regenerate_keys(self._context(report), name, which)

    def own_files(self, name: str) -> "Callable[[str], str]":
        """Return what writes the developer's own paths into an answer that names copies of the code."""
        from sandbox.ops import asking

        return asking.own_files(self._context(), name)

    def keep_sample(
        self, name: str, sample: str, data: bytes, reply: "Reply", *, content_type: str = "application/json"
    ) -> str:
        """Keep a request and its answer with the deployment that gave it; return the path of the file."""
        from sandbox.ops import answers

        deployment = reply.header("azureml-model-deployment") or ""
        request = (data, content_type)
        return answers.keep(self._context(), (name, deployment), sample, request=request, answer=reply.body)

    def invoke(
        self, name: str, data: bytes, *, deployment: str | None = None, content_type: str = "application/json"
    ) -> "Reply":
        """Send one request as a client would: with a key or token, by traffic or to one deployment."""
        from sandbox.ops import asking

        return asking.invoke(self._context(), name, data, deployment=deployment, content_type=content_type)
