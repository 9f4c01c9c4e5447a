"""The parts of the demo, in order. Each prints the command that does the same, and does it through ``sandbox.api``."""

import contextlib
import json
import linecache
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.api import Sandbox
from sandbox.demo import project
from sandbox.demo.clients import Clients, without_key
from sandbox.demo.paper import answer, bars, command, heading, paint, place, result, say
from sandbox.demo.project import ENDPOINT, DemoFailed, Flower
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.ops.asking import Reply

PARTS = 7
MIRRORED, SPLIT = 300, 1000  # requests
COPIES_S = 5.0  # for the last copies to arrive


class Story:
    """The demo in a folder that exists and is empty; ``clean_up`` may be called at any time, and again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._box = folder, Sandbox(str(folder / "home"))
        self._files = folder / "project"
        self._flowers: list[tuple[Flower, str]] = []
        self._port, self._key = 0, ""

    def play(self) -> None:
        """Play all parts.

        Raises:
            DemoFailed, SandboxError: one of them went wrong.
        """
        began = time.monotonic()
        self._train()
        self._deploy()
        self._ask()
        self._mirror()
        self._split()
        self._break()
        if sys.stdin.isatty() and sys.stdout.isatty():
            self._stay()
        heading(7, PARTS, "Clean up", "deployments, endpoint, keys, gateway")
        command("sandbox down --all --yes")
        self.clean_up()
        result("everything has ended; nothing is left")
        say(f"\n{paint('Done', '1;32')} in {time.monotonic() - began:.1f} s.")

    def clean_up(self) -> None:
        """End everything that runs."""
        if os.path.isdir(self._box.home.root):
            self._box.down()

    # --- The parts ---------------------------------------------------------------------------------------------------

    def _train(self) -> None:
        heading(1, PARTS, "Train", "iris: 150 flowers, 4 measurements, 3 species; two models by scikit-learn")
        self._files.mkdir()
        trained = project.train(self._files)
        project.write(self._files)
        self._flowers = trained.flowers
        (self._files / "request.json").write_text(json.dumps({"flowers": [self._flowers[0][0]]}), encoding="utf-8")
        kinds = {"blue": "logistic regression", "green": "nearest neighbours"}
        for name, kind in kinds.items():
            result(f"{name:<6} {kind:<20} {trained.right[name]:.0%} of {len(self._flowers)} held-back flowers right")

    def _deploy(self) -> None:
        heading(2, PARTS, "Deploy", "an endpoint, and blue under it; Azure takes the same files")
        command("sandbox online-endpoint create -f endpoint.yml")
        said = self._box.online_endpoints.create(str(self._files / "endpoint.yml")).as_azure()
        self._key = self._box.online_endpoints.credentials(ENDPOINT)["primaryKey"]
        self._port = int(said["scoring_uri"].rpartition(":")[2].partition("/")[0])
        result(f"{said['scoring_uri']}, for those who have the key")
        self._create("blue", "--all-traffic")

    def _ask(self) -> None:
        heading(3, PARTS, "Ask", "three flowers that the model has not seen; then without the key")
        command(f"sandbox online-endpoint invoke -n {ENDPOINT} -r request.json")
        for species in ("setosa", "versicolor", "virginica"):
            flower = next(flower for flower, name in self._flowers if name == species)
            reply = self._invoke({"flowers": [flower]})
            took = reply.header("ms-azureml-model-time")
            answer(reply.status, f"{reply.body.decode()}  ({reply.header('azureml-model-deployment')}, {took} ms)")
            if reply.status != 200:
                raise DemoFailed(f"expected 200, got {reply.status}")
        command(f"curl http://127.0.0.1:{self._port}/score -d @request.json")
        status, text = without_key(self._port, b"{}")
        answer(status, text)
        if status != 401:
            raise DemoFailed(f"expected 401, got {status}")

    def _mirror(self) -> None:
        heading(4, PARTS, "Mirror", "green gets copies of a fifth of the requests; clients see blue alone")
        self._create("green")
        command(f'sandbox online-endpoint update -n {ENDPOINT} --mirror-traffic "green=20"')
        self._box.online_endpoints.update(name=ENDPOINT, mirror={"green": 20})
        burst = Clients(self._port, self._key, self._only_flowers(), MIRRORED).end()
        result(f"{burst}: blue answered {burst.answered['blue']}, green received {self._copies()} copies")
        if burst.failed or set(burst.answered) != {"blue"}:
            raise DemoFailed(f"expected {MIRRORED} answers of blue, got {dict(burst.answered)}")

    def _split(self) -> None:
        heading(5, PARTS, "Split", "one request in ten is green's to answer")
        shares = '--traffic "blue=90 green=10" --mirror-traffic "green=0"'
        command(f"sandbox online-endpoint update -n {ENDPOINT} {shares}")
        began = time.monotonic()
        self._box.online_endpoints.update(name=ENDPOINT, traffic={"blue": 90, "green": 10}, mirror={"green": 0})
        took = 1000 * (time.monotonic() - began)
        burst = Clients(self._port, self._key, self._only_flowers(), SPLIT).end()
        result(f"changed in {took:.0f} ms; {burst}")
        bars(burst.answered)
        if burst.failed:
            raise DemoFailed(f"{burst.failed} requests failed")

    def _break(self) -> None:
        heading(6, PARTS, "Break", "a request without petal_width; a deployment whose script has a mistake")
        flower = {name: value for name, value in self._flowers[0][0].items() if name != "petal_width"}
        reply = self._invoke({"flowers": [flower]})
        error: dict[str, Any] = json.loads(reply.body).get("error", {})
        answer(reply.status, f"{error.get('type')}: {error.get('message')}")
        if reply.status != 424 or not error.get("line"):
            raise DemoFailed(f"expected a 424 that names the failing line, got {reply.status}: {reply.body!r}")
        place(f"classifier/{os.path.basename(error['file'])}:{error['line']}", str(error["code"]))
        command("sandbox online-deployment create -f red.yml")
        clients = Clients(self._port, self._key, self._only_flowers())
        try:
            self._box.online_deployments.create(str(self._files / "red.yml"))
        except SandboxError as failure:
            self._show(failure)
        else:
            raise DemoFailed("the broken deployment was made")
        finally:
            burst = clients.end()
        shares = self._box.online_endpoints.show(ENDPOINT).as_azure()["traffic"]
        live = ", ".join(f"{name} {share}" for name, share in shares.items() if share)
        result(f"meanwhile {burst}; the traffic is as it was: {live}")
        if burst.failed:
            raise DemoFailed(f"{burst.failed} requests failed")

    def _stay(self) -> None:
        say(f"\n{paint('Still serving; Ctrl-C ends it and removes everything. In another terminal, try:', '1')}")
        program = Path(sys.executable).with_name("sandbox")
        said = (
            f"export SANDBOX_HOME={self._box.home.root}; cd {self._files}",
            f"{program} status",
            f"{program} tui",
            f"{program} logs {ENDPOINT} -f",
            f"{program} online-endpoint invoke -n {ENDPOINT} -r request.json",
            f'{program} online-endpoint update -n {ENDPOINT} --traffic "blue=0 green=100"',
            f"curl http://127.0.0.1:{self._port}/score -H 'Authorization: Bearer {self._key}' -d @request.json",
        )
        for line in said:
            say(f"    {line}")
        say()
        with contextlib.suppress(KeyboardInterrupt):
            for line in self._log():
                say(paint(line, "2"))

    # --- What they share ---------------------------------------------------------------------------------------------

    def _create(self, name: str, *flags: str) -> None:
        command(" ".join(("sandbox online-deployment create -f", f"{name}.yml", *flags)))
        began = time.monotonic()
        self._box.online_deployments.create(str(self._files / f"{name}.yml"), all_traffic=bool(flags))
        traffic = "has all traffic" if flags else "has no traffic yet"
        result(f"{name} is ready after {time.monotonic() - began:.1f} s and {traffic}")

    def _invoke(self, body: object) -> "Reply":
        text = json.dumps(body)
        result(text)
        return self._box.online_endpoints.invoke(ENDPOINT, text.encode())

    def _only_flowers(self) -> Sequence[Flower]:
        return [flower for flower, _ in self._flowers]

    def _copies(self) -> int:
        """How many copies green has received; the last ones may still be on their way."""
        deadline, before = time.monotonic() + COPIES_S, -1
        while time.monotonic() < deadline:
            found = self._box.context().gateway.stats().mirror[ENDPOINT, "green"].requests
            if found == before and found:
                break
            before = found
            time.sleep(0.1)
        return max(0, before)

    def _show(self, failure: SandboxError) -> None:
        """Print what kept a deployment from coming, with the line of its script as it stands in the project."""
        shorter = re.sub(rf"{re.escape(self._box.home.root)}[^'\"\s]*/", ".../", failure.what)
        say(f"    {paint(f'error[{failure.code}]', '31')} {shorter}")
        file, _, line = failure.why.rpartition(":")
        name = os.path.basename(file)
        if not line.isdigit():
            raise DemoFailed(f"expected the failing line, got {failure.why!r}")
        place(f"broken/{name}:{line}", linecache.getline(str(self._files / "broken" / name), int(line)))

    def _log(self) -> Iterator[str]:
        """Give what the deployments log, as it comes."""
        context = self._box.context()
        lines = context.backend.follow(lambda: context.backend.instances(ENDPOINT), 0)
        return (f"{line.deployment:<6} {line.text}" for line in lines)
