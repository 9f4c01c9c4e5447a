"""The supervisor's side of a session that an editor began by launching the server (``launch``)."""

from __future__ import annotations

import json
import logging
import socket
from typing import TYPE_CHECKING, Any

from inference_http.debug.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("azmlinfsrv")


class LaunchedListener(Listener):
    """A session that is there from the beginning; when the editor ends it, the server is to end too.

    Args:
        session: what the environment variable held.
        on_attach: called when the client has finished setting its breakpoints: at once.
        on_detach: called when it is gone.
        on_end: called when the editor has ended the launch. All three run on the listener's thread: hand over.
    """

    def __init__(
        self,
        session: dict[str, Any],
        *,
        on_attach: Callable[[], None] = lambda: None,
        on_detach: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        host, port = session["address"]
        super().__init__(host, port, connect=True, on_attach=on_attach, on_detach=on_detach)
        self._session = session
        self._on_end = on_end
        self._link: socket.socket | None = None

    def stop(self, timeout_s: float = 2.0) -> None:
        """Leave the session; no thread stays."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._link is not None:
                self._link.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._session["link"]), timeout=10) as link:
                with self._changed:
                    self._link = None if self._stopping else link
                link.settimeout(None)
                link.sendall(self._session["secret"].encode() + b"\n")
                self._take({"event": "listening", **self._session})
                with link.makefile("r", encoding="utf-8") as events:
                    for line in events:
                        self._take(json.loads(line))
        except OSError as error:
            logger.warning("debugger: the editor's session has gone: %s", error)
        with self._changed:
            self._link = self._facts = None
            self._failure = "the editor has ended the session"
        self._set_detached()
        if not self._stopping:
            self._on_end()
