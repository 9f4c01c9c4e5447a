"""What inference_http.debug.launch runs as its server: forks one worker into the editor's session, waits for the end.

``python -m tests.support.launched SCRIPT PORT_FILE EXIT_CODE``; the test finds the worker's port in the file.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from inference_http.debug.launched import LaunchedListener
from inference_http.debug.session import launched_session
from tests.support.debugged import Supervisor


def main(path: str, port_file: str, code: int) -> int:
    session = launched_session()
    assert session is not None
    assert launched_session() is None
    told = []
    ended = threading.Event()

    def end() -> None:
        told.append("end")
        ended.set()

    listener = LaunchedListener(
        session, on_attach=lambda: told.append("attach"), on_detach=lambda: told.append("detach"), on_end=end
    )
    listener.start()
    listener.wait_ready()
    assert listener.wait_client(10)
    supervisor = Supervisor(listener)
    worker = supervisor.fork(Path(path))
    Path(port_file).write_text(json.dumps({"pid": worker.pid, "port": worker.port}))
    worker.ready(60)
    if code:
        worker.run(1)
    else:
        ended.wait(60)
    supervisor.end()
    listener.stop()
    Path(port_file).write_text(json.dumps(told))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
