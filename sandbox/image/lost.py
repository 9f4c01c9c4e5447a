"""Connections to an engine that break in the middle: told from errors of other kinds."""

from collections.abc import Iterator

from sandbox.model.errors import SandboxError

AGAIN = "say it again: it goes on from what is there"


def explained(name: str, error: BaseException) -> SandboxError | None:
    """Return the error for a connection that broke, None where ``error`` is something else.

    Args:
        name: of what was at the other end.
        error: what the SDK of Docker let through.
    """
    import requests.exceptions
    import urllib3.exceptions

    broken = (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.Timeout,
        urllib3.exceptions.HTTPError,
        ConnectionError,
        TimeoutError,
    )
    if not isinstance(error, broken):
        return None
    last = list(causes(error))[-1]
    return SandboxError("E156", f"the connection to {name} broke", str(last) or type(last).__name__, AGAIN)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what led to it, the innermost last; urllib3 and requests keep theirs in ``args``."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting += [each for each in inner if isinstance(each, BaseException)]
