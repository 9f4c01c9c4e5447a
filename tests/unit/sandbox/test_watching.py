import json
import os
import subprocess
import sys
import time

import pytest

from sandbox.api import Sandbox
from sandbox.backend.protocol import Instance
from sandbox.model.endpoint import Endpoint
from sandbox.model.state import EndpointState


@pytest.fixture
def box(tmp_path):
    return Sandbox(str(tmp_path / "home"))


def line(**more):
    said = {
        "time": "2026-11-23T00:59:01.123Z", "port": 8100, "method": "POST", "path": "/score", "status": 200,
        "cluster": "shop~blue", "ms": 12, "received": 5, "sent": 7, "request_id": "d30b03", "details": "via_upstream",
    }  # fmt: skip
    return json.dumps(said | more) + "\n"


def log(box):
    os.makedirs(box.home.gateway, exist_ok=True)
    return os.path.join(box.home.gateway, "access.log")


def test_nothing_is_there_and_nothing_fails(box):
    watching = box.watching()
    assert watching.numbers() is None
    assert watching.journal() == []
    assert watching.requests() == ([], 0)
    assert watching.usage([]) == {}
    assert list(watching.follow(None, None, 10, lambda: True)) == []


def test_requests_are_given_once_and_a_half_line_waits_for_its_end(box):
    watching = box.watching()
    whole, half = line(), line(request_id="second")
    with open(log(box), "w") as file:
        file.write(whole + half[:20])
        file.flush()
        first, position = watching.requests()
        assert [each.request_id for each in first] == ["d30b03"]
        assert (first[0].endpoint, first[0].deployment, first[0].status) == ("shop", "blue", 200)
        file.write(half[20:])
        file.flush()
        second, position = watching.requests(position)
        assert [each.request_id for each in second] == ["second"]
        assert watching.requests(position) == ([], position)


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(box):
    watching = box.watching()
    path = log(box)
    with open(path, "w") as file:
        file.write(line() * 5)
    _, position = watching.requests()
    with open(path, "w") as file:
        file.write(line(request_id="new"))
    assert [each.request_id for each in watching.requests(position)[0]] == ["new"]


def test_a_refused_request_is_told_apart_by_its_port(box):
    context = box.context()
    with context.store.alone("shop"):
        context.store.write(EndpointState(Endpoint("shop"), 8100))
    with open(log(box), "w") as file:
        file.write(line(cluster=None, status=401) + "broken\n")
    found, _ = box.watching().requests()
    assert [(each.endpoint, each.deployment, each.status) for each in found] == [("shop", "", 401)]


def test_the_journal_of_all_endpoints_is_in_order(box):
    context = box.context()
    for name in ("shop", "bank", "shop"):
        context.store.note(name, "update", "traffic")
        time.sleep(0.002)  # the journal's times have milliseconds
    assert [note["endpoint"] for note in box.watching().journal()] == ["shop", "bank", "shop"]
    assert len(box.watching().journal(2)) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_usage_counts_all_processes_of_a_session(box):
    program = "import subprocess, sys; x = bytes(20_000_000); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        instance = Instance("shop", "blue", "1", 0, "id", process.pid, 1, "running", None, 0.0, "log")
        usage = box.watching().usage([instance])["shop", "blue"]
        process.stdin.close()
    assert usage.memory_bytes > 3_000_000
    assert usage.cpu_s >= 0.0
