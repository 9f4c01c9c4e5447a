"""Real MLflow models, deployed without code or environment, and asked with Azure's payloads."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import templates
from sandbox.api import Edit
from sandbox.environment import shelf
from sandbox.home import Home
from tests.support.boxes import box_in
from tests.support.gateways import ask
from tests.support.mlflow_models import models

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets"),
    pytest.mark.slow,
    pytest.mark.timeout(600),  # the first time, packages are installed
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with models(tmp_path_factory.mktemp("models")) as found:
        yield found


@pytest.fixture
def box(made, tmp_path):
    with box_in(tmp_path, made.home) as found:
        found.api.online_endpoints.create(found.endpoint())
        yield found


def deployment(box, model, **keys):
    """Write the file of a deployment without code; return its path."""
    path = box.folder / "blue.yml"
    said = {"name": "blue", "endpoint_name": "shop", "model": {"path": str(model), "type": "mlflow_model"}, **keys}
    path.write_text(json.dumps({"instance_type": "Standard_DS1_v2", "instance_count": 1, **said}))
    return str(path)


def score(box, input_data, **more):
    """The status and the answer of the model itself; the gateway makes a 424 of a 400, as Azure's does."""
    headers = {"azureml_model_deployment": "blue", "content_type": "application/json"}
    reply = ask(box.port(), key=box.key(), body=json.dumps({"input_data": input_data, **more}), **headers)
    return int(reply.headers.get("ms-azureml-model-error-statuscode", reply.status)), reply.json()


def test_a_model_alone_is_deployed_and_answers(made, box, tmp_path):
    events = []
    model = tmp_path / "moved-later"
    shutil.copytree(made.folder / "columns", model)
    shown = box.api.online_deployments.create(deployment(box, model), report=events.append).as_azure()
    assert shown["provisioning_state"] == "Succeeded"
    assert "code_configuration" not in shown, "what was left out is not shown as if it had been written"
    assert [one.key for one in shelf.built(Home(str(made.home)))] == [made.interpreter.key]

    (note,) = [event.text for event in events if "a request to try: " in event.text]
    example = json.loads(Path(note.partition("a request to try: ")[2]).read_text())
    assert example["input_data"]["data"] == [[20.0, 1], [30.0, 2]]
    assert score(box, **example) == (200, [0, 0])
    assert score(box, {"columns": ["visits", "age"], "data": [[9, 70]]}) == (200, [1])
    refused = "input_data.data[0][0]: \"old\" in column 'age', which is double"
    assert score(box, {"columns": ["age", "visits"], "data": [["old", 9]]}) == (400, {"message": refused})
    swagger = ask(box.port(), "/swagger.json?version=3", key=box.key(), method="GET", azureml_model_deployment="blue")
    assert swagger.json()["components"]["schemas"]["ServiceInput"]["example"] == example

    model.rename(tmp_path / "moved")
    edits = [Edit("set", ("environment_variables", "WHO"), "x")]
    box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)
    assert [one.revision for one in box.instances("blue")] == ["2"], "made again of what was laid out before"
    assert score(box, example["input_data"]) == (200, [0, 0])


ASK = """
import json, os, sys
from inference_http.compat import names
names.install()
script, folder = sys.argv[1:3]
sys.path.insert(0, os.path.dirname(script))
found = {}
for name, bodies in json.loads(sys.argv[3]).items():
    os.environ.update(AZUREML_MODEL_DIR=folder, MLFLOW_MODEL_FOLDER=name)
    space = {"__name__": "score"}
    exec(compile(open(script).read(), script, "exec"), space)
    try:
        space["init"]()
    except Exception as error:
        found[name] = str(error)
        continue
    found[name] = []
    for body in bodies:
        answer = space["run"](json.dumps(body), {"Content-Type": "application/json", "Content-Length": "1"})
        if hasattr(answer, "status_code"):
            answer = [answer.status_code, json.loads(answer.get_data())["message"]]
        found[name].append(json.loads(json.dumps(answer, default=lambda value: value.tolist())))
print(json.dumps(found))
"""
TEXTS = {"columns": ["text", "when"], "data": [["ab", "2024-05-06T07:08:09"]]}
CASES = {
    "tensor": [
        ({"input_data": [[20, 1], [70, 9]]}, [0, 1]),
        ({"input_data": [[20]]}, [400, "input_data: the shape is [1, 1], the model takes [-1, 2] (-1 is any number)"]),
    ],
    "params": [
        ({"input_data": TEXTS}, [{"text": "abab", "when": "2024-05-06 07:08:09"}]),
        ({"input_data": TEXTS, "params": {"times": 1}}, [{"text": "ab", "when": "2024-05-06 07:08:09"}]),
        ({"input_data": TEXTS, "params": {"times": "x"}}, [400, 'params.times: "x" is no long']),
    ],
    "tensors": [
        ({"input_data": {"a": [1, 2], "b": [[1, 2.5]]}}, {"a": 3, "b": 3.5}),
        ({"input_data": {"a": [1, 2]}}, [400, "input_data.b: missing; the model takes the tensors a, b"]),
    ],
    "lists": [  # which MLflow alone judges
        ({"input_data": {"columns": ["values"], "data": [[[1.5, 2.0]], [[]]]}}, [2, 0]),
        ({"input_data": {"columns": ["values"], "data": [[["x"]]]}}, [400, "input_data: does not fit the signature"]),
    ],
    "plain": [
        ({"input_data": [[1, 2], [3, 4]]}, [{"sum": 3.0}, {"sum": 7.0}]),
        ({"input_data": {"columns": ["x"], "index": [0], "data": [[5]]}}, [{"sum": 5.0}]),
        ({"input_data": {"a": [1, 2]}}, {"a": 3}),
    ],
}


def asked(made, bodies):
    """What the script answers for each model, in one process of the models' environment; for one that fails, why."""
    script = str(templates.path("mlflow/score.py"))
    words = [made.interpreter.python, "-c", ASK, script, str(made.folder), json.dumps(bodies)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=made.folder, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_each_kind_of_signature_takes_azures_payload_for_it(made):
    found = asked(made, {name: [body for body, _ in cases] for name, cases in CASES.items()})
    (status, message), expected = found["lists"][1], CASES["lists"][1][1]
    assert [status, message[: len(expected[1])]] == expected, "MLflow's own words come after"
    found["lists"][1] = expected
    assert found == {name: [answer for _, answer in cases] for name, cases in CASES.items()}


def test_a_model_that_does_not_load_in_another_python_says_which_one_logged_it(made):
    broken = made.folder / "broken"
    shutil.copytree(made.folder / "plain", broken)
    (broken / "python_model.pkl").write_bytes(b"cut off")
    described = (broken / "MLmodel").read_text()
    (broken / "MLmodel").write_text(re.sub("python_version: .*", "python_version: 3.6.9", described))
    found = asked(made, {"broken": []})["broken"]
    assert ": logged with Python 3.6.9, loaded with {}.{}; ".format(*sys.version_info) in found
