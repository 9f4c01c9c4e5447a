"""What is wrong with one endpoint is its own trouble: the others are changed, brought up and taken down as ever."""

import contextlib
import errno
import json
import os
import shutil
import socket
import sys

import pytest

from sandbox import files
from sandbox.gateway.folder import Folder
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import NotFound, SandboxError, UsageError
from sandbox.ops import endpoint_keys
from sandbox.store import keys
from tests.support.boxes import box_in, until
from tests.support.gateways import ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


@pytest.fixture
def two(box):
    """The endpoint ``shop``, and beside it ``bank``, both with a deployment that answers."""
    box.start("blue")
    box.api.online_endpoints.create(box.endpoint("bank"))
    box.api.online_deployments.create(box.deployment("gold", endpoint="bank"))
    box.api.online_endpoints.update(name="bank", traffic={"gold": 100})
    return box


@contextlib.contextmanager
def damaged(path, text):
    """A file that holds something else for a while."""
    whole = path.read_text()
    path.write_text(text)
    yield
    assert path.read_text() == text, "nobody has touched it"
    path.write_text(whole)


def changes_to_the_shop_go_on(box):
    box.api.online_deployments.create(box.deployment("green"))
    box.api.online_endpoints.update(name="shop", traffic={"blue": 0, "green": 100})
    assert box.who() == "green"
    box.api.up([str(box.folder / "blue.yml")])
    box.api.online_endpoints.update(name="shop", traffic={"blue": 100, "green": 0})
    box.api.online_deployments.delete("green", "shop")
    assert box.who() == "blue"
    box.api.online_endpoints.create(box.endpoint("third"))
    box.api.down(["third"])


TRUNCATED = '{"is": "EndpointState", "endp'
MISFITS = [
    TRUNCATED,
    "[]",
    json.dumps({"is": "EndpointState", "endpoint": {"is": "ManagedEndpoint", "name": "bank"}, "port": "many"}),
]


@pytest.mark.parametrize("text", MISFITS)
def test_a_damaged_state_is_told_and_leaves_the_rest_and_what_runs_alone(two, text):
    path = two.home / "endpoints" / "bank" / "state.json"
    port, key, pids = two.port("bank"), two.key("bank"), [one.pid for one in two.instances(endpoint="bank")]
    with damaged(path, text):
        changes_to_the_shop_go_on(two)
        healed = two.api.heal()
        assert healed.troubles["bank"].code == "E004"
        assert [one.pid for one in two.instances(endpoint="bank")] == pids
        assert two.who() == "blue"
        assert ask(port, key=key, body=b"{}").status == 200, "it goes on as it was published last"
        status = two.api.status()
        assert [each.name for each in status.endpoints] == ["shop"]
        said = status.troubles["bank"]
        assert (said.code, str(path) in said.what, "sandbox down bank" in said.fix) == ("E004", True, True)
        assert [each.name for each in two.api.online_endpoints.list()] == ["shop"]
        with pytest.raises(SandboxError, match="E004"):
            two.api.online_endpoints.update(name="bank", traffic={})
        with pytest.raises(SandboxError, match="E004"):
            two.api.up()
        with pytest.raises(SandboxError, match="E004"):
            two.api.prune()
        os.kill(two.gateway_pid(), 9)
        until(lambda: two.api.context().gateway.running() is None)
        two.api.heal()
        assert ask(port, key=key, body=b"{}").status == 200, "also by a gateway that is started anew"
    assert two.api.status().troubles == {}
    two.consistent()


def test_an_endpoint_whose_state_is_damaged_can_be_deleted(two):
    (two.home / "endpoints" / "bank" / "state.json").write_text(TRUNCATED)
    two.api.down(["bank"])
    assert two.instances(endpoint="bank") == []
    assert not (two.home / "endpoints" / "bank").exists()
    with pytest.raises(SandboxError, match="E096"):
        keys.read(two.api.home, "bank")
    with pytest.raises(NotFound):
        two.api.down(["bank"])
    two.consistent()


def test_damaged_keys_are_told_and_leave_the_rest_alone(two):
    path = two.home / "secrets" / "keys" / "bank.json"
    port, key = two.port("bank"), two.key("bank")
    with damaged(path, "{"):
        changes_to_the_shop_go_on(two)
        assert ask(port, key=key, body=b"{}").status == 200
        said = two.api.status().troubles["bank"]
        assert (said.code, str(path) in said.what, "regenerate-keys" in said.fix) == ("E004", True, True)
        with pytest.raises(SandboxError, match="E004"):
            two.api.online_endpoints.update(name="bank", traffic={"gold": 0})
    two.consistent()
    path.unlink()
    assert two.api.status().troubles["bank"].code == "E096"
    changes_to_the_shop_go_on(two)
    two.api.online_endpoints.regenerate_keys("bank")
    assert ask(port, key=key, body=b"{}").status == 401
    two.consistent()


def test_the_folder_of_an_endpoint_that_was_copied_is_told_and_stops_nobody(two):
    shutil.copytree(two.home / "endpoints" / "bank", two.home / "endpoints" / "copy")
    changes_to_the_shop_go_on(two)
    assert "describes endpoint 'bank'" in two.api.status().troubles["copy"].why
    shutil.rmtree(two.home / "endpoints" / "copy")
    two.consistent()


def test_of_two_endpoints_with_one_port_the_older_one_keeps_it(two):
    path = two.home / "endpoints" / "bank" / "state.json"
    whole, port = path.read_text(), two.port("bank")
    path.write_text(whole.replace(str(port), str(two.port())))
    changes_to_the_shop_go_on(two)
    assert two.api.heal().troubles["bank"].code == "E058"
    with pytest.raises(SandboxError, match="E058"):
        two.api.online_endpoints.update(name="bank", traffic={"gold": 0})
    path.write_text(whole)
    two.api.heal()
    two.consistent()


@pytest.mark.parametrize("running", [True, False])
def test_a_port_that_a_stranger_has_taken_stops_only_its_endpoint(two, running):
    port = two.port("bank")
    two.kill(two.gateway_pid())
    with socket.create_server(("127.0.0.1", port)):
        if running:
            two.api.heal()
        changes_to_the_shop_go_on(two)
        status = two.api.status()
        said = status.troubles["bank"]
        assert (said.code, str(port) in said.what, f"process {os.getpid()}" in said.why) == ("E058", True, True)
        assert {each.name for each in status.endpoints} == {"bank", "shop"}
        assert set(two.api.heal().troubles) == {"bank"}
        with pytest.raises(SandboxError, match="E058"):
            two.api.online_endpoints.update(name="bank", traffic={"gold": 0})
        with pytest.raises(SandboxError, match="E058"):
            two.api.up()
        two.api.up([two.endpoint("shop"), str(two.folder / "blue.yml")])
    two.api.heal()
    assert two.api.status().troubles == {}
    two.consistent()


def test_an_endpoint_whose_port_a_stranger_has_taken_can_be_deleted(two):
    two.kill(two.gateway_pid())
    with socket.create_server(("127.0.0.1", two.port("bank"))):
        two.api.down(["bank"])
    two.consistent()


# --- Disks that are full, commands that are killed or refused --------------------------------------------------------


@contextlib.contextmanager
def full(monkeypatch, freed):
    """A disk that takes nothing until the folder ``freed`` is gone."""

    def until_freed(real):
        def write(*arguments, **more):
            if freed.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere")
            return real(*arguments, **more)

        return write

    with monkeypatch.context() as patch:
        for owner, name in ((files, "write"), (Folder, "write")):
            patch.setattr(owner, name, until_freed(getattr(owner, name)))
        yield


def test_what_takes_room_on_a_full_disk_can_be_deleted(two, monkeypatch):
    two.api.online_deployments.create(two.deployment("green"))
    with full(monkeypatch, two.home / "instances" / "shop" / "green"):
        with pytest.raises(OSError, match="No space left"):
            two.api.online_endpoints.update(name="shop", traffic={"blue": 0})
        two.api.online_deployments.delete("green", "shop")
    assert two.ask("green").status == 404
    two.consistent()
    with full(monkeypatch, two.home / "instances" / "bank"):
        two.api.down(["bank"])
    assert [each.name for each in two.api.online_endpoints.list()] == ["shop"]
    two.consistent()
    with full(monkeypatch, two.home / "instances" / "shop"):
        two.api.down()
    assert two.api.context().gateway.running() is None


def test_deletion_leaves_no_file_of_its_endpoint(two):
    two.api.down(["bank"])
    assert [str(path) for path in two.home.rglob("*") if "bank" in path.name] == []


def test_keys_and_journals_of_a_command_that_was_killed_go_with_the_next_who_heals(two):
    keys.make(two.api.home, "ghost")  # ``create`` was killed before it wrote the endpoint down
    context = two.api.context()
    context.store.note("ghost", "create", "begun")
    (two.home / "locks" / "ghost.lock").touch()
    two.api.heal()
    assert [str(path) for path in two.home.rglob("*") if "ghost" in path.name] == []
    assert [note["text"] for note in context.store.journal("ghost")] == ["begun"]
    two.consistent()


def test_an_endpoint_that_cannot_be_written_down_leaves_no_keys(box, monkeypatch):
    box.start("blue")
    with full(monkeypatch, box.home / "endpoints" / "shop"), pytest.raises(OSError, match="No space left"):
        box.api.online_endpoints.create(box.endpoint("bank"))
    box.api.heal()
    assert [str(path) for path in box.home.rglob("*") if "bank" in path.name] == []


def test_a_key_that_the_gateway_could_not_be_told_is_not_kept(two, monkeypatch):
    before = two.api.online_endpoints.credentials("bank")

    def refuse(*_):
        raise SandboxError("E059", "the gateway is busy")

    with monkeypatch.context() as patch:
        patch.setattr(endpoint_keys, "publish", refuse)
        with pytest.raises(SandboxError, match="E059"):
            two.api.online_endpoints.regenerate_keys("bank", "secondary")
    assert two.api.online_endpoints.credentials("bank") == before
    assert ask(two.port("bank"), key=before["secondaryKey"], body=b"{}").status == 200


@pytest.mark.parametrize("kind", ["text/plain\nx-other: 1", "text/plain\r\n", "", " ", "text/\u00fc"])
def test_a_content_type_that_cannot_be_sent_is_refused(box, kind):
    box.start("blue")
    with pytest.raises(UsageError, match="E010"):
        box.api.online_endpoints.invoke("shop", b"{}", content_type=kind)
    assert box.api.online_endpoints.invoke("shop", b"1", content_type="application/json; charset=utf-8").status == 200


def test_who_names_what_is_not_there_is_told_what_there_is(box):
    with pytest.raises(NotFound, match="E050") as nothing:
        box.api.down(["shop"])
    assert nothing.value.fix.startswith("sandbox init")
    box.start("blue")
    with pytest.raises(NotFound, match="E050") as caught:
        box.api.down(["shoop"])
    assert (caught.value.why, caught.value.fix.startswith("name one that there is")) == ("there is shop", True)


def test_up_of_a_folder_without_files_names_the_folders_below_that_have_some(box):
    box.endpoint()
    (box.folder / "empty").mkdir()
    with pytest.raises(SandboxError, match="E067") as caught:
        box.api.up([str(box.folder.parent)])
    assert str(box.folder) in caught.value.fix.split()
    with pytest.raises(SandboxError, match="E067") as caught:
        box.api.up([str(box.folder / "empty")])
    assert caught.value.fix == f"sandbox init {box.folder / 'empty'}"


def test_a_name_that_cannot_be_is_told_with_one_that_can(box):
    with pytest.raises(SandboxError, match="E038") as caught:
        box.api.online_endpoints.create(Endpoint(""))
    assert "my-name" in str(caught.value.fix or caught.value.problems[0].fix)
