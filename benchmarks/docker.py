"""How long deployments in containers take: first build, code-only rebuild, edit to answer, start to ready.

    .ci/docker && SANDBOX_BASE_IMAGE=... python benchmarks/docker.py

Everything is measured with a real engine, in a home of its own that is removed. The list of packages has a marker of
its own each time, so that the engine's cache does not help the first build.

`az ml online-deployment create --local` needs Azure's base images, a subscription and conda, and is not run here. What
it does between an edit and an answer is read from the source of azure-ai-ml, which is fetched for that.
"""

import json
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.remove(str(Path(__file__).resolve().parent))  # this file would hide the SDK

from sandbox.api import Sandbox

if TYPE_CHECKING:
    from sandbox.model.progress import Event

ROUNDS = 5
SCRIPT = "def init(): pass\ndef run(data): return {number}\n"


class Bench:
    """One project in one home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = Sandbox(str(folder / "home"))
        (folder / "code").mkdir()
        self.events: list[Event] = []

    def script(self, number: int) -> None:
        """Write the script that answers with a number."""
        (self.folder / "code" / "score.py").write_text(SCRIPT.format(number=number))

    def deployment(self) -> str:
        """Write the deployment's file; return its path."""
        path = self.folder / "blue.yml"
        marker = f"six>=1.16  ; python_version > '3.{secrets.randbelow(9)}.{secrets.randbelow(10**6)}'"
        described: dict[str, Any] = {
            "name": "blue",
            "endpoint_name": "bench",
            "code_configuration": {"code": "code", "scoring_script": "score.py"},
            "environment": {"conda_file": {"dependencies": ["python=3.11", {"pip": ["numpy", marker]}]}},
            "instance_type": "Standard_DS1_v2",
        }
        path.write_text(json.dumps(described))
        return str(path)

    def seconds(self, step: str, beginning: str = "") -> float:
        """How long the last such step took."""
        found = [each for each in self.events if each.step == step and each.state == "done"]
        return next(each.seconds for each in reversed(found) if each.text.startswith(beginning))

    def answers(self, number: int) -> bool:
        """Tell whether the newest script answers."""
        return self.box.online_endpoints.invoke("bench", b"1").body == str(number).encode()


def of_azure(folder: Path) -> list[str]:
    """What azure-ai-ml's source says of its local way, in sentences; why not where it cannot be had."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "azure-ai-ml"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    source = folder / "azure" / "ai" / "ml"
    if done.returncode != 0:
        return [f"azure-ai-ml cannot be fetched: {(done.stderr.strip().splitlines() or ['?'])[-1]}"]
    client = (source / "_local_endpoints" / "docker_client.py").read_text()
    constants = (source / "constants" / "_endpoint.py").read_text()
    dockerfile = (source / "_local_endpoints" / "dockerfile_resolver.py").read_text()
    version = re.search(r'VERSION = "(.*)"', (source / "_version.py").read_text())
    wait = re.search(r"DEFAULT_STARTUP_WAIT_TIME_SECONDS = (\d+)", constants)
    found = [f"azure-ai-ml {version[1] if version else '?'}, --local, from its source:"]
    if wait and client.count("time.sleep(LocalEndpointConstants.DEFAULT_STARTUP_WAIT_TIME_SECONDS)"):
        found.append(f"  start to ready: always {wait[1]} s, a time.sleep, whatever the script needs")
    if "self.delete(endpoint_name=endpoint_name, verify_exists=False)" in client:
        found.append("  update: the running container is deleted first; nothing answers until the new one does")
    if "pull=True" in client:
        found.append("  build: at each create and update, with the base image looked up in its registry (pull=True)")
    if "conda env create -n" in dockerfile:
        found.append("  packages: one step, conda env create; one package more is all of them again")
    return found


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        try:
            measure(bench)
        finally:
            bench.box.down()
            bench.box.images.prune()
        print("\n".join(["", *of_azure(Path(name) / "azure")]))


def measure(bench: Bench) -> None:
    """Do it all once, the quick things several times."""
    bench.script(0)
    path = bench.deployment()
    box, report = bench.box, bench.events.append
    endpoint = bench.folder / "endpoint.yml"
    endpoint.write_text('{"name": "bench", "auth_mode": "key"}')
    box.online_endpoints.create(str(endpoint))
    began = time.perf_counter()
    box.online_deployments.create(path, backend="docker", all_traffic=True, report=report)
    print(f"create, packages built anew      {time.perf_counter() - began:7.2f} s")
    print(f"  of that: image of packages     {bench.seconds('image', 'image endpoint-sandbox/environment'):7.2f} s")
    builds, starts, whole = [], [], []
    for number in range(1, ROUNDS + 1):
        bench.script(number)
        began = time.perf_counter()
        box.online_deployments.update(path, report=report)
        assert bench.answers(number)
        whole.append(time.perf_counter() - began)
        builds.append(bench.seconds("image", "image endpoint-sandbox/deployment"))
        starts.append(bench.seconds("start") + bench.seconds("ready"))
    print(f"code-only rebuild of the image   {statistics.median(builds):7.2f} s")
    print(f"start to ready                   {statistics.median(starts):7.2f} s")
    print(f"update of the code, to answer    {statistics.median(whole):7.2f} s")
    box.online_deployments.update(path, reload=True, report=report)
    edits = []
    for number in range(100, 100 + ROUNDS):
        time.sleep(0.5)
        bench.script(number)
        began = time.perf_counter()
        while not bench.answers(number):
            time.sleep(0.005)
        edits.append(time.perf_counter() - began)
    print(f"edit on the host to new answer   {statistics.median(edits):7.3f} s")
    began = time.perf_counter()
    box.online_deployments.update(path, reload=False)
    sealed = box.images.seal("blue", "bench")
    print(f"update and seal                  {time.perf_counter() - began:7.2f} s  ({sealed.size / 2**20:.0f} MiB)")


if __name__ == "__main__":
    main()
