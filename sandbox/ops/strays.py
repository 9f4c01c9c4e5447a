"""What runs for a home that somebody removed, and nobody asks for any more."""

import contextlib

from sandbox import files
from sandbox.backend.protocol import Unreachable
from sandbox.gateway.errors import GatewayError
from sandbox.model.errors import SandboxError
from sandbox.ops.context import Context


def end(context: Context) -> None:
    """End gateways and instances of this home of which the home knows nothing, so that their ports are free again.

    Raises:
        SandboxError: E059, E087, one of them cannot be ended.
    """
    try:
        with files.alone(context.home.at("locks", "_gateway.lock"), "the gateway"):
            if not context.store.names():  # its folder may lie elsewhere and have outlived the home
                context.gateway.stop(0)
        context.gateway.end_strays()  # what it waits for, it waits for while no lock is held
    except GatewayError as error:
        raise SandboxError("E059", error.what, error.why, error.fix) from None
    with contextlib.suppress(Unreachable):  # whoever heals when the engine answers ends them
        context.backend.end_strays()
