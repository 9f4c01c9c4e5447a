"""Workers that die, hang, leave and come: requests counted from outside, against real processes."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.load import Load
from tests.support.running import Running, descendants, server

SCRIPT = """\
import os, time
def init():
    pass
def run(data):
    return VERSION
"""
ENGINES = ["fork", "spawn"]


def write(folder: Path, text: str = SCRIPT, version: str = "one") -> Path:
    script = folder / "score.py"
    script.write_text(f"VERSION = {version!r}\n{text}")
    return script


def send(
    port: int, request: bytes = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.sendall(request)
    return sock


def everything(sock: socket.socket) -> bytes:
    """All that comes until the server closes."""
    with sock:
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_worker_costs_only_its_own_requests(tmp_path: Path, engine: str) -> None:
    with server(write(tmp_path), "--engine", engine) as running, Load(running.port) as load:
        for round_number in range(3):
            load.wait(100)
            os.kill(running.workers()[-1], signal.SIGKILL)
            running.wait_for(r"worker \d+ serves version", count=round_number + 2)
        load.wait(100)
        load.stop()
        # One request a client can be in the hands of a worker when it is killed, or its connection idle there.
        assert len(load.failures) <= 3 * 4, load.failures
        assert all("killed by SIGKILL" in line for line in running.log if " ended: " in line)
        assert "Traceback" not in running.text()


@pytest.mark.parametrize("engine", ENGINES)
def test_sigterm_answers_everything_that_was_accepted(tmp_path: Path, engine: str) -> None:
    script = write(tmp_path, SCRIPT.replace("    return", "    time.sleep(0.05)\n    return"))
    with server(script, "--engine", engine) as running:
        sockets = [send(running.port) for _ in range(20)]
        running.process.send_signal(signal.SIGTERM)
        for sock in sockets:
            answer = everything(sock)
            assert answer.startswith(b"HTTP/1.1 200 OK"), answer
            assert b"Connection: close" in answer
        assert running.process.wait(10) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_sigterm_under_load_loses_nothing_that_was_sent(tmp_path: Path, engine: str) -> None:
    with server(write(tmp_path), "--engine", engine, "--worker_count", "2") as running:
        with Load(running.port, clients=6, pause_s=0.002) as load:
            load.wait(300)
            children = descendants(running.process.pid)
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(20) == 0
            load.stop()
        wrong = [failure for failure in load.failures if "refused" not in failure]
        assert wrong == []
        assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_sighup_replaces_workers_without_a_failed_request(tmp_path: Path, engine: str) -> None:
    script = write(tmp_path)
    with server(script, "--engine", engine, "--worker_count", "2") as running:
        running.wait_for(r"worker \d+ serves version", count=2)
        with Load(running.port, pause_s=0.001) as load:
            load.wait(100)
            write(tmp_path, version="two")
            running.process.send_signal(signal.SIGHUP)
            running.wait_for(r"worker \d+ serves version", count=4)
            load.wait(200)
        assert load.failures == []
        assert set(load.answers) == {b'"one"', b'"two"'}
        assert running.score().body == b'"two"'


def test_sighup_with_a_broken_script_keeps_the_old_workers(tmp_path: Path) -> None:
    script = write(tmp_path)
    with server(script) as running, Load(running.port, pause_s=0.001) as load:
        load.wait(50)
        script.write_text("def init(:\n")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("SyntaxError")
        load.wait(200)
        load.stop()
        assert load.failures == []
        assert set(load.answers) == {b'"one"'}


def test_many_workers_share_the_load_and_health_answers_while_all_are_busy(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "import os, time\ndef init():\n    pass\ndef run(data):\n    time.sleep(0.5)\n    return os.getpid()\n",
    )
    with server(script, "--worker_count", "2") as running:
        running.wait_for(r"worker \d+ serves version", count=2)
        with Load(running.port, clients=8) as load:
            time.sleep(0.7)
            started = time.monotonic()
            assert running.ask().status == 200
            assert time.monotonic() - started < 0.4
            load.wait(8)
        assert load.failures == []
        assert len(load.answers) == 2
        assert running.text().count("Starting up app insights client") == 2, "once in each worker"


def test_probes_are_answered_while_init_runs(tmp_path: Path) -> None:
    script = write(tmp_path, "import time\ndef init():\n    time.sleep(2)\ndef run(data):\n    return 1\n")
    with server(script, wait=False) as running:
        line = running.wait_for(r":\d+/score")
        running.port = int(re.findall(r":(\d+)/score", line)[0])
        running.wait_for("Invoking user.s init function")
        started = time.monotonic()
        reply = running.ask()
        assert time.monotonic() - started < 0.5
        assert reply.status == 503
        assert "init() is running" in reply.json()["message"]
        assert reply.headers["retry-after"] == "1"
        assert reply.headers["x-request-id"]
        assert running.score("x" * 300_000).status == 503
        running.wait_ready()
        assert running.score().json() == 1


def test_a_start_that_fails_exits_3_and_shows_the_line(tmp_path: Path) -> None:
    script = write(tmp_path, "def init():\n    broken = {}['nothing']\ndef run(data):\n    return 1\n")
    with server(script, wait=False) as running:
        assert running.process.wait(15) == 3
        time.sleep(0.1)
        assert "score.py" in running.text()
        assert "broken = {}['nothing']" in running.text()
        assert "KeyError" in running.text()


def test_a_script_that_crashes_the_interpreter_ends_with_the_cause(tmp_path: Path) -> None:
    script = write(
        tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\ndef init(): ...\ndef run(data): ...\n"
    )
    with server(script, wait=False) as running:
        assert running.process.wait(60) == 3
        time.sleep(0.1)
        assert "SIGSEGV" in running.text()


def test_a_request_that_kills_its_worker_does_not_end_the_server(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "import os\ndef init(): ...\ndef run(data):\n    os._exit(7) if data == 'die' else None\n    return 1\n",
    )
    with server(script) as running:
        for round_number in range(8):
            with pytest.raises((OSError, Exception)):
                running.score("die")
            running.wait_for(r"worker \d+ serves version", count=round_number + 2)
            assert running.score("live").json() == 1
        assert running.process.poll() is None
        assert "exit code 7" in running.text()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, server(write(tmp_path), wait=False) as running:
        running.end()
        port = str(taken.getsockname()[1])
        with server(tmp_path / "score.py", "--port", port, wait=False) as second:
            assert second.process.wait(15) == 1
            time.sleep(0.1)
            assert f"port {port} is in use" in second.text()


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path, engine: str) -> None:
    with server(write(tmp_path), "--engine", engine, "--worker_count", "2") as running:
        running.wait_for(r"worker \d+ serves version", count=2)
        assert left_by_a_killed_supervisor(running, 10) == []


def left_by_a_killed_supervisor(running: Running, timeout: float) -> list[int]:
    children = descendants(running.process.pid)
    assert children
    running.process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + timeout
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stuck_run_does_not_outlive_a_killed_supervisor(tmp_path: Path, engine: str) -> None:
    text = """\
import pathlib
def init(): ...
def run(data):
    pathlib.Path(data).touch()
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
    begun = tmp_path / "begun"
    body = bytes(begun)
    request = b"POST /score HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with (
        server(write(tmp_path, text), "--engine", engine, "--graceful-timeout", "1") as running,
        send(running.port, request),
    ):
        deadline = time.monotonic() + 10
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert begun.exists()
        assert left_by_a_killed_supervisor(running, 15) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_script_forks_keeps_neither_port_nor_connection(tmp_path: Path, engine: str) -> None:
    text = """\
import os, signal
def init():
    fork()
def run(data):
    return fork()
def fork():
    child = os.fork()
    if child == 0:
        signal.pause()
    return child
"""
    with server(write(tmp_path, text), "--engine", engine) as running, send(running.port) as client:
        child = int(client.recv(65536).rpartition(b"\r\n\r\n")[2])
        assert running.end() == 0
        assert client.recv(1) == b""
        os.kill(child, 0)
        with socket.create_server(("127.0.0.1", running.port)):
            pass


@pytest.mark.parametrize("seconds", [0, 0.003, 0.05])  # others wait for the network when run() has taken so long
@pytest.mark.parametrize("engine", ENGINES)
def test_a_forked_process_that_comes_back_from_run_answers_nothing_and_ends(
    tmp_path: Path, engine: str, seconds: float
) -> None:
    text = f"""\
import os, time
def init(): ...
def run(data):
    time.sleep({seconds})
    child = os.fork()
    return child or "the child speaks"
"""
    with server(write(tmp_path, text), "--engine", engine) as running:
        child = running.score().json()
        deadline = time.monotonic() + 10
        while alive(child) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not alive(child)
        assert running.score().status == 200


def test_what_a_script_forks_ends_by_signals(tmp_path: Path) -> None:
    text = """\
import multiprocessing
import time
forking = multiprocessing.get_context("fork")
def init(): ...
def run(data):
    one = forking.Process(target=time.sleep, args=(60,))
    one.start()
    time.sleep(0.05)
    one.terminate()
    one.join(20)
    with forking.Pool(2) as pool:
        return [one.exitcode, *pool.map(abs, [-1, -2])]
"""
    with server(write(tmp_path, text)) as running:
        for _ in range(5):
            assert running.score().json() == [-signal.SIGTERM, 1, 2]


def alive(pid: int) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("options", [(), ("--reload",)])
def test_a_zygote_that_is_stopped_does_not_outlive_the_server(tmp_path: Path, options: tuple[str, ...]) -> None:
    with server(write(tmp_path), "--engine", "fork", *options) as running:
        running.wait_for(r"worker \d+ serves version")
        below = descendants(running.process.pid)
        for pid in set(below) - set(running.workers()):  # the zygote, and with --reload who waits to be a worker
            os.kill(pid, signal.SIGSTOP)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
        deadline = time.monotonic() + 20
        while left := [pid for pid in below if _lives(pid)]:
            assert time.monotonic() < deadline, [_shown(pid) for pid in left]
            time.sleep(0.02)


def _shown(pid: int) -> list[str]:
    return [Path(f"/proc/{pid}/{name}").read_text()[:200] for name in ("stat", "cmdline", "wchan")]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_killed_zygote_is_replaced_and_its_workers_serve_on(tmp_path: Path) -> None:
    with server(write(tmp_path), "--engine", "fork") as running, Load(running.port, pause_s=0.001) as load:
        load.wait(50)
        worker = running.workers()[-1]
        zygote = next(pid for pid in descendants(running.process.pid) if worker in descendants(pid))
        os.kill(zygote, signal.SIGKILL)
        load.wait(100)
        os.kill(worker, signal.SIGKILL)
        running.wait_for(r"worker \d+ serves version", count=2)
        load.wait(100)
        load.stop()
        assert len(load.failures) <= 4, load.failures
        assert running.end() == 0


def test_a_stuck_run_is_answered_and_its_worker_replaced(tmp_path: Path) -> None:
    text = """\
import time
def init(): ...
def run(data):
    if data == "stuck":
        while True:
            try:
                time.sleep(30)
            except BaseException:
                pass
    return 1
"""
    script = write(tmp_path, text)
    with server(script, env={"SCORING_TIMEOUT_MS": "300"}) as running:
        started = time.monotonic()
        reply = running.score("stuck")
        assert time.monotonic() - started < 2
        assert reply.status == 500
        assert reply.json()["message"] == "Scoring timeout after 300 ms"
        assert reply.headers["x-ms-run-function-failed"] == "True"
        assert running.score("fine").json() == 1
        running.wait_for(r"worker \d+ serves version", count=2)
        assert running.score("fine").json() == 1
        assert re.search(r"I \[\d+\] azmlinfsrv - POST /score 500 \d+\.\d{3}ms \d+ \[\S+\]", running.text())
        metrics = running.ask("GET", "/metrics").body.decode()
        assert re.search(r'requests_total\{code="500"\} 1(\.0)?$', metrics, re.MULTILINE), metrics


def test_a_worker_timeout_is_answered_with_its_own_limit(tmp_path: Path) -> None:
    script = write(
        tmp_path, "def init(): ...\ndef run(data):\n    while data == 'stuck':\n        pass\n    return 1\n"
    )
    with server(script, env={"WORKER_TIMEOUT": "1"}) as running:
        reply = running.score("stuck")
        assert reply.status == 500
        assert reply.json()["message"] == "Scoring timeout after 1000 ms"
        running.wait_for(r"worker \d+ serves version", count=2)
        assert running.score("fine").json() == 1
        assert "SIGABRT" not in running.text()


def test_requests_beyond_the_waiting_limit_are_refused(tmp_path: Path) -> None:
    script = write(tmp_path, SCRIPT.replace("    return", "    time.sleep(1)\n    return"))
    with server(script, "--max-waiting", "2") as running:
        sockets = []
        for _ in range(6):
            sockets.append(
                send(running.port, b"POST /score HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            )
            time.sleep(0.05)
        answers = [everything(sock) for sock in sockets]
        assert sorted(answer[9:12] for answer in answers) == [b"200", b"200", b"200", b"429", b"429", b"429"]
        refused = next(answer for answer in answers if b" 429 " in answer)
        assert b"Retry-After: 1\r\n" in refused
        assert b"Content-Type: application/json" in refused


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 70000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"400"),
        (b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
    ],
)
def test_limits_and_bad_framing_are_json_with_ids(limited: Running, request_bytes: bytes, status: bytes) -> None:
    answer = everything(send(limited.port, request_bytes))
    assert answer[9:12] == status, answer
    assert b"Content-Type: application/json\r\n" in answer
    assert b"x-request-id: " in answer
    assert answer.endswith(b"}")
    identity = re.search(rb"x-request-id: (\S+)", answer)[1].decode()
    line = limited.wait_for(rf"azmlinfsrv\.access - .*\[{identity}\]")
    method, target, *_ = request_bytes.decode().split()
    assert f" {method} {target} {status.decode()} " in line


def test_a_large_upload_that_is_refused_still_sees_the_answer(limited: Running) -> None:
    assert limited.score("x" * 3_000_000).status == 413


def test_a_request_that_never_ends_is_cut_off(limited: Running) -> None:
    with socket.create_connection(("127.0.0.1", limited.port), timeout=10) as sock:
        sock.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nab")
        started = time.monotonic()
        answer = sock.recv(65536)
        assert answer[9:12] == b"408"
        assert time.monotonic() - started < 5


def test_a_client_that_stops_sending_still_gets_its_answer(limited: Running) -> None:
    sock = send(limited.port)
    sock.shutdown(socket.SHUT_WR)
    answer = everything(sock)
    assert answer[9:12] == b"200"


SLOW = """\
import os, time
def init():
    pass
def run(data):
    print("ran", data, flush=True)
    while not os.path.exists(GATE):
        time.sleep(0.01)
    return data
"""


def test_what_waits_for_clients_that_have_gone_is_not_run(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with server(write(tmp_path, f"GATE = {str(gate)!r}\n{SLOW}")) as running:

        def ask(number: int) -> socket.socket:
            body = str(number).encode()
            head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            return send(running.port, head % len(body) + body)

        waiting = [ask(1)]
        running.wait_for("ran 1")
        waiting += [ask(number) for number in range(2, 7)]
        half = ask(7)
        half.shutdown(socket.SHUT_WR)
        time.sleep(1)  # a client that gives up has waited; one that only sends no more says so with its request
        for number in (2, 3, 5):
            waiting[number - 1].close()
        waiting[3].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        waiting[3].close()  # with a reset
        time.sleep(0.5)
        gate.touch()
        for sock in (waiting[0], waiting[5]):
            assert b"200 OK" in sock.recv(65536)
            sock.close()
        assert b"200 OK" in everything(half)
        running.wait_for(r"POST /score 499", count=4)
        ran = [line.split("ran ")[1][0] for line in running.log if " ran " in line]
        assert sorted(ran) == ["1", "6", "7"]
        metrics = running.ask("GET", "/metrics").body.decode()
        assert re.search(r'code="499"\S* 4', metrics), metrics


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    script = write(tmp_path_factory.mktemp("limited"))
    with server(script, "--max-body", "1000", "--request-timeout", "1.5") as running:
        yield running
