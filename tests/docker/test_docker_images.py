"""Images built for real: in layers, once for everybody, and what is said when a step fails."""

import json
import time

import pytest

from sandbox.image import dockerfile, labels, listing
from sandbox.image.build import Builder
from sandbox.model.environment import Build, Environment
from sandbox.model.errors import NotFound, SandboxError

pytestmark = pytest.mark.docker


def run(client, image, *words):
    """Run a command in an image; return what it printed."""
    made = client.create_container(image, command=list(words))["Id"]
    try:
        client.start(made)
        client.wait(made, timeout=60)
        return client.logs(made).decode().strip()
    finally:
        client.remove_container(made, force=True)


@pytest.fixture
def builder(here):
    here.events = []
    return Builder(here.client, here.backend._home, here.events.append, made_for="shop/blue")


def conda(*lines, **more):
    return Environment(conda={"dependencies": ["python=3.11", *more.pop("packages", ()), {"pip": list(lines)}]}, **more)


def test_packages_are_installed_once_and_neither_break_the_servers_nor_are_broken_by_them(here, builder, engine):
    wanted = conda("click==8.1.3", "six==1.16.0")  # flask would bring a newer click
    image = builder.environment(wanted)
    again = builder.environment(wanted)
    assert (again.id, again.fresh) == (image.id, False)
    versions = "import click, six, flask, importlib.metadata as m; print(m.version('click'), six.__version__)"
    assert run(engine, image.id, dockerfile.PYTHON, "-c", versions) == "8.1.3 1.16.0"
    places = "import flask, inference_http; print(flask.__file__, inference_http.__file__)"
    assert run(engine, image.id, dockerfile.PYTHON, "-c", places).count("/opt/inference-http/") == 2
    listed = "import sys; print(sys.prefix, sys.path[-1])"
    assert run(engine, image.id, dockerfile.PYTHON, "-c", listed) == "/opt/env /opt/inference-http"


def test_a_change_of_code_builds_its_own_layer_only_in_less_than_three_seconds(here, builder, engine):
    base = builder.environment(None)
    app = here.script("def init(): pass\ndef run(data): return 1")
    first = builder.deployment(base, str(app), "one", {"AML_APP_ROOT": "/var/azureml-app/app"})
    (app / "score.py").write_text("def init(): pass\ndef run(data): return 2")
    began = time.monotonic()
    second = builder.deployment(builder.environment(None), str(app), "two", {"AML_APP_ROOT": "/var/azureml-app/app"})
    seconds = time.monotonic() - began
    print(f"code-only rebuild: {seconds:.2f} s")
    assert seconds < 3
    layers = [engine.inspect_image(each)["RootFS"]["Layers"] for each in (base.id, first.id, second.id)]
    assert layers[1][:-1] == layers[2][:-1] == layers[0]
    assert "return 2" in run(engine, second.id, "cat", "/var/azureml-app/app/score.py")


def test_no_setting_and_no_certificate_of_this_machine_is_in_the_image(here, engine, monkeypatch, tmp_path):
    from sandbox.image import plan

    bundle = tmp_path / "bundle.crt"
    bundle.write_text("of this company")
    environ = {"PIP_INDEX_URL": "https://user:secret@index/simple", "PIP_CERT": str(bundle)}
    with_secrets = plan.make("sha256:0", conda("six"), environ)
    assert with_secrets.key == plan.make("sha256:0", conda("six"), {}).key
    assert [path for path, content in with_secrets.files if b"user:secret@" in content] == ["private/pip.conf"]
    final = with_secrets.dockerfile.rpartition("\nFROM ")[2]
    assert "private" not in final
    assert "private" not in plan.make("sha256:0", conda("six"), {}).dockerfile


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        (conda("no-such-package-of-ours==9"), "E073", "no-such-package-of-ours"),
        (conda("six", packages=["r-base"]), "E114", "only conda has: r-base"),
        (Environment(image="localhost:9/no/such:image"), "E115", "localhost:9/no/such:image"),
        (Environment(build=Build("/no/such/folder")), "E116", "/no/such/folder/Dockerfile"),
    ],
)
def test_what_cannot_be_built_is_explained(here, builder, environment, code, said):
    with pytest.raises(SandboxError) as raised:
        builder.environment(environment)
    assert (raised.value.code, said in raised.value.what) == (code, True), raised.value.what
    assert raised.value.fix
    failed = [event for event in here.events if event.state == "failed"]
    assert len(failed) == (code != "E116")
    assert here.client.containers(all=True, filters={"status": "exited", "ancestor": "scratch"}) == []


def test_a_dockerfile_of_the_users_is_built_and_its_failing_step_named(here, builder, engine):
    folder = here.folder / "context"
    folder.mkdir()
    base = builder.base(None).name
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN echo kept > /kept\nCOPY data.txt /data.txt\n")
    (folder / "data.txt").write_text("from the context")
    image = builder.environment(Environment(build=Build(str(folder))))
    assert run(engine, image.id, "cat", "/kept", "/data.txt") == "kept\nfrom the context"
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN echo 'about to fail'; exit 7\n")
    with pytest.raises(SandboxError) as raised:
        builder.environment(Environment(build=Build(str(folder))))
    assert raised.value.code == "E114"
    assert "echo 'about to fail'; exit 7" in raised.value.what
    assert "about to fail" in raised.value.log
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY missing.txt /x\n")
    with pytest.raises(SandboxError, match=r"E116.*missing\.txt"):
        builder.environment(Environment(build=Build(str(folder))))
    (folder / "Dockerfile").write_text("FORM scratch\n")
    with pytest.raises(SandboxError, match="E116"):
        builder.environment(Environment(build=Build(str(folder))))


def test_images_are_listed_shown_and_removed_when_nobody_needs_them(here, builder, engine):
    app = here.script("def init(): pass\ndef run(data): return 1")
    image = builder.deployment(builder.environment(None), str(app), "listed", {})
    found = {one.id: one for one in listing.all_of(engine, ())}
    assert (found[image.id].kind, found[image.id].name, found[image.id].used) == ("deployment", image.name, False)
    assert found[image.id].made_for == "shop/blue"
    shown = listing.one(engine, image.name)
    assert shown["Config"]["Labels"][labels.KIND] == "deployment"
    with pytest.raises(NotFound):
        listing.one(engine, "no-such-image")
    assert listing.prune(engine, (), "another", everything=False) == [], "what others have built is left alone"
    mine = listing.prune(engine, (), here.backend._home.owner, everything=False)
    assert [one.id for one in mine] == [image.id]
    assert image.id not in {one.id for one in listing.all_of(engine, ())}


CONDA = """#!/bin/sh
# What conda is asked for, kept; the environment itself is one of venv's: conda cannot be had everywhere.
[ "$1 $2" = "env create" ] || exit 0
python3 -m venv "$5" && cp "$7" "$5/asked.json"
"""


def test_an_image_with_conda_makes_the_environment_by_it(here, builder, engine):
    folder = here.folder / "base"
    folder.mkdir()
    (folder / "conda").write_text(CONDA)
    name = builder.base(None).name
    (folder / "Dockerfile").write_text(
        f"FROM {name}\nCOPY conda /opt/miniconda/bin/\nRUN chmod 755 /opt/miniconda/bin/*\n"
    )
    tag = "endpoint-sandbox-test/with-conda:1"
    list(engine.build(path=str(folder), tag=tag, rm=True, forcerm=True))
    image = builder.environment(conda("six==1.16.0", packages=["r-base=4.3"], image=tag))
    asked = json.loads(run(engine, image.id, "cat", "/opt/env/asked.json"))
    assert asked["dependencies"] == ["python=3.11", "r-base=4.3", "pip", {"pip": ["six==1.16.0"]}]
    assert run(engine, image.id, dockerfile.PYTHON, "-c", "import sys; print(sys.prefix)") == "/opt/env"
    engine.remove_image(image.id, force=True)
    engine.remove_image(tag, force=True)
