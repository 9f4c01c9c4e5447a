"""What is told names the developer's own files, and nobody else is sent a key."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cli.main import main
from sandbox.model.errors import SandboxError
from tests.support.boxes import Box, box_in, until

FAILS = "import json\n\ndef init():\n    pass\n\ndef run(data):\n    return json.loads(data)['missing']\n"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with box_in(tmp_path) as made:
        yield made


def test_an_answer_and_the_log_name_the_developers_own_file(box, capsys, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(box.home))
    box.start("blue", script=FAILS)
    own = f'"{box.folder / "blue" / "score.py"}", line 7'
    assert main(["online-endpoint", "invoke", "-n", "shop"]) == 1
    assert own in capsys.readouterr().err
    assert main(["online-deployment", "get-logs", "-n", "blue", "-e", "shop"]) == 0
    assert own in capsys.readouterr().out


def test_whoever_has_the_port_of_a_dead_gateway_is_not_sent_a_key(box):
    box.start("blue")
    port = box.port()
    box.kill(box.gateway_pid())
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        stranger.settimeout(0.5)
        heard: list[object] = []
        thread = threading.Thread(target=lambda: heard.append(_accepted(stranger)))
        thread.start()
        with pytest.raises(SandboxError, match="the gateway is off") as caught:
            box.api.online_endpoints.invoke("shop", b"{}")
        thread.join()
    assert caught.value.code == "E065"
    assert heard == [None]


def _accepted(listener: socket.socket) -> object:
    try:
        return listener.accept()
    except TimeoutError:
        return None


def test_down_ends_what_runs_for_an_endpoint_whose_file_was_removed(box, capsys, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(box.home))
    box.start("blue")
    [pid] = box.pids()
    os.unlink(box.home / "endpoints" / "shop" / "state.json")
    assert main(["down", "--all", "--yes"]) == 0
    assert "There is no endpoint." in capsys.readouterr().err
    until(lambda: not box.left())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
