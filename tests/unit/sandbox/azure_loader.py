"""Microsoft's own loader, azure-ai-ml, in a virtual environment of its own in the user's cache folder.

Made on first use (a minute, 140 MB) and keyed by everything that decides what is in it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conformance.reference import _only_one, cache_folder

REQUIREMENTS = ("azure-ai-ml==1.35.2", "marshmallow>=3.26,<4")

# Runs in that environment: [[kind, file], ...] on stdin, [null or error text, ...] on stdout.
PROGRAM = """
import json, logging, sys, warnings
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import azure.ai.ml as ml
loaders = {"endpoint": ml.load_online_endpoint, "deployment": ml.load_online_deployment,
           "model": ml.load_model, "environment": ml.load_environment, "connection": ml.load_connection}
def verdict(kind, file):
    try:
        loaders[kind](file)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
answers = [verdict(*case) for case in json.load(sys.stdin)]
json.dump(answers, sys.__stdout__)
"""


def installed() -> Path:
    """The environment's interpreter."""
    key = hashlib.sha256("\n".join([sys.base_prefix, *REQUIREMENTS]).encode()).hexdigest()[:8]
    python = f"{sys.implementation.name}{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    place = cache_folder() / f"azure-ai-ml-1.35.2-{python}-{key}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(place.with_suffix(".lock")):
            if not place.is_dir():
                partial = place.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                subprocess.run([sys.executable, "-m", "venv", str(partial)], check=True)
                pip = [str(partial / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS]
                done = subprocess.run(pip, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{' '.join(pip)}\n{done.stderr[-3000:]}"
                partial.rename(place)
    return place / "bin" / "python"


def verdicts(cases: list[tuple[str, Path]]) -> list[str | None]:
    """What it says about each file: None when it takes it, else its error."""
    given = json.dumps([[kind, str(file)] for kind, file in cases])
    command = [str(installed()), "-c", PROGRAM]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
