"""A real server process for tests: start it, ask it, read its log, end it."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_S = 30.0


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class Running:
    """A server that runs; ``log`` grows while it does."""

    process: "subprocess.Popen[str]"
    port: int = 0
    log: list[str] = field(default_factory=list)

    def ask(
        self, method: str = "GET", path: str = "/", body: bytes | str | None = None, timeout: float = 10, **headers: str
    ) -> Reply:
        """One request on a connection of its own. Underscores in header names stand for dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=names)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def score(self, body: bytes | str = "{}", **options: Any) -> Reply:
        """POST /score."""
        return self.ask("POST", "/score", body, **options)

    def text(self) -> str:
        """The log so far."""
        return "".join(self.log)

    def wait_for(self, pattern: str, timeout: float = START_S, count: int = 1) -> str:
        """Wait until ``pattern`` stands ``count`` times in the log, return the last such line; or fail."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = [line for line in list(self.log) if re.search(pattern, line)]
            if len(found) >= count:
                return found[-1]
            if self.process.poll() is not None:
                time.sleep(0.2)
                if not [line for line in self.log if re.search(pattern, line)]:
                    break
            time.sleep(0.01)
        raise AssertionError(f"{pattern!r} did not appear {count} times in the log:\n{self.text()}")

    def wait_ready(self, timeout: float = START_S) -> None:
        """Wait until GET / answers 200."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask().status == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server is not ready:\n{self.text()}")

    def workers(self) -> list[int]:
        """Process ids of the serving workers, oldest first, as the log tells them."""
        pids = re.findall(r"worker (\d+) serves version", self.text())
        return [int(pid) for pid in pids if Path(f"/proc/{pid}").exists()]

    def end(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Send a signal, wait, return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)


@contextlib.contextmanager
def server(
    script: Path | str | None,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    wait: bool = True,
    python: Sequence[str] = (sys.executable,),
) -> Iterator[Running]:
    """Run ``python -m inference_http`` on a free port; nothing of it is left afterwards."""
    command = [*python, "-m", "inference_http", "--port", "0", *arguments]
    if script is not None:
        command += ["--entry_script", str(script)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AML_", "AZUREML_"))}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**environment, "PYTHONUNBUFFERED": "1", **(env or {})},
        cwd=cwd or (Path(script).parent if script else None),
        start_new_session=True,
    )
    running = Running(process)

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                running.log.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if wait:
            line = running.wait_for(r"Score: +POST +127\.0\.0\.1:\d+/score")
            running.port = int(re.findall(r":(\d+)/score", line)[0])
            running.wait_ready()
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)


def descendants(pid: int) -> list[int]:
    """Process ids below ``pid``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    found += [int(entry.name), *descendants(int(entry.name))]
    return found
