"""One server for all tests of a module: what an example did to it, the next ones would notice."""

from collections.abc import Iterator

import pytest

from tests.conformance.launch import Server
from tests.fuzz.watchful import shows_nothing, start


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The module's SCRIPT, served with its FLAGS; at the end its log is searched and its exit code looked at."""
    made = start(tmp_path_factory.mktemp("fuzz"), request.module.SCRIPT, *request.module.FLAGS)
    pids = made.stdout().count("ready for serving traffic")
    yield made
    code = made.stop()
    shows_nothing(made.stdout())
    shows_nothing(made.stderr())
    assert code == 0
    if not getattr(request.module, "RELOADS", False):
        assert made.stdout().count("ready for serving traffic") == pids, "a worker died and was replaced"
