"""The life of the gateway's process, and what it refuses."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox.gateway import publish
from sandbox.gateway.errors import GatewayError, NotRunning, Rejected
from sandbox.gateway.gateway import Gateway
from sandbox.processes import began
from tests.support.gateways import entry, free_port, world

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(tmp_path):
    with world(tmp_path) as made:
        made.blue = made.instance("blue")
        made.entry = entry("blue", made.blue, live_percent=100)
        yield made


def test_nothing_runs_before_something_is_applied(shop):
    assert shop.gateway.running() is None
    shop.gateway.stop()
    with pytest.raises(NotRunning):
        shop.gateway.stats()


def test_it_outlives_the_process_that_started_it_and_is_found_again(shop):
    program = (
        "import os, signal, sys\n"
        "from sandbox.gateway.gateway import Gateway\n"
        "from sandbox.gateway.description import *\n"
        f"one = DeploymentEntry('blue', (TcpUpstream('127.0.0.1', {shop.blue.address}),), 100)\n"
        "keys = KeyAuth('key-one-0123456789', 'key-two-0123456789')\n"
        f"shop = EndpointEntry('shop', {shop.port}, keys, (one,))\n"
        f"Gateway({shop.gateway._folder.path!r}).apply(Description((shop,)))\n"
        "os.kill(0, signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, start_new_session=True, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    assert shop.ask().status == 200
    found = shop.gateway.running()
    assert found.began == began(found.pid)
    shop.apply(shop.entry)
    assert shop.gateway.running() == found
    shop.gateway.stop()
    assert shop.gateway.running() is None
    assert began(found.pid) is None
    with pytest.raises(OSError, match="refused"):
        shop.ask()


def test_many_who_start_it_at_once_get_one(shop):
    pids, errors = set(), []

    def go():
        try:
            other = Gateway(shop.gateway._folder.path)
            other.apply(shop.describe(shop.entry))
            pids.add(other.running().pid)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, len(pids)) == ([], 1)


def test_it_starts_again_with_the_same_port_after_it_was_killed(shop):
    shop.apply(shop.entry)
    first = shop.gateway.running()
    os.kill(first.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while shop.gateway.running():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    shop.apply(shop.entry)
    assert shop.gateway.running() != first
    assert shop.ask().status == 200


def test_a_port_that_is_taken_is_told_with_its_owner_and_the_others_go_on(shop):
    shop.apply(shop.entry)
    port, shop.port = shop.port, 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        shop.port = server.getsockname()[1]
        busy = shop.apply(shop.entry)["shop"]
        assert str(shop.port) in busy.what
        assert f"process {os.getpid()}" in busy.why
        taken, shop.port = shop.port, port
        assert shop.ask().status == 200, "where it was before it still is"
        shop.port = taken
    shop.apply(shop.entry)
    assert shop.ask().status == 200
    shop.gateway.stop()
    shop.port = port
    shop.apply(shop.entry)
    assert shop.ask().status == 200


def test_a_port_that_is_taken_at_the_start_is_told_and_can_be_freed(shop):
    with socket.create_server(("127.0.0.1", shop.port)):
        assert list(shop.apply(shop.entry)) == ["shop"]
    shop.apply(shop.entry)
    assert shop.ask().status == 200


@pytest.mark.parametrize("builder", ["routes", "clusters", "listeners", "tokens"])
def test_what_envoy_refuses_is_told_in_its_words_and_changes_nothing(shop, monkeypatch, builder):
    """Nothing that can be described is refused: the builders are bent to make it so."""
    shop.apply(shop.entry)
    before = {name: shop.gateway._folder.published(name).resources for name in ("rds.json", "cds.json", "lds.json")}
    real = getattr(publish, builder)

    def bent(*arguments):
        made = real(*arguments)
        one = made if isinstance(made, dict) else made[0]
        bad = {**one, "no_such_field": 1}
        return bad if isinstance(made, dict) else [bad, *made[1:]]

    monkeypatch.setattr(publish, builder, bent)
    with pytest.raises(Rejected, match="no_such_field") as caught:
        shop.apply(entry("blue", shop.blue, live_percent=100, stream_idle_ms=777))
    assert "serves what it served before" in caught.value.what
    assert shop.ask().status == 200
    monkeypatch.undo()
    shop.apply(shop.entry)
    after = {name: shop.gateway._folder.published(name).resources for name in before}
    assert after == before
    assert shop.ask().status == 200


def test_a_route_to_a_cluster_that_is_not_there_is_refused(shop, monkeypatch):
    shop.apply(shop.entry)
    monkeypatch.setattr(publish, "clusters", lambda _: [])
    with pytest.raises(Rejected, match="blue"):
        shop.apply(entry("blue2", shop.blue, live_percent=100))
    monkeypatch.undo()
    assert shop.ask().status == 200


def test_a_gateway_that_cannot_start_says_why(shop, monkeypatch, tmp_path):
    broken = tmp_path / "envoy"
    broken.write_text("#!/bin/sh\necho 'inotify limit reached' >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setenv("SANDBOX_ENVOY", str(broken))
    with pytest.raises(NotRunning, match="inotify limit reached"):
        shop.apply(shop.entry)
    assert shop.gateway.running() is None
    monkeypatch.setenv("SANDBOX_ENVOY", str(tmp_path / "missing"))
    with pytest.raises(GatewayError, match="which is no program"):
        shop.apply(shop.entry)


def test_a_folder_whose_sockets_could_not_be_addressed_is_refused(tmp_path):
    with pytest.raises(GatewayError, match="90 bytes"):
        Gateway(str(tmp_path / ("x" * 90)))


def test_stopping_lets_a_request_finish_and_leaves_nothing(shop):
    shop.apply(shop.entry)
    pid = shop.gateway.running().pid
    replies = []
    asking = threading.Thread(target=lambda: replies.append(shop.ask(x_sleep="1")))
    asking.start()
    time.sleep(0.3)
    shop.gateway.stop(grace_s=5)
    asking.join()
    assert (replies[0].status, replies[0].body) == (200, b"blue")
    assert began(pid) is None
    assert not [name for name in os.listdir(shop.gateway._folder.path) if name.endswith(".sock")]


def test_one_that_hangs_is_ended_too(shop):
    shop.apply(shop.entry)
    pid = shop.gateway.running().pid
    os.kill(pid, signal.SIGSTOP)
    shop.gateway._admin._timeout = 0.5
    shop.gateway.stop(grace_s=0)
    assert began(pid) is None
    shop.apply(shop.entry)
    assert shop.ask().status == 200


def test_large_logs_are_set_aside_while_it_runs(shop, monkeypatch):
    monkeypatch.setattr("sandbox.gateway.folder.LARGEST_LOG", 100)
    shop.apply(shop.entry)
    folder = Path(shop.gateway._folder.path)
    shop.ask()
    time.sleep(1.3)
    assert json.loads((folder / "access.log").read_text().splitlines()[0])["cluster"] == "shop~blue"
    shop.apply(shop.entry)
    shop.ask()
    time.sleep(1.3)
    assert len((folder / "access.log").read_text().splitlines()) == 1
    assert (folder / "access.log.1").exists()


def test_logs_stay_small_under_load_while_nobody_publishes(shop, monkeypatch):
    monkeypatch.setattr("sandbox.gateway.folder.LARGEST_LOG", 50_000)
    shop.apply(shop.entry)
    folder = Path(shop.gateway._folder.path)
    times = 0
    with shop.load() as result:
        deadline = time.monotonic() + 60
        while times < 4:
            times += shop.gateway.shorten_logs()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert (result["errors"], set(result["statuses"])) == ([], {"200"})
    kept = [path for path in folder.iterdir() if path.name.startswith("access.log")]
    assert sorted(path.name for path in kept) == ["access.log", "access.log.1"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    lines = [line for path in kept for line in path.read_text().splitlines()]
    assert 0 < len(lines) < result["requests"]


def test_what_envoy_says_is_kept_small_while_it_runs(shop, monkeypatch):
    monkeypatch.setattr("sandbox.gateway.folder.LARGEST_LOG", 50_000)
    shop.apply(shop.entry)
    log = Path(shop.gateway._folder.path) / "envoy.log"
    with log.open("a") as file:
        file.write("said\n" * 20_000)
    with shop.gateway._folder.alone():
        assert not shop.gateway.shorten_logs(), "who publishes does it himself"
    assert shop.gateway.shorten_logs()
    assert (log.stat().st_size, log.with_name("envoy.log.1").read_text()[-5:]) == (0, "said\n")
    shop.port = free_port()
    shop.apply(shop.entry)
    deadline = time.monotonic() + 20
    while "lds" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "\0" not in log.read_text(), "it goes on at the new end"
