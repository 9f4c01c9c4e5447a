"""How a server learns that an editor launched it under its debugger (``launch``)."""

import json
import os
from typing import Any, Final

ENV_SESSION: Final = "INFERENCE_HTTP_DEBUG_SESSION"


def launched_session() -> dict[str, Any] | None:
    """The session that the editor began, for ``launched.LaunchedListener``; None when none did.

    Asked once: it is taken out of the environment, which scripts and their programs can see.
    """
    text = os.environ.pop(ENV_SESSION, None)
    session: dict[str, Any] | None = json.loads(text) if text else None
    return session
