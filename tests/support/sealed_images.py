"""Sealed images of scripts, made as ``sandbox seal`` makes them but without a deployment around them: in a second."""

import contextlib
import json
from pathlib import Path
from typing import Any

from sandbox.home import Home
from sandbox.image import seal
from sandbox.image.build import Builder
from sandbox.model.progress import quiet
from sandbox.model.sample import Sample
from sandbox.ops import bundle
from sandbox.ops.bundle import Bundle, Pace
from tests.support import containers

APP = "/var/azureml-app/app"
SUMS = """import json, os, threading
VERSION = {version!r}

def init():
    {init}

def run(data):
    data = json.loads(data)["data"]
    {each}
    return VERSION if data == "who" else {{"sum": sum(data if isinstance(data, list) else [data]) + {add}}}
"""
SAMPLE = Sample("usual", b'{"data": [1, 2]}', {"sum": 3.5})


class Images:
    """Images for one test module; they are gone at its end."""

    def __init__(self, client: Any, folder: Path) -> None:
        containers.owner(folder / "builder")
        self.client, self.folder = client, folder
        self.home = Home(str(folder / "builder")).make()
        self.environment = Builder(client, self.home, quiet, made_for="tests/tests").environment(None).id
        self.made: dict[tuple[str, ...], str] = {}

    def sums(
        self, version: str, *, init: str = "pass", each: str = "pass", add: float = 0.5, count: int = 1, **spec: Any
    ) -> str:
        """The id of an image whose script says its ``version`` and adds ``add`` to sums."""
        key = (version, init, each, str(add), str(count), json.dumps(spec, sort_keys=True))
        if self.made.get(key) in self.client.images(quiet=True):  # a host may have tidied it away
            return self.made[key]
        code = self.folder / f"code-{len(self.made)}" / "app"
        code.mkdir(parents=True, exist_ok=True)
        (code / "score.py").write_text(SUMS.format(version=version, init=init, each=each, add=add))
        said = {"name": "blue", "endpoint_name": "shop", "type": "managed", "instance_type": "Standard_DS1_v2"}
        said |= {"instance_count": count, "code_configuration": {"scoring_script": "score.py"}}
        said |= {"request_settings": {"request_timeout_ms": 20000, "max_concurrent_requests_per_instance": 50}}
        content = seal.Content(
            "shop-blue",
            self.environment,
            ((APP, str(code)),),
            {"AML_APP_ROOT": APP, "AZUREML_ENTRY_SCRIPT": "score.py"},
            {**said, **spec},
        )
        self.made[key] = seal.write(self.client, content, str(self.folder / "layers"))
        return self.made[key]

    def remove(self) -> None:
        """Remove them all."""
        from docker.errors import APIError

        for image in self.made.values():
            with contextlib.suppress(APIError):  # a test has removed it
                self.client.remove_image(image, force=True)


def promotion(image: str, *steps: int, pause_s: float = 0.0, samples: tuple[Sample, ...] = (SAMPLE,)) -> Bundle:
    """What a host is sent."""
    return Bundle(
        {"name": "shop", "auth_mode": "key"}, "blue", image, "ann@laptop", samples=samples,
        pace=Pace(steps or (100,), pause_s),
    )  # fmt: skip


def sent(found: Bundle) -> dict[str, Any]:
    """The same, as it travels."""
    made: dict[str, Any] = json.loads(json.dumps(bundle.as_mapping(found)))
    return made
