"""Scripts with odd shapes, loaded one after the other into a running server (SIGHUP): served or refused, no crash."""

import os
import re
import signal
import time

import pytest
from hypothesis import example, given, settings

from tests.conformance import wire
from tests.conformance.launch import Server
from tests.fuzz import odd_scripts
from tests.fuzz.watchful import HEALTH, SOON_S, shows_nothing

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(300)]
SCRIPT = "def init(): pass\ndef run(data): return data\n"
FLAGS = ("--errors", "detailed")
RELOADS = True
WANTED = os.environ.get("FUZZ_EXAMPLES")
BOUNDED = settings(
    max_examples=int(WANTED or 60), derandomize=WANTED is None, database=None, deadline=None, print_blob=False
)
# What ends the loading of a script: it serves, or an error says why not.
DECIDED = re.compile(r"worker \d+ serves version|^\S+ \S+ E \[\d+\] azmlinfsrv - ", re.MULTILINE)
REQUESTS = (
    wire.build("POST", "/score", [("Content-Type", "application/json")], b'{"data": 1, "a": {"k": 2}}'),
    wire.build("POST", "/score", body=b"text"),
    wire.build("GET", "/score?data=1&b=x"),
    wire.build("OPTIONS", "/score"),
    wire.build("GET", "/swagger.json"),
    wire.build("GET", "/swagger.json?version=3.1"),
    HEALTH,
)


def load(server: Server, source: bytes) -> str:
    """Let the server load ``source``; returns what it logged until it was decided."""
    before = len(server.stdout())
    (server.root / "score.py").write_bytes(source)
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        said = server.stdout()[before:]
        if DECIDED.search(said):
            return said
        time.sleep(0.01)
    raise AssertionError(f"not decided in 20 s: {server.stdout()[before:]}\n{server.stderr()[-3000:]}")


def test_any_script_is_served_or_refused(server: Server) -> None:
    @BOUNDED
    @given(odd_scripts.files)
    @example(b"def init(): pass\ndef run(data): return data\n")
    def decided(source: bytes) -> None:
        shows_nothing(load(server, source))
        assert server.process.poll() is None, "the server ended"
        for request in REQUESTS:
            answer = wire.ask(server.port, request, SOON_S)
            shows_nothing(answer.body.decode("utf-8", "replace"))
        assert answer.status == 200

    decided()
    shows_nothing(server.stdout())
