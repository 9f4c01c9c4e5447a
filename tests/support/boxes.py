"""A whole sandbox in a temporary folder, for tests: files to bring up, and at the end a look whether anything is left.

A port cannot stay open without a process, so processes are what is looked for: those that name the home in their
command line or their environment (the gateway, the agent, commands that go on in the background) or bear the mark of
its instances.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.agent import place
from sandbox.api import Sandbox
from sandbox.backend.protocol import Instance
from sandbox.ops import earlier
from sandbox.reconcile.plan import plan
from tests.support.gateways import Reply, ask

MARK = "ENDPOINT_SANDBOX_INSTANCE"  # in the environment of every process of an instance
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIMIT_S = 30.0
SAYS = """import os

def init():
    pass

def run(data):
    return [os.environ.get("WHO"), os.getpid()]
"""
PATIENT = {"request_timeout_ms": 20_000, "max_concurrent_requests_per_instance": 50}


def until(condition: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Wait for a true value and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


@dataclass
class Box:
    """A home, and a folder with the user's files."""

    folder: Path
    home: Path
    ports: dict[str, int] = field(default_factory=dict)
    least: int = 20_000  # requests of a load that says nothing itself

    @property
    def api(self) -> Sandbox:
        """A new one each time, as a new command would have it."""
        return Sandbox(str(self.home))

    # --- Files -------------------------------------------------------------------------------------------------------

    def endpoint(self, name: str = "shop", *, any_port: bool = False, **keys: Any) -> str:
        """Write the file of an endpoint; return its path.

        Its port is far from those that other sandboxes on the machine take, unless ``any_port``.
        """
        if not any_port:
            port = self.ports.setdefault(name, _unused_port())
            keys["properties"] = {"sandbox.port": str(port), **keys.get("properties", {})}
        return self._yaml(f"{name}-endpoint.yml", {"name": name, "auth_mode": "key", **keys})

    def deployment(
        self,
        name: str,
        script: str = SAYS,
        *,
        count: int = 1,
        who: str | None = None,
        endpoint: str = "shop",
        **keys: Any,
    ) -> str:
        """Write the file of a deployment, and its script; return the path of the file."""
        self.script(name, script)
        return self._yaml(
            f"{name}.yml",
            {
                "name": name,
                "endpoint_name": endpoint,
                "code_configuration": {"code": name, "scoring_script": "score.py"},
                "environment_variables": {"WHO": who or name, **keys.pop("variables", {})},
                "instance_type": "Standard_DS1_v2",
                "instance_count": count,
                "request_settings": PATIENT,
                **keys,
            },
        )

    def script(self, name: str, text: str) -> Path:
        """Write a script, as its author would; return its path."""
        path = self.folder / name / "score.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def _yaml(self, name: str, value: Any) -> str:
        path = self.folder / name
        path.write_text(json.dumps(value, indent=1))  # JSON is YAML
        return str(path)

    # --- What runs ---------------------------------------------------------------------------------------------------

    def start(self, *names: str, **keys: Any) -> None:
        """An endpoint with these deployments; the first one gets all traffic."""
        self.api.online_endpoints.create(self.endpoint())
        for name in names:
            self.api.online_deployments.create(self.deployment(name, **keys))
        if names:
            self.api.online_endpoints.update(name="shop", traffic={names[0]: 100})

    def port(self, name: str = "shop") -> int:
        """The port of an endpoint."""
        return self.api.context().endpoint(name).port

    def key(self, name: str = "shop", which: str = "primaryKey") -> str:
        """A key of an endpoint."""
        return str(self.api.online_endpoints.credentials(name)[which])

    def ask(self, deployment: str | None = None, *, endpoint: str = "shop", **more: Any) -> Reply:
        """One request as a client sends it, to one deployment or by traffic."""
        headers = {"azureml_model_deployment": deployment} if deployment else {}
        return ask(self.port(endpoint), key=self.key(endpoint), body=b'{"data": 1}', **headers, **more)

    def who(self, deployment: str | None = None) -> Any:
        """The name that the instance which answers was given."""
        reply = self.ask(deployment)
        assert reply.status == 200, reply
        return reply.json()[0]

    def instances(self, deployment: str | None = None, endpoint: str = "shop") -> list[Instance]:
        """What runs, by index."""
        found = self.api.context().backend.instances(endpoint)
        return [one for one in found if deployment in (None, one.deployment) and one.state != "exited"]

    def pids(self, deployment: str | None = None) -> list[int]:
        """The processes of the instances; waits until each has said who it is."""
        until(lambda: all(_pid(one) for one in self.instances(deployment)))
        return [pid for one in self.instances(deployment) if (pid := _pid(one))]

    def gateway_pid(self) -> int:
        """The process of the gateway."""
        running = self.api.context().gateway.running()
        assert running
        return running.pid

    def kill(self, pid: int) -> None:
        """Kill a process and wait for its end, when the kernel has released what it held."""
        os.kill(pid, signal.SIGKILL)
        until(lambda: not _described(pid) and not _lives(pid))

    def kill_everything(self) -> None:
        """What a reboot does."""
        killed = self.left()
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # Their locks go after their memory, by which they are found: until then an instance counts as one that runs.
        until(lambda: not any(_lives(pid) for pid in killed) and not self.left())

    def consistent(self) -> None:
        """Assert that what runs is what is asked for, that everything answers, and that nothing is begun or left."""
        context = self.api.context()
        states = context.store.all()
        instances = context.backend.instances()
        assert not plan(states, instances), plan(states, instances)
        for state in states:
            assert state.state == "Succeeded"
            for name, each in state.deployments.items():
                assert (each.operation, each.coming, each.state) == (None, None, "Succeeded"), each
                assert each.serving
                folder = self.home / "instances" / state.name / name
                assert {path.name for path in folder.iterdir()} - {earlier.FOLDER} == {each.serving.id}
                assert self.ask(name, endpoint=state.name).status == 200
        marks = {mark for mark in self.left().values() if mark}
        processes = [one for one in instances if one.backend == "process"]  # a container has no other trace
        assert len(marks) == len(processes), (marks, instances)

    def left(self) -> dict[int, str]:
        """Every process of this home, with the mark of its instance or an empty text."""
        names = (str(self.home).encode(), self.api.home.gateway.encode())
        owner = hashlib.sha256(os.fsencode(os.path.realpath(self.home))).hexdigest()[:12]
        found = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                said = _described(int(entry))
                mark = next((part for part in said if part.startswith(f"{MARK}={owner}/".encode())), b"")
                if mark or any(name in part for part in said for name in names):
                    found[int(entry)] = mark.decode()
        return found

    @contextlib.contextmanager
    def load(
        self, *, key: str | None = None, connections: int = 4, least: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Constant load while the block runs, and until so many requests were sent; the result is in the dictionary."""
        least = self.least if least is None else least
        words = [str(self.port()), key or self.key(), str(connections), str(least)]
        command = [sys.executable, str(HERE / "constant_load.py"), *words]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        result: dict[str, Any] = {}
        try:
            time.sleep(0.3)
            yield result
            text, _ = process.communicate("", timeout=240)
            result.update(json.loads(text), least=least)
        finally:
            process.kill()
            process.communicate()

    # --- Commands in processes of their own --------------------------------------------------------------------------

    def command(self, *words: str, **more: Any) -> "subprocess.Popen[str]":
        """Start ``tests/support/dying.py`` with words."""
        command = [sys.executable, str(HERE / "dying.py"), str(self.home), *words]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)

    def dies(self, *words: str) -> bool:
        """Run a command that is killed at the point its words name; tell whether it was: else it came to its end."""
        with self.command(*words) as process:
            said = process.communicate(timeout=60)[0]
        assert process.returncode in (0, -signal.SIGKILL), said
        return process.returncode != 0


def _pid(instance: Instance) -> int | None:
    """The process of an instance, as this machine counts; None where it has not said yet."""
    if instance.backend == "process":
        return instance.pid
    from sandbox.image import engine

    with contextlib.closing(engine.connect()) as client:
        return int(client.inspect_container(instance.id)["State"]["Pid"]) or None


def _unused_port() -> int:
    """A port below those that systems hand out by themselves: nobody is given it while its endpoint is down."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port


def _lives(pid: int) -> bool:
    """Tell whether a process, or one of its threads, is still more than a zombie."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        states = [Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0] for task in tasks]
    except OSError:
        return False
    return any(state not in "ZX" for state in states)


def _described(pid: int) -> list[bytes]:
    """Command line and environment of a process that is not a zombie, in pieces."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return []
        texts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    except OSError:
        return []
    return b"\0".join(texts).split(b"\0") if texts[0] else []


@contextlib.contextmanager
def box_in(folder: Path, home: Path | None = None) -> Iterator[Box]:
    """Make one; deletes everything at the end, and asserts that this was all."""
    made = Box(folder, home or folder / "home")
    try:
        yield made
        place.stop(made.api.home)
        made.api.down()
        with contextlib.suppress(AssertionError):
            until(lambda: not made.left(), 5)
        assert made.left() == {}
        assert list(made.home.glob("instances/*/*")) == []
    finally:
        for pid in made.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
