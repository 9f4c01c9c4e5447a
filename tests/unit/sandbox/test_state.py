"""The desired state on disk: what is written is what is read, whole, one after the other."""

import json
import multiprocessing
import os
import stat
import tempfile
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import files
from sandbox.home import Home
from sandbox.model.asset import Model
from sandbox.model.collector import Collection, DataCollector
from sandbox.model.deployment import CodeConfiguration, KubernetesDeployment, ManagedDeployment
from sandbox.model.endpoint import Endpoint, Identity, UserIdentity
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.model.errors import SandboxError
from sandbox.model.reference import AssetReference
from sandbox.model.serving import Probe, ResourceAmounts, Resources
from sandbox.model.state import DeploymentState, EndpointState, Failure, Operation, Revision
from sandbox.store import codec
from sandbox.store.endpoints import Endpoints

ROUTE = Route(8080, "/live")
TEXTS = st.text(max_size=8)
ENVIRONMENTS = st.one_of(
    st.none(),
    st.just(AssetReference("azureml:x@latest", "x", label="latest")),
    st.builds(Environment, image=TEXTS, conda=st.dictionaries(TEXTS, st.lists(TEXTS))),
    st.just(Environment(build=Build("/ctx"), inference_config=InferenceConfig(ROUTE, ROUTE, ROUTE))),
)
MODELS = st.one_of(
    st.none(), st.just(AssetReference("azureml:m:1", "m", "1")), st.builds(Model, name=TEXTS, path=TEXTS)
)
COMMON = {
    "name": st.just("blue"),
    "endpoint_name": st.just("shop"),
    "model": MODELS,
    "environment": ENVIRONMENTS,
    "environment_variables": st.dictionaries(TEXTS, st.none() | TEXTS),
    "code_configuration": st.none() | st.just(CodeConfiguration("/code", "score.py")),
    "tags": st.dictionaries(TEXTS, TEXTS | st.integers() | st.just({"is": "Endpoint"})),
    "startup_probe": st.none() | st.just(Probe(1, 2, 3)),
    "data_collector": st.none() | st.just(DataCollector({"model_inputs": Collection(enabled=True)})),
}
DEPLOYMENTS = st.one_of(
    st.builds(ManagedDeployment, **COMMON, private_network_connection=st.none() | st.booleans()),
    st.builds(KubernetesDeployment, **COMMON, resources=st.just(Resources(limits=ResourceAmounts("1", "2Gi")))),
)
STATES = st.builds(
    DeploymentState,
    wanted=DEPLOYMENTS,
    served=st.none() | DEPLOYMENTS,
    serving=st.none() | st.just(Revision("1", "d", "c", "/python", ("/a", "/b"), variables={"A": "b"})),
    failure=st.none() | st.just(Failure("E054", "what", log=("one", "two"))),
    operation=st.none() | st.just(Operation("1", "create", "1:2", "now")),
)


@given(STATES, st.dictionaries(st.sampled_from(["blue", "green"]), st.integers(0, 100)))
def test_what_is_written_is_what_is_read(deployment, traffic):
    identity = Identity("user_assigned", (UserIdentity("/subscriptions/x"),))
    state = EndpointState(
        Endpoint("shop", traffic=traffic, identity=identity), 8100, deployments={"blue": deployment}, generation=3
    )
    assert codec.decode(EndpointState, json.loads(json.dumps(codec.encode(state)))) == state


def test_keys_of_a_newer_program_are_left_out_and_missing_ones_get_their_defaults():
    said = codec.encode(EndpointState(Endpoint("shop"), 8100)) | {"colour": "green"}
    del said["endpoint"]["is"]
    assert codec.decode(EndpointState, said) == EndpointState(Endpoint("shop"), 8100)


@pytest.mark.parametrize("said", [None, [], "x", {}, {"endpoint": 3, "port": 1}, {"is": "Model"}])
def test_something_else_is_a_value_error(said):
    with pytest.raises(ValueError, match="not a EndpointState"):
        codec.decode(EndpointState, said)


def test_a_state_is_kept_found_and_removed(tmp_path):
    store = Endpoints(Home(str(tmp_path / "home")).make())
    assert store.names() == []
    assert store.find("shop") is None
    with store.alone("shop"):
        first = store.write(EndpointState(Endpoint("shop"), 8100))
        second = store.write(first)
    assert (first.generation, second.generation) == (1, 2)
    assert second.created == first.created
    assert store.find("SHOP") == second
    assert store.all() == [second]
    with store.alone("shop"):
        store.remove("shop")
    assert store.names() == []
    assert os.listdir(tmp_path / "home" / "endpoints") == []


def test_a_damaged_file_is_named_and_nothing_is_lost(tmp_path):
    home = Home(str(tmp_path)).make()
    path = tmp_path / "endpoints" / "shop" / "state.json"
    path.parent.mkdir(parents=True)
    for text in ("{", "[]", '{"port": 1}'):
        path.write_text(text)
        with pytest.raises(SandboxError, match="damaged") as caught:
            Endpoints(home).find("shop")
        assert caught.value.code == "E004"
        assert path.read_text() == text


def test_files_are_private_and_half_written_ones_are_never_seen(tmp_path, monkeypatch):
    path = str(tmp_path / "below" / "file")
    files.write(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        files.write(path, b"new")
    with open(path, "rb") as file:
        assert file.read() == b"old"
    assert os.listdir(tmp_path / "below") == ["file"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "below").st_mode) == 0o700


def _count(root: str, times: int) -> None:
    store = Endpoints(Home(root))
    for _ in range(times):
        with store.alone("shop"):
            state = store.find("shop")
            assert state is not None
            store.write(state)


def test_commands_take_turns(tmp_path):
    store = Endpoints(Home(str(tmp_path)).make())
    with store.alone("shop"):
        store.write(EndpointState(Endpoint("shop"), 8100))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count, args=(str(tmp_path), 25)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    found = store.find("shop")
    assert found is not None
    assert found.generation == 76


def test_a_lock_that_stays_says_who_is_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOCK_S", 0.05)
    path = str(tmp_path / "lock")
    with (
        files.alone(path, "endpoint shop"),
        pytest.raises(SandboxError, match="endpoint shop") as caught,
        files.alone(path, "endpoint shop"),
    ):
        pass
    assert caught.value.code == "E005"
    with files.try_lock(path) as first, files.try_lock(path) as second:
        assert (first, second) == (True, False)


def test_the_journal_outlives_the_endpoint_and_stays_small(tmp_path, monkeypatch):
    from sandbox.store import endpoints

    store = Endpoints(Home(str(tmp_path)))
    monkeypatch.setattr(endpoints, "JOURNAL_LARGEST", 2000)
    for number in range(60):
        store.note("shop", "update", f"{number}")
    store.remove("shop")
    store.retire("shop")
    texts = [int(line["text"]) for line in store.journal("shop")]
    assert texts == list(range(60 - len(texts), 60))
    assert 5 < len(texts) < 60
    assert os.listdir(tmp_path / "journal") == ["_gone.jsonl"], "one file for all that are gone, and no larger than one"
    assert store.journal("bank") == []
    store.note("bank", "create", "new")
    assert [line["endpoint"] for line in store.journals()][-2:] == ["shop", "bank"]


def test_a_journal_that_is_shortened_loses_nothing_that_is_written_meanwhile(tmp_path, monkeypatch):
    from sandbox.store import endpoints

    monkeypatch.setattr(endpoints, "JOURNAL_LARGEST", 4000)

    def write(who):
        for number in range(60):
            Endpoints(Home(str(tmp_path))).note("shop", who, f"{number}")

    writers = [threading.Thread(target=write, args=(who,)) for who in "abcd"]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    found = Endpoints(Home(str(tmp_path))).journal("shop")
    for who in {line["verb"] for line in found}:
        texts = [int(line["text"]) for line in found if line["verb"] == who]
        assert texts == list(range(60 - len(texts), 60)), who
    assert os.listdir(tmp_path / "journal") == ["shop.jsonl"]


def test_a_lock_that_is_removed_by_its_holder_still_keeps_everybody_out(tmp_path):
    path, inside, most = str(tmp_path / "a.lock"), [], []

    def hold():
        for _ in range(40):
            with files.alone(path, "it"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()
                os.unlink(path)

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(most), max(most)) == (160, 1)


def test_locks_of_endpoints_that_are_not_there_do_not_stay(tmp_path):
    store = Endpoints(Home(str(tmp_path)))
    with store.alone("shop"):
        assert (tmp_path / "locks" / "shop.lock").exists()
    assert os.listdir(tmp_path / "locks") == []
    with store.alone("shop"):
        store.write(EndpointState(Endpoint("shop"), 8100))
    assert os.listdir(tmp_path / "locks") == ["shop.lock"]


def test_drafts_of_a_command_that_was_killed_go_with_the_next_change(tmp_path):
    store = Endpoints(Home(str(tmp_path)))
    store.write(EndpointState(Endpoint("shop"), 8100))
    (tmp_path / "endpoints" / "shop" / "state.json.0123abcd.draft").write_text("half")
    store.write(EndpointState(Endpoint("shop"), 8100))
    assert os.listdir(tmp_path / "endpoints" / "shop") == ["state.json"]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"SANDBOX_HOME": "/x/y"}, "/x/y"),
        ({"SANDBOX_HOME": "", "XDG_STATE_HOME": "/state"}, "/state/endpoint-sandbox"),
    ],
)
def test_the_home_is_where_the_variable_says(environ, wanted):
    assert Home.find(environ).root == wanted


def test_the_home_is_private_and_its_gateway_has_a_short_path(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    home = Home(str(folder)).make()
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert home.gateway == str(folder / "gateway")
    long = Home(str(tmp_path / ("x" * 120)))
    assert len(long.gateway) <= 90
    assert long.gateway != Home(str(tmp_path / ("y" * 120))).gateway


def test_the_gateway_is_found_again_by_whoever_has_another_folder_for_temporary_files(tmp_path, monkeypatch):
    long = Home(str(tmp_path / ("x" * 120)))
    before = long.gateway
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert long.gateway == before


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="cannot be used") as caught:
        Home(str(tmp_path / "file" / "home")).make()
    assert caught.value.code == "E003"
    assert "SANDBOX_HOME" in caught.value.fix
