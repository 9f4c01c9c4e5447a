"""``python -m sandbox.demo`` (``make demo``): train a model, serve it, ask it, break it, see the line that broke.

Everything lies in one temporary folder, which is removed at the end. Without a terminal it ends by itself, exit code 0;
on a terminal it stays up until Ctrl-C, so that one can go on asking.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import templates
from inference_http.contract import DEFAULT_HOST, DEFAULT_PORT, HEADER_RUN_MS, ROUTE_HEALTH, ROUTE_SCORE

READY_WITHIN_S = 60.0
MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
Flower = dict[str, float]


class DemoFailed(Exception):
    """The demo cannot go on; the text says why and what to do."""


# --- What is printed -------------------------------------------------------------------------------------------------


def paint(text: str, code: str) -> str:
    """Return the text in an ANSI style where that is wanted: a terminal, and NO_COLOR not set."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def heading(number: int, title: str, rest: str) -> None:
    """Print the heading of one of the four parts."""
    say(f"\n{paint(f'{number}/4 {title}', '1')}  {rest}")


# --- The model -------------------------------------------------------------------------------------------------------


def train(folder: Path) -> tuple[list[tuple[Flower, str]], float]:
    """Train on two thirds of the iris data set and write ``model.joblib`` into the folder.

    Returns:
        the flowers that were held back, each with its true species, and the share of them that the model gets right.

    Raises:
        DemoFailed: scikit-learn is not installed.
    """
    try:
        import joblib
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import train_test_split
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ModuleNotFoundError as missing:
        message = f"{missing.name} is not installed\n  fix: pip install 'endpoint-sandbox[demo]', or say: make demo"
        raise DemoFailed(message) from missing
    iris = load_iris()
    species = iris.target_names[iris.target]
    known, held_back, names, answers = train_test_split(
        iris.data, species, test_size=1 / 3, stratify=species, random_state=7
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(known, names)
    joblib.dump(model, folder / "model.joblib")
    flowers = [
        (dict(zip(MEASUREMENTS, map(float, row), strict=True)), str(name))
        for row, name in zip(held_back, answers, strict=True)
    ]
    return flowers, float(model.score(held_back, answers))


# --- The server ------------------------------------------------------------------------------------------------------


def free_port() -> int:
    """Return the server's usual port if nobody has it, else any free one."""
    for port in (DEFAULT_PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((DEFAULT_HOST, port))
            return int(probe.getsockname()[1])
    raise DemoFailed("no free port on this machine")


@contextlib.contextmanager
def served(script: Path, *, model_dir: Path | None, log: Path) -> Iterator[int]:
    """Serve a script for the length of a ``with``; gives the port once the server is ready.

    Raises:
        DemoFailed: the server ended or was not ready in a minute; the end of its log is in the text.
    """
    port = free_port()
    command = [sys.executable, "-m", "inference_http", "--entry_script", str(script), "--port", str(port)]
    if model_dir is not None:
        command += ["--model_dir", str(model_dir)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=script.parent, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        wait_until_ready(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Return when ``GET /`` answers 200."""
    give_up = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise DemoFailed(f"the server ended with code {process.returncode}; its last words:\n{tail(log)}")
        with contextlib.suppress(OSError, HTTPException):
            status, _, _ = ask(port, "GET", ROUTE_HEALTH)
            if status == 200:
                return
        time.sleep(0.05)
    raise DemoFailed(f"the server was not ready in {READY_WITHIN_S:.0f} s; its last words:\n{tail(log)}")


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """Send one request; return status, the milliseconds that run() took as text, and the body."""
    connection = HTTPConnection(DEFAULT_HOST, port, timeout=30)
    try:
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.getheader(HEADER_RUN_MS, ""), response.read().decode()
    finally:
        connection.close()


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, indented."""
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])


# --- The four parts --------------------------------------------------------------------------------------------------


def show_answers(port: int, flowers: list[tuple[Flower, str]]) -> None:
    """Ask about three flowers which the model has not seen, one of each species."""
    for species in ("setosa", "versicolor", "virginica"):
        flower = next(flower for flower, name in flowers if name == species)
        body = {"flowers": [flower]}
        status, took_ms, answer = ask(port, "POST", ROUTE_SCORE, body)
        say(f"    {paint('POST ' + ROUTE_SCORE, '36')} {json.dumps(body)}")
        say(f"    {paint(str(status), '32' if status == 200 else '31')}  {answer}  (run() took {took_ms} ms)")
        if status != 200:
            raise DemoFailed(f"expected 200, got {status}")


def show_failure(port: int, flower: Flower, source: Path) -> None:
    """Ask with a measurement left out; the answer names the line of the script that could not go on."""
    body = {"flowers": [{name: value for name, value in flower.items() if name != "petal_width"}]}
    status, _, answer = ask(port, "POST", ROUTE_SCORE, body)
    error: dict[str, Any] = json.loads(answer).get("error", {})
    say(f"    {paint('POST ' + ROUTE_SCORE, '36')} {json.dumps(body)}")
    say(f"    {paint(str(status), '31')}  {error.get('type')}: {error.get('message')}")
    if status != 500 or not error.get("line"):
        raise DemoFailed(f"expected a 500 that names the failing line, got {status}: {answer}")
    say(f"    {os.path.relpath(error['file'], source)}:{error['line']}")
    say(f"        {paint(str(error['code']), '1;31')}")


def follow(log: Path, port: int, script: Path) -> None:
    """Say what to try, then print what the server logs; Ctrl-C is the way out and no failure."""
    sample = script.with_name("sample-request.json")
    say(f"\n{paint('Still serving; Ctrl-C ends it and removes everything. In another terminal, try:', '1')}")
    say(f"    curl http://{DEFAULT_HOST}:{port}{ROUTE_SCORE} -d @{sample}")
    say(f"    curl http://{DEFAULT_HOST}:{port}/swagger.json")
    say(f"    {Path(sys.executable).with_name('inference-http')} --entry_script YOUR_score.py\n")
    with log.open(errors="replace") as lines, contextlib.suppress(KeyboardInterrupt):
        lines.seek(0, os.SEEK_END)
        while True:
            line = lines.readline()
            if line:
                say(paint(line.rstrip("\n"), "2"))
            else:
                time.sleep(0.2)


def play(folder: Path) -> None:
    """Play the four parts in a folder that exists and is empty."""
    began = time.monotonic()
    heading(1, "Train", "iris: 150 flowers, 4 measurements, 3 species; scikit-learn, logistic regression")
    model_dir = folder / "model"
    model_dir.mkdir()
    flowers, right = train(model_dir)
    say(f"    model.joblib written; {right:.0%} of {len(flowers)} held-back flowers right")

    source = folder / "classifier"
    shutil.copytree(templates.path("classifier"), source, ignore=shutil.ignore_patterns("__pycache__"))
    script, log = source / "score.py", folder / "server.log"
    heading(2, "Serve", "inference-http --entry_script score.py --model_dir model")
    starting = time.monotonic()
    with served(script, model_dir=model_dir, log=log) as port:
        say(f"    http://{DEFAULT_HOST}:{port} ready after {time.monotonic() - starting:.1f} s")
        heading(3, "Ask", "three flowers that the model has not seen")
        show_answers(port, flowers)
        heading(4, "Break", "the same request without petal_width: the answer names the failing line")
        show_failure(port, flowers[0][0], source)
        say(f"\n{paint('Done', '1;32')} in {time.monotonic() - began:.1f} s.")
        if sys.stdin.isatty() and sys.stdout.isatty():
            follow(log, port, script)
            say("\nstopping; the folder goes as well")


def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that the server and the folder go as well."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo; return 0, 1 when a part fails, 130 when interrupted before the end."""
    signal.signal(signal.SIGTERM, stop)
    try:
        with tempfile.TemporaryDirectory(prefix="sandbox-demo-") as folder:
            play(Path(folder).resolve())
    except DemoFailed as failure:
        sys.stderr.write(f"\nthe demo failed: {failure}\n")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; the server and its folder are gone")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
