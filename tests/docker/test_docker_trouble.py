"""What is shown and done while the engine does not answer, and what is left of homes that are gone."""

import shutil

import pytest

from sandbox.model.errors import SandboxError
from tests.support.commands import Commands

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_while_the_engine_is_down_everything_else_is_shown_and_works(box, monkeypatch):
    box.start("blue")
    box.api.online_endpoints.create(box.endpoint("other"))
    monkeypatch.setenv("SANDBOX_BACKEND", "process")
    box.api.online_deployments.create(box.deployment("green", endpoint="other"), all_traffic=True)
    with monkeypatch.context() as away:
        away.setenv("DOCKER_HOST", f"unix://{box.folder}/no.sock")
        status = box.api.status()
        assert status.troubles["shop"].code == "E110"
        assert {each.name: sum(one.running for one in each.deployments) for each in status.endpoints} == {
            "shop": 0,
            "other": 1,
        }
        shown = Commands(box.home, box.folder)("status")
        assert shown.returncode == 0, shown.stderr
        assert "? of 1" in shown.stdout
        assert "1 of 1" in shown.stdout
        assert "[E110] no Docker engine was found" in shown.stdout
        assert "missing" not in shown.stdout
        box.api.online_deployments.update(box.deployment("green", endpoint="other", who="newer"))
        assert box.ask(endpoint="other").json()[0] == "newer"
        (pid,) = [one.pid for one in box.api.context().backend.process.instances("other")]
        box.kill(pid)
        healed = box.api.heal()
        assert (healed.failed, healed.troubles["shop"].code) == ((), "E110")
        assert box.ask(endpoint="other").json()[0] == "newer"
        assert box.who("blue") == "blue", "its container runs on, behind the gateway that knows it"
        with pytest.raises(SandboxError, match="E110"):
            box.api.online_deployments.update(box.deployment("blue", who="newer"))
    box.api.heal()
    assert box.who("blue") == "blue"


def test_containers_of_a_folder_that_was_removed_are_found_and_removed(here, tmp_path, engine):
    from sandbox.backend.docker import left as docker_left
    from sandbox.image import address

    where = address.find().url
    instance = here.start(here.script("def init(): pass\ndef run(data): return 1"), wait=False)
    other = Commands(tmp_path / "another", here.folder)
    assert instance.id not in {one.id for one in docker_left.find(engine, where)}
    shutil.move(here.folder / "home", here.folder / "away")
    try:
        (found,) = [one for one in docker_left.find(engine, where) if one.id == instance.id]
        assert (found.what, found.home) == ("shop/blue/0", str(here.folder / "home"))
        assert docker_left.find(engine, "ssh://elsewhere") == [], "another machine's folders are not seen from here"
        doctor = other("doctor")
        assert "container" in doctor.stdout
        assert "sandbox prune removes them" in doctor.stdout
        assert instance.id[:12] in other("prune", "--dry-run").stderr
        assert other("prune", "--yes").returncode == 0
        assert docker_left.find(engine, where) == []
        assert engine.networks(filters={"label": f"endpoint-sandbox.root={here.folder / 'home'}"}) == []
    finally:
        shutil.move(here.folder / "away", here.folder / "home")
