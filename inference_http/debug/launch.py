"""``python -m inference_http.debug.launch ARGS``: what an editor launches under its debugger to run the whole server.

The editor's debugger holds this process, which only starts the server and waits for it. The server itself runs
without a debugger, and its workers join the editor's session (``launched``). So "launch" behaves as "attach"
does: reloads keep the session, and neither the supervisor nor the zygote is traced, suspended, or forked with a
debugger inside.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from inference_http.contract import EXIT_USAGE
from inference_http.debug import debuggee
from inference_http.debug.anchor import Anchor, joins
from inference_http.debug.session import ENV_SESSION

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str], module: str = "inference_http") -> int:
    """Run the server until it ends; its exit code. ``module`` is what ``python -m`` runs as the server."""
    pydevd = sys.modules.get("pydevd")
    if pydevd is None or pydevd.get_global_debugger() is None:
        sys.stderr.write(
            "inference_http.debug.launch is started by an editor's debugger, with its launch entry "
            "(inference-http --write-vscode). Without an editor run inference-http --debug PORT, and attach\n"
        )
        return EXIT_USAGE
    debuggee.answer_at_once(pydevd)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        secret = secrets.token_hex(16)
        session = _session(pydevd) | {"link": listening.getsockname()[1], "secret": secret}
        link = threading.Thread(target=_tell, args=(listening, secret, pydevd), name="link", daemon=True)
        debuggee.exempt(link)  # "pause" must not stop it
        link.start()
        return _run([sys.executable, "-m", module, *arguments], os.environ | {ENV_SESSION: json.dumps(session)})


def _session(pydevd: Any) -> dict[str, Any]:
    """What ``listener.Listener.endpoint`` is made of."""
    setup = pydevd.SetupHolder.setup
    return {
        "address": [setup["client"], setup["port"]],
        "host": setup["client"],
        "port": setup["port"],
        "token": setup.get("access-token"),
        "client_token": setup.get("client-access-token"),
        "parent_pid": os.getpid(),
        "joins": joins(pydevd),
    }


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run the server on this terminal, where Ctrl-C reaches it too, and it decides.

    "Stop" in the editor kills the whole process group at once; what ends this process alone ends the link, and thereby
    the server.
    """
    with _without_debugger():
        server = subprocess.Popen(command, env=environment)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    return server.wait()


def _without_debugger() -> contextlib.AbstractContextManager[None]:
    """Keeps debugpy, where it debugs subprocesses, away from the server."""
    skip: Any = getattr(sys.modules["pydevd"], "skip_subprocess_arg_patch", contextlib.nullcontext)
    guard: contextlib.AbstractContextManager[None] = skip()
    return guard


def _tell(listening: socket.socket, secret: str, pydevd: Any) -> None:
    """Tell the server, once it has said who it is, of attach and detach. The link ends with the session."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # the server is gone
        with connection, connection.makefile("r", encoding="utf-8") as said:
            if secrets.compare_digest(said.readline().strip().encode(), secret.encode()):
                with connection.makefile("w", encoding="utf-8") as events:
                    Anchor(said, events).watch(pydevd)
                return


if __name__ == "__main__":
    threading.current_thread().name = "launcher (your code runs in the subprocess)"
    sys.exit(main(sys.argv[1:]))
