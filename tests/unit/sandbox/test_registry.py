"""The registry: versions that never change, labels, archives, files that stay what they were."""

import datetime as dt
import json
import multiprocessing
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.environment import materials
from sandbox.home import Home
from sandbox.model import reference
from sandbox.model.asset import Model, TemplateReference
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.model.errors import NotFound, SandboxError
from sandbox.store import registry, registry_files

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "work" / "iris"
    (made / "deep").mkdir(parents=True)
    (made / "a.pkl").write_bytes(b"a" * 1000)
    (made / "deep" / "b.txt").write_text("b")
    return made


def model(folder, name="iris", version=None, **more):
    return Model(name=name, version=version, path=str(folder), **more)


def add(home, folder, *versions, **more):
    return [registry.register(home, "model", model(folder, version=version, **more)) for version in versions]


def named(home, text, kind="model"):
    return registry.resolve(home, reference.parse(text, kind), kind)


# --- Registering -----------------------------------------------------------------------------------------------------


def test_a_model_is_copied_and_keeps_its_own_folders_name(home, folder):
    made = registry.register(home, "model", model(folder))
    (folder / "a.pkl").write_bytes(b"changed")
    found = named(home, "azureml:iris:1")
    assert found == made.value
    assert (found.name, found.version) == ("iris", "1")
    assert os.path.basename(found.path) == "iris"
    assert found.path.startswith(home.registry)
    assert Path(found.path, "a.pkl").read_bytes() == b"a" * 1000
    assert Path(found.path, "deep", "b.txt").read_text() == "b"


def test_a_single_file_keeps_its_name(home, folder):
    made = registry.register(home, "model", model(folder / "a.pkl"))
    assert os.path.basename(made.value.path) == "a.pkl"
    assert Path(made.value.path).read_bytes() == b"a" * 1000


def test_versions_count_up_from_the_largest_number(home, folder):
    made = add(home, folder, None, None, "7", "beta", None)
    assert [each.version for each in made] == ["1", "2", "7", "beta", "8"]
    assert len({each.value.path for each in made}) == 1, "the same content lies there once"


def test_the_same_again_is_no_change_and_another_content_is_refused(home, folder):
    first = registry.register(home, "model", model(folder, version="1"))
    record = Path(home.registry, "models", "workspace", "iris.json")
    before = record.stat().st_ino
    assert registry.register(home, "model", model(folder, version="1")) == first
    assert record.stat().st_ino == before
    (folder / "a.pkl").write_bytes(b"other")
    with pytest.raises(SandboxError, match="E101") as caught:
        registry.register(home, "model", model(folder, version="1"))
    assert "--version 2" in caught.value.fix
    assert named(home, "azureml:iris:1") == first.value


@pytest.mark.parametrize("change", [{"type": "mlflow_model"}, {"flavors": {"python": {}}}])
def test_what_a_model_is_counts_as_content(home, folder, change):
    add(home, folder, "1")
    with pytest.raises(SandboxError, match="E101"):
        add(home, folder, "1", **change)


def test_the_name_of_the_folder_is_content_too(home, folder):
    add(home, folder, "1")
    folder.rename(folder.parent / "other")
    with pytest.raises(SandboxError, match="E101"):
        add(home, folder.parent / "other", "1")


def test_description_tags_properties_and_stage_can_change(home, folder):
    first = add(home, folder, "1", tags={"a": 1}, description="old")[0]
    second = add(home, folder, "1", tags={"b": 2}, stage="Production", properties={"p": "q"})[0]
    assert (second.value.tags, second.value.description) == ({"b": 2}, "old")
    assert (second.value.stage, second.value.properties) == ("Production", {"p": "q"})
    assert second.created == first.created
    assert second.version_kept.modified > first.version_kept.modified
    assert named(home, "azureml:iris:1") == second.value


@pytest.mark.parametrize(
    ("name", "version"),
    [(None, None), ("", None), ("../x", None), ("a/b", None), (".", "1"), ("iris", "../1"), ("iris", ""), ("a b", "1")],
)
def test_names_and_versions_become_folders_and_are_checked(home, folder, name, version):
    with pytest.raises(SandboxError, match="E100") as caught:
        registry.register(home, "model", model(folder, name, version))
    assert caught.value.exit_code == 2


def test_no_name_leads_out_of_the_registry(home, folder, tmp_path):
    add(home, folder, "1")
    (tmp_path / "out.json").write_text('{"name": "out", "archived": false, "versions": []}')
    before = sorted(tmp_path.rglob("*"))
    for name, scope in (("../../../../out", None), ("iris", "../../.."), ("..", "x/y"), ("/etc/passwd", None)):
        for act in (registry.show, registry.archive, registry.restore, registry.list_all):
            with pytest.raises(NotFound):
                act(home, "model", name, registry=scope)
        with pytest.raises(SandboxError, match="E100"):
            registry.register(home, "model", model(folder, name), registry=scope)
    assert registry.list_all(home, "model", registry="../../..") == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_long_name_is_possible(home, folder):
    name = "n" * 255
    registry.register(home, "model", model(folder, name))
    assert named(home, f"azureml:{name}:1").name == name
    assert [each.name for each in registry.list_all(home, "model")] == [name]


def test_a_model_without_files_is_refused_and_one_at_an_address_kept(home):
    with pytest.raises(SandboxError, match="E100"):
        registry.register(home, "model", Model(name="m"))
    made = registry.register(home, "model", Model(name="m", path="azureml://jobs/j/outputs/o"))
    assert named(home, "azureml:m:1").path == "azureml://jobs/j/outputs/o"
    with pytest.raises(SandboxError, match="E107"):
        registry.download(home, "model", "m", made.version)


def test_a_missing_file_is_named(home, folder):
    with pytest.raises(SandboxError, match="E100") as caught:
        registry.register(home, "model", model(folder / "none"))
    assert str(folder / "none") in caught.value.why


def test_linked_files_stay_where_they_are(home, folder):
    made = registry.register(home, "model", model(folder), link=True)
    assert made.value.path == str(folder)
    assert not Path(home.registry, "content").exists() or not list(Path(home.registry, "content").rglob("a.pkl"))
    assert registry.register(home, "model", model(folder, version="1", tags={"a": 1})).value.path == str(folder)
    (folder / "a.pkl").write_bytes(b"changed")
    with pytest.raises(SandboxError, match="E101"):
        registry.register(home, "model", model(folder, version="1"))


def test_a_copy_from_elsewhere_takes_the_place_of_a_link(home, folder, tmp_path):
    registry.register(home, "model", model(folder), link=True)
    shutil.copytree(folder, tmp_path / "iris")
    made = registry.register(home, "model", model(tmp_path / "iris", version="1"))
    assert made.value.path.startswith(home.registry)


def test_what_show_prints_can_be_said_again_without_reading_the_files(home, folder):
    made = registry.register(home, "model", model(folder))
    Path(made.value.path, "a.pkl").unlink()
    again = registry.register(home, "model", replace(made.value, description="d"))
    assert (again.value.description, again.value.path) == ("d", made.value.path)
    assert registry.register(home, "model", replace(made.value, version=None)).version == "2"


def test_what_is_not_said_stays_or_goes(home, folder):
    add(home, folder, "1", tags={"a": 1}, description="d", stage="s")
    value = model(folder, version="1", description="e")
    kept = registry.register(home, "model", value).value
    assert (kept.tags, kept.description, kept.stage) == ({"a": 1}, "e", "s")
    kept = registry.register(home, "model", value, whole=True).value
    assert (kept.tags, kept.description, kept.stage) == ({}, "e", None)


def test_copies_that_no_version_names_are_swept_once_a_day(home, folder):
    add(home, folder, "1")
    store = Path(home.registry, "content")
    kept = {path.name for path in store.iterdir()}
    (folder / "a.pkl").write_bytes(b"never registered")
    left = registry_files.keep(home, str(folder), "x", link=False, report=print)
    (folder / "a.pkl").write_bytes(b"a" * 1000)
    (store / ".draft-0badcafe").mkdir()
    long_ago = time.time() - 3 * 86400
    for path in (*store.glob("*.json"), store / ".draft-0badcafe"):
        os.utime(path, (long_ago, long_ago))
    add(home, folder, "2")
    assert Path(left.path).exists(), "swept today already"
    os.utime(Path(home.registry, "swept"), (long_ago, long_ago))
    add(home, folder, "3")
    assert not (store / ".draft-0badcafe").exists()
    assert not Path(left.path).exists()
    assert {path.name for path in store.iterdir()} == kept
    for each in registry.list_all(home, "model", "iris"):
        assert Path(each.value.path, "a.pkl").exists()


def test_files_that_are_gone_are_told_and_taken_back(home, folder, tmp_path):
    registry.register(home, "model", model(folder), link=True)
    folder.rename(tmp_path / "iris")
    with pytest.raises(SandboxError, match="E102") as caught:
        named(home, "azureml:iris:1")
    assert "--name iris --version 1" in caught.value.fix
    registry.register(home, "model", model(tmp_path / "iris", version="1"), link=True)
    assert named(home, "azureml:iris:1").path == str(tmp_path / "iris")


def test_everything_about_a_model_is_kept(home, folder):
    value = model(
        folder,
        version="1",
        type="mlflow_model",
        description="d",
        tags={"a": 1, "b": None},
        properties={"p": [1, {"q": 2.5}]},
        flavors={"sklearn": {"x": "y"}},
        stage="s",
        datastore="d",
        system_metadata={"k": True},
        default_deployment_template=TemplateReference("t"),
        allowed_deployment_templates=(TemplateReference("u"), TemplateReference()),
    )
    made = registry.register(home, "model", value)
    assert replace(named(home, "azureml:iris:1"), path=value.path) == value
    assert made.value == named(home, "azureml:iris:1")


def test_dates_of_yaml_become_text(home, folder):
    first = add(home, folder, "1", tags={"day": dt.date(2026, 1, 2)})
    assert named(home, "azureml:iris:1").tags == {"day": "2026-01-02"}
    assert add(home, folder, "1", tags={"day": dt.date(2026, 1, 2)}) == first


def test_an_environment_keeps_conda_routes_and_build_folder(home, tmp_path):
    route = Route(80, "/")
    conda = {"dependencies": ["python=3.10", {"pip": ["numpy"]}]}
    value = Environment("e", image="i", conda=conda, conda_file=str(tmp_path / "gone.yml"), tags={"a": 1})
    value = replace(value, inference_config=InferenceConfig(route, route, route))
    registry.register(home, "environment", value)
    assert named(home, "azureml:e@latest", "environment") == replace(value, version="1", conda_file=None)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM x")
    build = Environment("e", build=Build(str(tmp_path / "context")), version="2")
    made = registry.register(home, "environment", build)
    assert Path(made.value.build.path, "Dockerfile").read_text() == "FROM x"
    for change in (replace(value, version="1", image="j"), replace(build, build=Build(build.build.path, "Other"))):
        with pytest.raises(SandboxError, match="E101"):
            registry.register(home, "environment", change)


def test_a_deployment_of_a_registered_model_takes_no_space(home, folder, tmp_path):
    made = registry.register(home, "model", model(folder))
    shop = ManagedDeployment(name="blue", endpoint_name="shop", model=made.value, instance_type="x")
    laid = materials.lay_out(home, shop, str(tmp_path / "set"), link_code=False, report=print)
    file = Path(laid.model_dir, "iris", "a.pkl")
    assert file.samefile(Path(made.value.path, "a.pkl"))
    assert file.read_bytes() == b"a" * 1000


# --- Finding ---------------------------------------------------------------------------------------------------------


def test_references_of_every_form_find_it(home, folder):
    add(home, folder, "1", "2")
    identity = registry.show(home, "model", "iris", "1").id
    for text, version in [
        ("azureml:iris:1", "1"),
        ("azureml:IRIS:1", "1"),
        ("azureml:iris@latest", "2"),
        ("azureml:iris", "2"),
        (f"azureml:{identity}", "1"),
        ("azureml://registries/r/models/iris/versions/1", "1"),
        ("azureml://registries/r/models/iris/labels/latest", "2"),
    ]:
        assert named(home, text).version == version, text


def test_a_registry_comes_before_the_workspace(home, folder):
    add(home, folder, "1")
    (folder / "a.pkl").write_bytes(b"of the registry")
    made = registry.register(home, "model", model(folder, version="1"), registry="HuggingFace")
    assert made.id == "azureml://registries/HuggingFace/models/iris/versions/1"
    assert named(home, made.id) == made.value != named(home, "azureml:iris:1")
    assert named(home, made.id.replace("HuggingFace", "huggingface")) == made.value
    assert registry.show(home, "model", "iris", registry="huggingface").value == made.value
    assert [each.registry for each in registry.list_all(home, "model")] == [None]


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ("azureml:iriss:1", "did you mean iris?", "sandbox model create --name iriss --version 1 --path PATH"),
        ("azureml:iris:9", "the versions 1, 2", "sandbox model create --name iris --version 9 --path PATH"),
        ("azureml:iris@best", "the only label is latest", "sandbox model create --name iris --version 1 --path PATH"),
        ("azureml:zebra", "nothing is fetched from Azure", "sandbox model create --name zebra --version 1 --path PATH"),
        (
            "azureml://registries/azureml/models/gpt/versions/3",
            "nothing is fetched",
            "sandbox model create --name gpt --version 3 --path PATH --registry-name azureml",
        ),
        ("azureml:..:1", "nothing is fetched", "sandbox model create --name .. --version 1 --path PATH"),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(home, folder, text, says, fix):
    add(home, folder, "1", "2")
    with pytest.raises(NotFound, match="E099") as caught:
        named(home, text)
    assert (caught.value.exit_code, caught.value.fix) == (3, fix)
    assert says in caught.value.why


def test_an_environment_is_no_model(home, folder):
    add(home, folder, "1")
    with pytest.raises(NotFound) as caught:
        named(home, "azureml:iris:1", "environment")
    assert caught.value.fix.startswith("sandbox environment create --name iris --version 1 --image")


# --- Listing and archiving -------------------------------------------------------------------------------------------


def listed(home, name=None, archived="active"):
    return [(each.name, each.version) for each in registry.list_all(home, "model", name, archived=archived)]


def test_lists_are_newest_first(home, folder):
    add(home, folder, "2", "1", "10")
    registry.register(home, "model", model(folder, "zebra"))
    assert listed(home, "iris") == [("iris", "10"), ("iris", "1"), ("iris", "2")]
    assert listed(home) == [("zebra", "1"), ("iris", "10")]
    assert [each.latest_version for each in registry.list_all(home, "model")] == ["1", "10"]
    assert registry.list_all(home, "environment") == []
    with pytest.raises(NotFound):
        registry.list_all(home, "model", "nobody")


def test_an_archived_version_is_hidden_and_still_found_by_its_number(home, folder):
    add(home, folder, "1", "2")
    registry.archive(home, "model", "iris", "2")
    assert listed(home, "iris") == [("iris", "1")]
    assert listed(home, "iris", "archived") == [("iris", "2")]
    assert listed(home, "iris", "all") == [("iris", "2"), ("iris", "1")]
    assert named(home, "azureml:iris@latest").version == "1"
    assert named(home, "azureml:iris:2").version == "2"
    assert registry.show(home, "model", "iris", "2").archived
    registry.archive(home, "model", "iris", label="latest")
    with pytest.raises(NotFound) as caught:
        named(home, "azureml:iris")
    assert "all archived" in caught.value.why
    registry.restore(home, "model", "iris", "1")
    assert named(home, "azureml:iris").version == "1"


def test_an_archived_name_takes_all_its_versions_along(home, folder):
    add(home, folder, "1", "2")
    registry.archive(home, "model", "iris")
    assert (listed(home), listed(home, archived="archived")) == ([], [("iris", "2")])
    assert listed(home, "iris", "archived") == [("iris", "2"), ("iris", "1")]
    assert named(home, "azureml:iris:1").version == "1"
    with pytest.raises(NotFound):
        named(home, "azureml:iris@latest")
    registry.restore(home, "model", "iris")
    assert listed(home) == [("iris", "2")]


def test_only_what_is_there_can_be_archived(home, folder):
    add(home, folder, "1")
    for name, version, label in (("nobody", None, None), ("iris", "9", None), ("iris", None, "best")):
        with pytest.raises(NotFound):
            registry.archive(home, "model", name, version, label)


# --- Printing and downloading ----------------------------------------------------------------------------------------


def test_show_prints_what_azure_prints(home, folder):
    made = add(home, folder, "1", tags={"a": 1, "b": True, "c": None}, description="d")[0].as_azure()
    context = made.pop("creation_context")
    assert context["created_at"].endswith("+00:00")
    assert made.pop("path").endswith("/iris")
    identity = made.pop("id")
    assert identity.endswith("/providers/Microsoft.MachineLearningServices/workspaces/sandbox/models/iris/versions/1")
    assert made == {
        "name": "iris",
        "version": "1",
        "description": "d",
        "tags": {"a": "1", "b": "True"},
        "properties": {},
        "type": "custom_model",
    }


def test_show_of_an_environment(home, tmp_path):
    value = Environment("e", "3", image="i", conda={"dependencies": ["pip"]})
    made = registry.register(home, "environment", value).as_azure()
    del made["creation_context"], made["id"]
    assert made == {
        "name": "e",
        "version": "3",
        "tags": {},
        "image": "i",
        "os_type": "linux",
        "conda_file": {"dependencies": ["pip"]},
    }
    assert json.dumps(made)


def test_a_download_lies_below_the_name(home, folder, tmp_path):
    add(home, folder, "1")
    target = tmp_path / "out"
    assert registry.download(home, "model", "iris", "1", str(target)) == str(target / "iris")
    assert (target / "iris" / "iris" / "deep" / "b.txt").read_text() == "b"
    (target / "iris" / "iris" / "a.pkl").write_text("mine")
    registry.download(home, "model", "iris", "1", str(target))
    assert (target / "iris" / "iris" / "a.pkl").read_bytes() == b"a" * 1000
    assert os.access(target / "iris" / "iris" / "a.pkl", os.W_OK)
    assert sorted(path.name for path in (target / "iris" / "iris").iterdir()) == ["a.pkl", "deep"]
    with pytest.raises(NotFound):
        registry.download(home, "model", "iris", "2", str(target))
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="E107"):
        registry.download(home, "model", "iris", "1", str(tmp_path / "file"))


# --- Several at once, and ends at any moment -------------------------------------------------------------------------


def register_many(root, path, times):
    for _ in range(times):
        registry.register(Home(root), "model", model(path))


def test_commands_at_once_get_versions_of_their_own(home, folder):
    workers = [SPAWN.Process(target=register_many, args=(home.root, folder, 5)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    versions = [each.version for each in registry.list_all(home, "model", "iris")]
    assert versions == [str(number) for number in range(15, 0, -1)]


def register_forever(root, path, started):
    registry.register(Home(root), "model", model(path))
    started.set()
    number = 0
    while True:
        number += 1
        Path(path, "a.pkl").write_bytes(os.urandom(300_000))
        registry.register(Home(root), "model", model(path))


@pytest.mark.parametrize("after_ms", [1, 3, 7, 15, 40])
def test_a_kill_at_any_moment_leaves_whole_versions_only(home, folder, after_ms):
    started = SPAWN.Event()
    worker = SPAWN.Process(target=register_forever, args=(home.root, folder, started))
    worker.start()
    assert started.wait(60)
    time.sleep(after_ms / 1000)  # the moment of the kill is what is tested
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    known = registry.list_all(home, "model", "iris")
    assert [each.version for each in known] == [str(number) for number in range(len(known), 0, -1)]
    for each in known:
        kept = each.version_kept.stored
        assert registry_files.keep(home, kept.path, "check", link=True, report=print).digest == kept.digest
    (folder / "a.pkl").write_bytes(b"after")
    assert registry.register(home, "model", model(folder)).version == str(len(known) + 1)
    workspace = Path(home.registry, "models", "workspace")
    assert sorted(path.name for path in workspace.iterdir()) == ["iris.json", "iris.json.lock"]


def test_a_damaged_record_is_named(home, folder):
    add(home, folder, "1")
    record = Path(home.registry, "models", "workspace", "iris.json")
    for text in ("{", "[]", '{"name": "iris", "archived": false, "versions": [{}]}'):
        record.write_text(text)
        with pytest.raises(SandboxError, match="E004") as caught:
            named(home, "azureml:iris:1")
        assert str(record) in caught.value.what


class Life(RuleBasedStateMachine):
    """A registry against a list in memory: versions in order, which of them are archived."""

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.home = Home(self.folder.name)
        self.versions = []
        self.hidden = set()
        self.all_hidden = False

    def teardown(self):
        self.folder.cleanup()

    @rule(version=st.one_of(st.none(), st.sampled_from(["1", "2", "5", "beta"])), image=st.sampled_from("ij"))
    def register(self, version, image):
        known = dict(self.versions)
        value = Environment("e", version, image=image)
        if version in known and known[version] != image:
            with pytest.raises(SandboxError, match="E101"):
                registry.register(self.home, "environment", value)
            return
        made = registry.register(self.home, "environment", value)
        if version not in known:
            numbers = [int(each) for each in known if each.isdecimal()]
            assert made.version == (version or str(max(numbers, default=0) + 1))
            self.versions.append((made.version, image))

    @rule(data=st.data(), archived=st.booleans())
    def archive(self, data, archived):
        if self.versions:
            version = data.draw(st.sampled_from([None, *(each for each, _ in self.versions)]))
            (registry.archive if archived else registry.restore)(self.home, "environment", "e", version)
            if version is None:
                self.all_hidden = archived
            else:
                (self.hidden.add if archived else self.hidden.discard)(version)

    @invariant()
    def agrees(self):
        if not self.versions:
            return
        newest = [version for version, _ in reversed(self.versions)]
        active = [] if self.all_hidden else [version for version in newest if version not in self.hidden]
        for archived, expected in (
            ("all", newest),
            ("active", active),
            ("archived", [version for version in newest if version not in active]),
        ):
            found = registry.list_all(self.home, "environment", "e", archived=archived)
            assert [each.version for each in found] == expected
        for version, image in self.versions:
            assert named(self.home, f"azureml:e:{version}", "environment").image == image
        if active:
            assert named(self.home, "azureml:e@latest", "environment").version == active[0]


Life.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestLife = Life.TestCase
