"""The agent with real processes: it brings back what dies, once, and ends when it is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.agent import place
from sandbox.api import Sandbox
from sandbox.model.errors import SandboxError
from tests.support.boxes import box_in

WAIT_S = 60.0


def until(condition, what: str):
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@pytest.fixture
def box(tmp_path: Path):
    code = tmp_path / "project"
    code.mkdir()
    (code / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    (code / "endpoint.yml").write_text("name: shop\nauth_mode: key\n")
    (code / "blue.yml").write_text(
        "name: blue\nendpoint_name: shop\ninstance_type: Standard_DS3_v2\ninstance_count: 1\n"
        "code_configuration: {code: ., scoring_script: score.py}\nliveness_probe: {initial_delay: 0, period: 1, "
        "timeout: 1, failure_threshold: 2}\n"
    )
    made = Sandbox(str(tmp_path / "home"))
    try:
        made.up([str(code)])
        yield made
    finally:
        place.stop(made.home)
        made.down()
    assert made.context().backend.instances() == []


def pid_of_instance(box: Sandbox) -> int | None:
    found = [each for each in box.context().backend.instances() if each.state != "exited"]
    return found[0].pid if found else None


def answers(box: Sandbox) -> bool:
    try:
        return box.online_endpoints.invoke("shop", b"{}").status == 200
    except SandboxError:
        return False


def test_it_brings_back_an_instance_and_the_gateway_and_ends_when_told(box):
    assert place.running(box.home) is None
    pid = place.start(box.home)
    assert place.start(box.home) == pid
    first = pid_of_instance(box)
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of_instance(box) not in {None, first} and answers(box), "the instance did not come back")
    gateway = box.status().gateway
    os.kill(gateway, signal.SIGKILL)
    until(lambda: box.status().gateway not in {None, gateway} and answers(box), "the gateway did not come back")
    assert place.stop(box.home)
    assert place.running(box.home) is None
    assert not place.stop(box.home)
    assert answers(box)


def test_an_instance_that_hangs_is_replaced(box):
    place.start(box.home)
    first = pid_of_instance(box)
    group = os.getsid(first)
    stopped = [int(name) for name in os.listdir("/proc") if name.isdigit() and _session(int(name)) == group]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    until(lambda: pid_of_instance(box) not in {None, first} and answers(box), "the hung instance was not replaced")


def test_a_hung_instance_gets_no_requests_as_its_readiness_probe_says(tmp_path):
    probe = {"initial_delay": 0, "period": 1, "timeout": 1, "failure_threshold": 2}
    with box_in(tmp_path) as two:
        patient = {"initial_delay": 0, "period": 1, "timeout": 1, "failure_threshold": 3600}
        two.start("blue", count=2, readiness_probe=probe, liveness_probe=patient)
        place.start(two.api.home)
        hung, other = two.pids()
        group = os.getsid(hung)
        stopped = [int(name) for name in os.listdir("/proc") if name.isdigit() and _session(int(name)) == group]
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        counts = two.api.context().gateway.stats
        until(lambda: counts().live["shop", "blue"].healthy == 1, "it was not taken from the gateway")
        assert {two.ask().status for _ in range(20)} == {200}
        assert two.pids() == [hung, other], "its liveness probe has an hour"
        for each in stopped:
            os.kill(each, signal.SIGCONT)
        until(lambda: counts().live["shop", "blue"].healthy == 2, "it answers again and gets no requests")


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def test_killed_at_any_time_a_new_one_takes_its_place(box):
    pid = place.start(box.home)
    os.kill(pid, signal.SIGKILL)
    until(lambda: place.running(box.home) is None, "the agent was killed and seems to run")
    other = place.start(box.home)
    assert other != pid
    assert answers(box)


def test_there_is_one_for_each_home(box):
    pid = place.start(box.home)
    environment = {**os.environ, "SANDBOX_HOME": box.home.root}
    second = subprocess.run(
        [sys.executable, "-m", "sandbox.agent"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert f"process {pid}" in second.stderr
