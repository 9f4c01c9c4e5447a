"""The safe-rollout story of Azure's documentation, with `sandbox` written where `az ml` stands."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.commands import PROGRAM, commands

STORY = Path(__file__).with_name("safe_rollout.sh")

SCORE = """\
import glob, json, os


def init():
    global model
    (path,) = glob.glob(os.environ["AZUREML_MODEL_DIR"] + "/*.json")
    with open(path) as file:
        model = json.load(file)


def run(data):
    return {"version": model["version"], "sum": sum(json.loads(data)["data"])}
"""

DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: COLOUR
endpoint_name: my-endpoint
model:
  path: model-N/model/weights.json
code_configuration:
  code: model-N/onlinescoring/
  scoring_script: score.py
instance_type: Standard_DS3_v2
instance_count: 1
"""

# What the documentation asks with curl, which is not everywhere.
REQUEST = """\
import sys, urllib.request
headers = dict(header.split(": ", 1) for header in sys.argv[2:])
body = open("model-1/sample-request.json", "rb").read()
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json", **headers})
sys.stdout.write(urllib.request.urlopen(request, timeout=30).read().decode())
"""


def test_the_story_of_the_documentation(tmp_path):
    with commands(tmp_path) as run:
        run.write("endpoint.yml", "$schema: x/managedOnlineEndpoint.schema.json\nname: my-endpoint\nauth_mode: key\n")
        for number, colour in ((1, "blue"), (2, "green")):
            folder = f"model-{number}"
            run.write(f"{colour}-deployment.yml", DEPLOYMENT.replace("COLOUR", colour).replace("model-N", folder))
            run.write(f"{folder}/model/weights.json", json.dumps({"version": number}))
            run.write(f"{folder}/onlinescoring/score.py", SCORE)
            run.write(f"{folder}/sample-request.json", json.dumps({"data": [1, 2, 3]}))
        run.write("request.py", REQUEST)
        story = STORY.read_text(encoding="utf-8").replace("az ml ", "sandbox ")
        assert "az ml " not in story
        prelude = textwrap.dedent(
            f"""\
            sandbox() {{ '{"' '".join(PROGRAM)}' "$@"; }}
            request() {{ '{sys.executable}' request.py "$@"; }}
            """
        )
        done = subprocess.run(
            ["bash", "-c", prelude + story],
            cwd=run.folder,
            env=run.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert done.stdout.endswith("The story is told.\n")
        assert "Operation cancelled" not in done.stderr
