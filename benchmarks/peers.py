"""What the benchmarks share: peers in environments of their own, servers that start and end, load, and tables.

Numbers are comparable within one run only: contestants take turns, and a round in which the machine was busy hits all.
"""

import contextlib
import http.client
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "endpoint-sandbox" / "benchmarks"
ROOT = Path(__file__).resolve().parent.parent


def venv(name: str, requirements: Sequence[str]) -> Path:
    """The Python of an environment with ``requirements``, made on first use and kept in the user's cache."""
    tag = f"{name}-py{sys.version_info.major}{sys.version_info.minor}"
    folder = CACHE / tag
    stamp = folder / ".ready"
    python = folder / "bin" / "python"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"making the environment {tag}: {' '.join(requirements)}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements]
        subprocess.run(install, check=True, stdout=sys.stderr)
        stamp.write_text(wanted)
    return python


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def get(port: int, path: str = "/", body: bytes | None = None, timeout: float = 5) -> tuple[int, bytes, dict[str, str]]:
    """One request on its own connection: status, body, headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("POST" if body is not None else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@dataclass
class Peer:
    """A contestant: how to start it. ``{port}`` in the command is replaced."""

    name: str
    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/"


@dataclass
class Started:
    """A running contestant."""

    peer: Peer
    port: int
    process: "subprocess.Popen[bytes]"
    seconds: float  # from exec to the first 200
    log: Path

    def alive(self) -> bool:
        """Whether its main process runs."""
        return self.process.poll() is None


@contextlib.contextmanager
def running(peer: Peer, log: Path, timeout: float = 60) -> Iterator[Started]:
    """Start a contestant, wait for its first 200, end it with everything it started."""
    port = free_port()
    command = [part.replace("{port}", str(port)) for part in peer.command]
    environment = {**os.environ, **peer.env}
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=peer.cwd, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if get(port, peer.ready_path)[0] == 200:
                    break
            if process.poll() is not None or time.perf_counter() - began > timeout:
                raise SystemExit(f"{peer.name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.005)
        yield Started(peer, port, process, time.perf_counter() - began, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all below it, in seconds."""
    total, pending = 0.0, [pid]
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, list[int]] = {}
    times: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
                times[int(entry.name)] = (int(fields[11]) + int(fields[12])) / tick
    while pending:
        current = pending.pop()
        total += times.get(current, 0.0)
        pending += parents.get(current, [])
    return total


@dataclass
class Measured:
    """One round of load."""

    rps: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float  # of the server, for each request


def wrk(started: Started, body: bytes, *, connections: int, seconds: float) -> Measured:
    """Load ``POST /score`` with wrk (Debian package ``wrk``)."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    script = CACHE / "post.lua"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [[{body.decode()}]]\n'
    )
    url = f"http://127.0.0.1:{started.port}/score"
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(script), url]
    before = cpu_seconds(started.process.pid)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent = cpu_seconds(started.process.pid) - before
    requests = int(_find(r"(\d+) requests in", text))
    errors = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    non_2xx = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Measured(
        rps=float(_find(r"Requests/sec:\s+([\d.]+)", text)),
        p50_ms=_milliseconds(_find(r"\n +50%\s+(\S+)", text)),
        p99_ms=_milliseconds(_find(r"\n +99%\s+(\S+)", text)),
        errors=errors + (int(non_2xx.group(1)) if non_2xx else 0),
        cpu_us=spent / max(1, requests) * 1e6,
    )


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said something unexpected:\n{text}")
    return found.group(1)


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def machine() -> str:
    """What the numbers were measured on, without names of anybody's machine."""
    model = ""
    with contextlib.suppress(OSError):
        model = next(
            (
                line.split(":")[1].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if "model name" in line
            ),
            "",
        )
    cores = f"{os.cpu_count()} cores ({model or platform.machine()})"
    return f"{cores}, {platform.system()}, Python {platform.python_version()}"
