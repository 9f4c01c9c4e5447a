import os

import pytest

from sandbox.model.asset import Model
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.environment import Build, Environment
from sandbox.model.reference import AssetReference
from sandbox.spec.fingerprint import ANONYMOUS_ENVIRONMENT, name_assets, name_environment, name_model, of_path


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    (made / "inner").mkdir(parents=True)
    (made / "a.bin").write_bytes(b"a" * 3_000_000)
    (made / "inner" / "b.txt").write_text("b")
    return made


def copy(folder, to):
    os.system(f"cp -r '{folder}' '{to}'")
    return to


def test_the_same_content_elsewhere_has_the_same_name(folder, tmp_path):
    twin = copy(folder, tmp_path / "twin")
    os.utime(twin / "a.bin", (1, 1))
    (twin / "__pycache__").mkdir()
    (twin / "__pycache__" / "x.pyc").write_text("x")
    assert of_path(str(twin)) == of_path(str(folder))
    assert len(of_path(str(folder))) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda made: (made / "a.bin").write_bytes(b"a" * 2_999_999 + b"b"),
        lambda made: (made / "inner" / "b.txt").rename(made / "inner" / "c.txt"),
        lambda made: (made / "new").write_text(""),
        lambda made: (made / "inner" / "b.txt").unlink(),
        lambda made: (made / "inner" / "b.txt").rename(made / "b.txt"),
    ],
)
def test_any_change_of_content_or_names_changes_it(folder, change):
    before = of_path(str(folder))
    change(folder)
    assert of_path(str(folder)) != before


def test_links_are_followed_to_files_and_never_in_circles(folder):
    before = of_path(str(folder))
    (folder / "link").symlink_to(folder / "a.bin")
    (folder / "circle").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "gone")
    assert of_path(str(folder)) != before


def test_a_file_is_named_with_its_name(tmp_path):
    (tmp_path / "a.pkl").write_text("x")
    (tmp_path / "b.pkl").write_text("x")
    assert of_path(str(tmp_path / "a.pkl")) != of_path(str(tmp_path / "b.pkl"))


def test_an_anonymous_model_is_named_by_its_content(folder):
    named = name_model(Model(path=str(folder)))
    assert (named.name, named.version) == (of_path(str(folder)), "1")


def test_a_model_with_a_name_keeps_it_and_a_remote_one_is_not_opened():
    assert name_model(Model(name="m", path="/nowhere")).version is None
    assert len(name_model(Model(path="azureml://datastores/d/paths/p")).name) == 64


def test_an_anonymous_environment_is_named_by_what_builds_it(folder):
    image = name_environment(Environment(image="a"))
    assert (image.name, len(image.version)) == (ANONYMOUS_ENVIRONMENT, 64)
    assert name_environment(Environment(image="a", description="other", tags={"x": "y"})).version == image.version
    others = [
        Environment(image="b"),
        Environment(image="a", conda={"dependencies": ["python"]}),
        Environment(build=Build(str(folder))),
        Environment(build=Build(str(folder), "Other")),
        Environment(build=Build("https://example.org/context.tar")),
        Environment(),
    ]
    assert len({name_environment(each).version for each in [image, *others]} | {image.version}) == 7
    assert name_environment(Environment(name="e", image="a")).version is None


def test_a_deployment_keeps_its_references(folder):
    reference = AssetReference("azureml:m:1", "m", "1")
    named = name_assets(ManagedDeployment("blue", "e", model=Model(path=str(folder)), environment=reference))
    assert (named.model.name, named.environment) == (of_path(str(folder)), reference)
