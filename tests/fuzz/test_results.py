"""Scripts that return and raise the oddest things: each client is answered, the log stays the user's, run() goes on."""

import json
import os

import pytest
from hypothesis import example, given, settings

from tests.conformance import wire
from tests.conformance.launch import Server
from tests.fuzz import odd_results, prelude
from tests.fuzz.watchful import SOON_S, is_well, shows_nothing

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(300)]
SCRIPT = (
    prelude.PRELUDE
    + """
import warnings
def init(): warnings.simplefilter("ignore")  # coroutines are dropped here, and Python names the line that lost them
def run(data):
    if data == "'well'":
        return data
    names = dict(globals())
    exec(data, names)
    return names["outcome"]()
"""
)
FLAGS = ("--errors", "detailed", "--log-level", "INFO")
WANTED = os.environ.get("FUZZ_EXAMPLES")
BOUNDED = settings(
    max_examples=int(WANTED or 300), derandomize=WANTED is None, database=None, deadline=None, print_blob=False
)


def test_any_outcome_is_answered(server: Server) -> None:
    @BOUNDED
    @given(odd_results.outcomes)
    @example("outcome = lambda: 10**5000")
    @example("def outcome():\n    raise BadRepr()")
    def answered(source: str) -> None:
        try:
            answer = wire.ask(
                server.port, wire.build("POST", "/score", body=source.encode("utf-8", "surrogatepass")), SOON_S
            )
        except wire.NoAnswer as problem:
            raise AssertionError(f"no answer for\n{source}") from problem
        assert 200 <= answer.status <= 999, (source, answer)
        text = answer.body.decode("utf-8", "replace")
        shows_nothing(text)
        if answer.header("Content-Type") == "application/json" and answer.complete and answer.framing == "length":
            json.loads(text)
        is_well(server)

    answered()
    shows_nothing(server.stdout())
