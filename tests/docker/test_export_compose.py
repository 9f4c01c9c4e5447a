"""An export for Compose, run by Compose alone: keys, split, mirror, secrets, a change of traffic, lost instances."""

import collections
import contextlib
import json
import os
import stat
from pathlib import Path

import pytest

from sandbox.cli.main import main
from sandbox.model.errors import SandboxError, UsageError
from tests.support.boxes import until
from tests.support.exported import COUNTS, compose, envoy_image, passing, sealed
from tests.support.gateways import ask, free_port

pytestmark = pytest.mark.docker

REQUESTS = 300
STATS = "exec 3<>/dev/tcp/127.0.0.1/9901; echo -e 'GET /stats/prometheus HTTP/1.0\\r\\n\\r' >&3; cat <&3"
SECRET = "of-the-model-0123456789"


class Project:
    """A folder of Compose, and the endpoint that it runs."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def compose(self, *words: str) -> str:
        return compose(self.folder, *words)

    def keys(self) -> list[str]:
        return [line.partition("=")[2] for line in (self.folder / "secrets/gateway.env").read_text().split()]

    def ask(self, **more):
        return ask(self.port, **{"key": self.keys()[0], **more})

    def answer(self, deployment):
        """What a deployment says, None while it does not."""
        with contextlib.suppress(OSError):  # the gateway begins
            reply = self.ask(azureml_model_deployment=deployment)
            return reply.json() if reply.status == 200 else None

    def counted(self) -> collections.Counter:
        """Who answered."""
        found: collections.Counter = collections.Counter()
        for _ in range(REQUESTS):
            reply = self.ask()
            assert reply.status == 200, reply
            found[reply.json()["who"]] += 1
        return found

    def copies(self, deployment: str) -> int:
        """What the gateway counts as copies."""
        start = f'envoy_cluster_upstream_rq_total{{envoy_cluster_name="shop~{deployment}~mirror"'
        lines = self.compose("exec", "-T", "gateway", "bash", "-c", STATS).splitlines()
        return sum(int(line.split()[-1]) for line in lines if line.startswith(start))


@pytest.fixture
def made(box, engine, monkeypatch):
    """An endpoint of three sealed deployments, one of which needs a secret and one of which may not call out."""
    monkeypatch.delenv("SANDBOX_BACKEND")  # what is sealed need not run in containers here
    connection = box.folder / "shelf.yml"
    connection.write_text(json.dumps({"name": "shelf", "type": "api_key", "target": "http://x", "api_key": SECRET}))
    box.api.connections.create(str(connection))
    token = {"TOKEN": "${{azureml://connections/shelf/credentials/key}}"}
    probe = {"readiness_probe": {"initial_delay": 1, "period": 1, "timeout": 5}}
    names = {"blue": {"count": 2}, "green": {"variables": token}, "dark": {"egress_public_network_access": "disabled"}}
    box.api.online_endpoints.create(box.endpoint())
    with passing(engine) as images:
        for name, more in names.items():
            images.append(sealed(box, name, COUNTS, **probe, **more))
        box.api.online_endpoints.update(name="shop", traffic={"blue": 80, "green": 20})
        yield box


def test_what_compose_runs_is_what_ran_here(made, engine):
    box, folder = made, made.folder / "shop-compose"
    project = Project(folder, free_port())
    chosen = {
        "folder": str(folder),
        "gateway_image": envoy_image(engine),
        "port": project.port,
        "repeat_in_flight": True,
    }
    said = box.api.exports.write("compose", "shop", mirror={"dark": 50}, **chosen)
    assert set(said.files) == {
        "docker-compose.yml",
        "gateway/envoy.yaml",
        "gateway/clusters.yaml",
        "gateway/routes.yaml",
        "secrets.sh",
        ".gitignore",
    }
    texts = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert box.key() not in texts
    assert SECRET not in texts
    assert said.images == {name: image for name, image in said.images.items() if f"-{image[7:19]}" in name}
    begun = compose(folder, program=["sh", "secrets.sh"], fails=True)
    assert "fill in secrets/green.env" in begun
    (folder / "secrets/green.env").write_text("TOKEN=given-there\n")
    compose(folder, program=["sh", "secrets.sh"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / "secrets").iterdir()} == {0o600}
    box.api.down()
    project.compose("up", "-d")
    try:
        _runs(project, engine)
        _traffic_changes(project)
    finally:
        logs = project.compose("logs", "--no-color")
        project.compose("down", "-t", "1")
    assert not [key for key in (*project.keys(), "given-there", SECRET) if key in logs]


def _runs(project, engine):
    for name in ("blue", "green", "dark"):
        until(lambda name=name: project.answer(name), 60)
    assert project.answer("green")["token"] == "given-there"
    assert project.ask(key=None).body == b"key_auth_bad_header_forbidden"
    refused = project.ask(key="wrong-key-0123456789")
    assert (refused.status, refused.body) == (401, b"key_auth_access_denied")
    assert "azureml-model-deployment" not in refused.headers
    assert project.ask(key=project.keys()[1]).status == 200
    assert project.ask(azureml_model_deployment="nosuch").status == 404
    before = project.copies("dark")
    found = project.counted()
    assert found["blue"] + found["green"] == REQUESTS
    assert 0.1 * REQUESTS < found["green"] < 0.3 * REQUESTS, found
    assert 0.35 * REQUESTS < project.copies("dark") - before < 0.65 * REQUESTS
    containers = project.compose("ps", "-q").split()
    assert len(containers) == 5
    for each in containers:
        shown = engine.inspect_container(each)
        host = shown["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], shown["Config"]["User"]) == (True, ["ALL"], "10001:10001")
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "4"}
        assert host["Memory"]
        assert host["PidsLimit"]
        until(lambda each=each: engine.inspect_container(each)["State"]["Health"]["Status"] == "healthy", 60)
    # One of the two of blue is killed: the other answers, and the engine starts it again.
    lost = project.compose("ps", "-q", "blue").split()[0]
    pid = engine.inspect_container(lost)["State"]["Pid"]
    compose(project.folder, program=["kill", "-9", str(pid)])
    assert project.counted().total() == REQUESTS
    until(lambda: engine.inspect_container(lost)["RestartCount"] == 1, 60)


def _traffic_changes(project):
    """A file is replaced, and the gateway takes it over: nothing is started, nothing fails."""
    started = project.compose("ps", "-q", "gateway").split()
    routes = project.folder / "gateway/routes.yaml"
    text = routes.read_text()
    assert "# 80 percent of the traffic is for blue." in text
    draft = routes.with_suffix(".draft")
    draft.write_text(text.replace("numerator: 80,", "numerator: 0,"))
    draft.rename(routes)
    until(lambda: project.counted()["green"] == REQUESTS, 60)
    assert project.compose("ps", "-q", "gateway").split() == started


def test_what_cannot_be_exported_is_explained(made, monkeypatch, capsys):
    box, folder = made, made.folder / "shop-compose"
    monkeypatch.setenv("SANDBOX_HOME", str(box.home))
    assert main(["export", "compose", "shop", "--to", str(folder), "--port", "9000"]) == 0
    printed = capsys.readouterr().out
    assert "docker-compose.yml\n" in printed
    assert printed.endswith(f"start it:\n  cd {os.path.relpath(folder)} && sh secrets.sh && docker compose up -d\n")
    assert f"sandbox export compose shop --to {folder} --port 9000" in (folder / "docker-compose.yml").read_text()
    assert main(["export", "kubernetes", "shop"]) == 2
    assert "--image-prefix REGISTRY/NAME" in capsys.readouterr().err
    said = box.api.exports.write("compose", "shop", folder=str(folder))
    assert box.api.exports.write("compose", "shop", folder=str(folder)).changed == ()
    again = box.api.exports.write("compose", "shop", folder=str(folder), traffic={"blue": 100})
    assert again.changed == ("gateway/routes.yaml",)
    assert said.images == again.images
    (folder / "gateway/routes.yaml").write_text("mine")
    with pytest.raises(SandboxError, match="E197"):
        box.api.exports.write("compose", "shop", folder=str(folder))
    assert box.api.exports.write("compose", "shop", folder=str(folder), force=True).changed == ("gateway/routes.yaml",)
    for kind, chosen, code in (
        ("swarm", {}, "E196"),
        ("compose", {"image_prefix": "Not A Name"}, "E196"),
        ("compose", {"traffic": {"blue": 50}}, "E039"),
        ("compose", {"traffic": {"nosuch": 100}}, "E039"),
        ("helm", {}, "E196"),
    ):
        with pytest.raises(UsageError) as raised:
            box.api.exports.write(kind, "shop", folder=str(folder), **chosen)
        assert raised.value.code == code
    box.api.online_deployments.update(box.deployment("blue", COUNTS, who="changed since", count=2))
    with pytest.raises(SandboxError, match="E195") as raised:
        box.api.exports.write("compose", "shop", folder=str(folder))
    assert raised.value.fix == "sandbox seal -n blue -e shop"
    without = box.api.exports.write("compose", "shop", folder=str(folder), traffic={"green": 100}, force=True)
    assert without.left_out == ("blue",)
