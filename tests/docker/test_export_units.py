"""Exports for systemd and Kubernetes, as far as one engine can run them: the commands of the units, one pod."""

import contextlib
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox.export.systemd_unit import PLACE
from tests.support.boxes import until
from tests.support.exported import COUNTS, compose, envoy_image, needs, passing, sealed
from tests.support.gateways import ask, free_port

pytestmark = pytest.mark.docker

FAILS = "import os\ndef init(): pass\ndef run(data): raise ValueError('of the model')\n"


@pytest.fixture
def made(box, engine, monkeypatch):
    """Two sealed deployments; blue has all traffic, green always fails."""
    monkeypatch.delenv("SANDBOX_BACKEND")
    probe = {"readiness_probe": {"initial_delay": 1, "period": 1, "timeout": 5}}
    box.api.online_endpoints.create(box.endpoint())
    with passing(engine) as images:
        images.append(sealed(box, "blue", COUNTS, count=2, **probe))
        images.append(sealed(box, "green", FAILS, **probe))
        box.api.online_endpoints.update(name="shop", traffic={"blue": 100})
        yield box


def answer(port, **more):
    """A reply, None while nobody listens."""
    with contextlib.suppress(OSError):
        return ask(port, **more)


def ready(port, key, **more):
    return until(lambda: (reply := answer(port, key=key, **more)) and reply.status == 200 and reply, 60)


class Unit:
    """A unit, and its commands as systemd would run them."""

    def __init__(self, path: Path, root: Path, instance: str = "") -> None:
        self.root, self.instance, self.credentials = root, instance, root / "credentials" / path.name
        text = path.read_text().replace("\\\n", " ")
        self.said = [line.partition("=")[::2] for line in text.splitlines() if "=" in line and line[0] not in "#["]
        for value in self.all("LoadCredential"):
            name, _, source = value.partition(":")
            self.credentials.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"{root}{source}", self.credentials / name)

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.said if name == key]

    def commands(self, key: str) -> Iterator[tuple[list[str], bool]]:
        for value in self.all(key):
            words = [self._word(word) for word in shlex.split(value.removeprefix("-"))]
            yield words, value.startswith("-")

    def _word(self, word: str) -> str:
        word = word.replace("${CREDENTIALS_DIRECTORY}", str(self.credentials)).replace("%i", self.instance)
        return word.replace("%%", "%").replace("$$", "$").replace(PLACE, f"{self.root}{PLACE}")

    def run(self, *keys: str) -> None:
        for key in keys:
            for words, may_fail in self.commands(key):
                done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
                assert done.returncode == 0 or may_fail, (words, done.stderr)


def test_units_are_valid_and_what_they_run_is_the_endpoint(made, engine, tmp_path):
    folder, root, port = tmp_path / "units", tmp_path / "root", free_port()
    image = envoy_image(engine)
    made.api.exports.write("systemd", "shop", folder=str(folder), gateway_image=image, port=port)
    compose(folder, program=["env", f"DESTDIR={root}", "sh", "install.sh"])
    there = root / "etc/systemd/system"
    names = [*sorted(each.name for each in there.iterdir() if "@" not in each.name), "shop-blue@1.service"]
    verify = [needs("systemd-analyze"), "verify", "--man=no", *(str(there / name) for name in names)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    networks = Unit(there / "shop-networks.service", root)
    units = [
        *(Unit(there / "shop-blue@.service", root, number) for number in ("1", "2")),
        Unit(there / "shop-green@.service", root, "1"),
        Unit(there / "shop-gateway.service", root),
    ]
    key = (root / f"{PLACE[1:]}/shop/secrets/gateway.env").read_text().split()[0].partition("=")[2]
    with contextlib.ExitStack() as ended:
        ended.callback(networks.run, "ExecStop")
        networks.run("ExecStart")
        for unit in units:
            ended.callback(unit.run, "ExecStop", "ExecStopPost")
            unit.run("ExecStartPre")
            ((attached, _),) = unit.commands("ExecStart")
            process = ended.enter_context(subprocess.Popen(attached, stdout=subprocess.DEVNULL))
            ended.callback(process.kill)
            ended.callback(unit.run, "ExecStop")
        assert ready(port, key).json()["who"] == "blue"
        assert ask(port, key="wrong-key-0123456789").status == 401
        counts: list[int] = []
        until(
            lambda: counts.append(ask(port, key=key).json()["count"]) or len(set(counts)) < len(counts), 60
        )  # two count
        until(lambda: engine.inspect_container("shop-gateway")["State"]["Health"]["Status"] == "healthy", 60)
        until(lambda: engine.inspect_container("shop-blue-2")["State"]["Health"]["Status"] == "healthy", 60)
        host = engine.inspect_container("shop-blue-1")["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["Memory"]) == (True, ["ALL"], 3584 * 2**20)
    left = engine.containers(all=True, filters={"name": "^/shop-"})
    assert [one["Names"] for one in left] == []
    assert engine.networks(names=["shop-blue", "shop-gateway-public"]) == []


def test_a_pod_checks_keys_and_answers_as_the_gateway_here(made, engine, tmp_path):
    folder = tmp_path / "manifests"
    chosen = {"image_prefix": "registry.example/shop", "gateway_image": envoy_image(engine)}
    made.api.exports.write("kubernetes", "shop", folder=str(folder), **chosen)
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "primary").write_text("key-one-0123456789\n")
    pods = [Pod(engine, folder, name, keys) for name in ("blue", "green")]
    with contextlib.ExitStack() as ended:
        for pod in pods:
            ended.callback(pod.end)
            pod.start()
        blue, green = pods
        assert ready(blue.port, "key-one-0123456789").json()["who"] == "blue"
        assert answer(blue.port, key=None).body == b"key_auth_bad_header_forbidden"
        assert answer(blue.port, key="key-two-0123456789").body == b"key_auth_access_denied"
        assert ready(blue.port, "key-one-0123456789", azureml_model_deployment="blue")
        assert answer(blue.port, key="key-one-0123456789", azureml_model_deployment="green").status == 404
        failed = until(
            lambda: (one := answer(green.port, key="key-one-0123456789")) and "model_error" in str(one) and one, 60
        )
        assert failed.status == 424
        assert failed.headers["ms-azureml-model-error-reason"] == "model_error"
        # A Secret is replaced: pods read it again, and nothing is started.
        (keys / "primary").write_text("key-two-0123456789\n")
        assert ready(blue.port, "key-two-0123456789")
        assert answer(blue.port, key="key-one-0123456789").status == 401
        (keys / "primary").unlink()
        until(lambda: answer(blue.port, key="key-two-0123456789").status == 503, 60)


class Pod:
    """The containers of a template: one has the network, the other joins it."""

    def __init__(self, engine, folder: Path, name: str, keys: Path) -> None:
        self.engine, self.config, self.keys, self.port = engine, folder / "envoy" / name, keys, free_port()
        deployment = next(yaml.safe_load_all((folder / f"{name}.yaml").read_text()))
        self.model, self.gateway = deployment["spec"]["template"]["spec"]["containers"]
        self.ids: list[str] = []

    def start(self) -> None:
        hardened = {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "tmpfs": {"/tmp": ""},
        }
        bindings = {8080: ("127.0.0.1", self.port)}
        config = self.engine.create_host_config(port_bindings=bindings, **hardened)
        env = {each["name"]: each["value"] for each in self.model["env"]}
        image = self.model["image"]
        self._run(image, ports=[8080], environment=env, user="10001:10001", host_config=config)
        sources = {"gateway": self.config, "keys": self.keys}
        mounts = {each["name"]: each["mountPath"] for each in self.gateway["volumeMounts"]}
        binds = {str(path): {"bind": mounts[name], "mode": "ro"} for name, path in sources.items()}
        config = self.engine.create_host_config(network_mode=f"container:{self.ids[0]}", binds=binds, **hardened)
        words = {"entrypoint": self.gateway["command"], "command": self.gateway["args"]}
        self._run(self.gateway["image"], user="10001:10001", host_config=config, **words)

    def _run(self, image: str, **more) -> None:
        self.ids.append(self.engine.create_container(image, **more)["Id"])
        self.engine.start(self.ids[-1])

    def end(self) -> None:
        for each in reversed(self.ids):
            self.engine.remove_container(each, force=True)
