"""One promotion or rollback of an endpoint at a time. The lock says who holds it and why, and dies with its process."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

from sandbox import files
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from sandbox.ops.context import Context
from sandbox.store.endpoints import now

POLL_S = 0.2
TELL_S = 10.0


@contextlib.contextmanager
def alone(context: Context, endpoint: str, who: str, text: str, *, same: str = "") -> Iterator[None]:
    """Hold the lock of an endpoint's promotions.

    Args:
        context: where.
        endpoint: its name.
        who: as people are told.
        text: what is done.
        same: what is brought about: where the holder brings about just that (it may have been cut off from who asked
            for it), he is waited for. "": nobody is waited for.

    Raises:
        SandboxError: E186, somebody else is at it.
    """
    name = endpoint.lower()
    path, note = (context.home.at("locks", f"_promote.{name}.{suffix}") for suffix in ("lock", "json"))
    told = -TELL_S
    while True:
        with files.try_lock(path) as held:
            if held:
                files.write_json(note, {"who": who, "text": text, "since": now(), "same": same})
                try:
                    yield
                finally:  # the next one holds the lock before it has said who it is
                    with contextlib.suppress(OSError):
                        os.unlink(note)
                return
        holder = _holder(note)
        if not same or holder.get("same") != same:
            why = f"{holder['who']} is at it since {holder['since']}: {holder['text']}"
            fix = f"wait for it; sandbox history {name} shows how it ended"
            raise SandboxError("E186", f"endpoint {name} is being changed", why, fix)
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            text_ = f"{holder['who']} is at just this since {holder['since']}: waiting for it"
            context.report(Event("traffic", "note", text_, name))
        time.sleep(POLL_S)


def _holder(note: str) -> dict[str, Any]:
    with contextlib.suppress(SandboxError):
        said = files.read_json(note)
        if isinstance(said, dict):
            return {"who": "somebody", "since": "a moment ago", "text": "?", **said}
    return {"who": "somebody", "since": "a moment ago", "text": "?"}
