"""The samples of a deployment: where they lie, and whether somebody answers them as expected."""

import http.client
import os
from collections.abc import Callable, Sequence

from sandbox.model import settings
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.sample import Sample, difference
from sandbox.model.state import DeploymentState
from sandbox.ops import scoring
from sandbox.ops.context import Context
from sandbox.store import samples

Send = Callable[[Sample], tuple[int, bytes]]  # status and body of the answer
ANSWER_S = 120.0
_SHOWN = 300  # characters of an answer in a message
_RECORD = "correct it; where the new answer is right: sandbox online-endpoint invoke ... --keep-sample"


class Wrong(SandboxError):
    """Answers that are not those expected; ``log`` names each sample, then the last lines of the instance."""

    log: tuple[str, ...] = ()


def folder(context: Context, state: DeploymentState) -> str:
    """Return where the samples of a deployment lie: beside its file, else below the home."""
    wanted = state.served or state.wanted
    beside = samples.remembered(context.home, wanted.endpoint_name, wanted.name)
    if not beside:
        return context.home.at("samples", wanted.endpoint_name.lower())
    return os.path.normpath(os.path.join(beside, settings.samples(wanted) or samples.FOLDER))


def beside(context: Context, wanted: Deployment, file: object) -> None:
    """Remember beside which file the samples of a deployment lie; what is no path of a file is passed over."""
    if isinstance(file, (str, os.PathLike)) and os.path.isfile(file):
        folder_ = os.path.dirname(os.path.abspath(file))
        with context.store.alone(wanted.endpoint_name):  # several deployments may be created at once
            samples.remember(context.home, wanted.endpoint_name, wanted.name, folder_)


def of(context: Context, state: DeploymentState) -> tuple[Sample, ...]:
    """Return the samples of a deployment.

    Raises:
        SandboxError: E180.
    """
    return samples.read(folder(context, state), (state.served or state.wanted).name)


def keep(context: Context, where: tuple[str, str], sample: str, *, request: tuple[bytes, str], answer: bytes) -> str:
    """Keep a request and its answer with the deployment that gave it; return the path of the file.

    ``where`` is endpoint and deployment, ``request`` body and content type.

    Raises:
        NotFound: E050, E051.
        SandboxError: E003, E180.
    """
    _, state = context.deployment(*where)
    return samples.keep(folder(context, state), where[1], sample, request, answer)


def check(found: Sequence[Sample], send: Send, what: str) -> None:
    """Send every sample and compare the answers; ``what`` names who was asked.

    Raises:
        SandboxError: E183, with every sample that is answered otherwise.
    """
    wrong = [(sample.name, why) for sample in found if (why := _wrong(sample, send))]
    if not wrong:
        return
    one = "1 sample" if len(found) == 1 else f"{len(wrong)} of {len(found)} samples"
    error = Wrong("E183", f"{what} answers {one} otherwise", f"{wrong[0][0]}: {wrong[0][1]}", _RECORD)
    error.log = tuple(f"{name}: {why}" for name, why in wrong)
    raise error


def _wrong(sample: Sample, send: Send) -> str:
    try:
        status, body = send(sample)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {str(error) or type(error).__name__}"
    if status != 200:
        return f"status {status}: {body.decode('utf-8', 'replace').strip()[:_SHOWN]}"
    return difference(sample, body)


def by_port(port: int) -> Send:
    """Return what asks the server on a port of this machine, past the gateway."""

    def send(sample: Sample) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        try:
            connection.request("POST", scoring.USUAL, sample.body, {"Content-Type": sample.content_type})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return send
