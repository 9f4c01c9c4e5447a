"""The server in a process, for a script on disk, for the length of a test."""

import contextlib
import json
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from inference_http.contract import HEADER_RUN_MS
from tests.support.gateways import free_port

READY_WITHIN_S = 60.0


@contextlib.contextmanager
def served(script: Path, *, model_dir: Path | None, log: Path):
    """Serve a script; gives the port once the server is ready."""
    port = free_port()
    command = [sys.executable, "-m", "inference_http", "--entry_script", str(script), "--port", str(port)]
    if model_dir is not None:
        command += ["--model_dir", str(model_dir)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=script.parent, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        give_up = time.monotonic() + READY_WITHIN_S
        while not ready(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready(port: int) -> bool:
    with contextlib.suppress(OSError, HTTPException):
        return ask(port, "GET", "/")[0] == 200
    return False


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """One request: status, the milliseconds that run() took as text, and the body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.getheader(HEADER_RUN_MS, ""), response.read().decode()
    finally:
        connection.close()
