"""What ``sandbox online-endpoint VERB`` does: flags to the facade, its answer back."""

import json
from typing import TYPE_CHECKING, Any

from sandbox.cli.changes import edits, overrides, shares
from sandbox.cli.described import described
from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError, UsageError

if TYPE_CHECKING:
    from sandbox.ops.asking import Reply

_JSON = "application/json"


def create(session: Session) -> dict[str, Any]:
    """Create an endpoint; without a file from its name alone."""
    given = session.arguments
    changes = overrides(given, {"auth_mode": ("auth_mode",)})
    value = described(session, "endpoint", given.file, changes)
    return session.sandbox.online_endpoints.create(value, report=session.report).as_azure()


def update(session: Session) -> dict[str, Any]:
    """Change an endpoint.

    Raises:
        UsageError: E010, neither a file nor a name tells which one.
    """
    given = session.arguments
    if given.file is None and given.name is None:
        fix = 'sandbox online-endpoint update -n NAME --traffic "blue=90 green=10", or -f FILE'
        raise UsageError("E010", "which endpoint is meant is not said", "", fix)
    changed = session.sandbox.online_endpoints.update(
        described(session, "endpoint", given.file, overrides(given)) if given.file else None,
        name=given.name,
        traffic=shares(given.traffic, "--traffic"),
        mirror=shares(given.mirror_traffic, "--mirror-traffic"),
        edits=edits(given, sets=not given.file),
        report=session.report,
    )
    return changed.as_azure()


def show(session: Session) -> dict[str, Any]:
    """Return an endpoint."""
    return session.sandbox.online_endpoints.show(session.arguments.name).as_azure()


def list_all(session: Session) -> list[dict[str, Any]]:
    """Return all endpoints."""
    return [found.as_azure() for found in session.sandbox.online_endpoints.list()]


def delete(session: Session) -> None:
    """Delete an endpoint, its deployments and everything that runs for them."""
    given = session.arguments
    session.confirm(f"Delete the endpoint {given.name} with all its deployments?", yes=given.yes)
    session.sandbox.online_endpoints.delete(given.name, report=session.report)


def credentials(session: Session) -> dict[str, Any]:
    """Return keys or a token; camelCase, as Azure has it here and nowhere else."""
    return session.sandbox.online_endpoints.credentials(session.arguments.name)


def regenerate(session: Session) -> None:
    """Make one key anew."""
    given = session.arguments
    session.sandbox.online_endpoints.regenerate_keys(given.name, given.key_type or "primary", report=session.report)


def invoke(session: Session) -> str:
    """Send a request; return the answer's body as text.

    Raises:
        SandboxError: E012, the answer's status is neither 200 nor 201; E016, the request file cannot be read.
    """
    given = session.arguments
    data, kind = _request(session, given.request_file)
    reply = session.sandbox.online_endpoints.invoke(
        given.name, data, deployment=given.deployment_name, content_type=kind
    )
    text = reply.body.decode("utf-8", "replace")
    if reply.status in {200, 201}:
        if given.keep_sample is not None:
            kept = session.sandbox.online_endpoints.keep_sample(
                given.name, given.keep_sample, data, reply, content_type=kind
            )
            session.warn(f"kept as a sample: {kept}")
        return text
    said = session.sandbox.online_endpoints.own_files(given.name)(_message(text))
    raise SandboxError("E012", f"the answer is {_status(reply)}", said, _advice(given.name, reply))


def _request(session: Session, path: str | None) -> tuple[bytes, str]:
    """Return the body and its content type. Azure sends ``{}`` where no file is given."""
    if path is None:
        return b"{}", _JSON
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SandboxError("E016", f"{path} cannot be read", error.strerror or str(error), "correct the path") from None
    try:
        json.loads(data)
    except ValueError:
        session.warn(f"{path} is not JSON: sent as it is; az ml refuses it")
        return data, "application/octet-stream"
    return data, _JSON


def _status(reply: "Reply") -> str:
    """Name the status, with the model's own one behind Azure's 424."""
    own = reply.header("ms-azureml-model-error-statuscode")
    reason = reply.header("ms-azureml-model-error-reason")
    more = f"the model said {own}" if own else reason
    return f"{reply.status} ({more})" if more else str(reply.status)


def _message(text: str) -> str:
    """Return ``error.message`` or ``message`` of a JSON body, else the body."""
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip()
    if isinstance(found, dict):
        error = found.get("error")
        message = error.get("message") if isinstance(error, dict) else found.get("message")
        trace = error.get("traceback") if isinstance(error, dict) else None
        if isinstance(trace, str) and trace.strip():
            return "\n  ".join(trace.strip().splitlines())
        if isinstance(message, str):
            return message
    return text.strip()


def _advice(endpoint: str, reply: "Reply") -> str:
    name = reply.header("azureml-model-deployment")
    if reply.status == 424 and name:
        return f"sandbox online-deployment get-logs -n {name} -e {endpoint}"
    if reply.status in {404, 424}:
        return f"sandbox online-deployment list -e {endpoint} -o table shows who is there and in which state"
    return ""
