"""What is read of an MLflow model, and what a deployment of one is completed with; the models are written by hand."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

from sandbox.mlflow import described, mlmodel, nocode, packages
from sandbox.model.asset import Model
from sandbox.model.deployment import CodeConfiguration, ManagedDeployment
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.model.errors import SandboxError
from sandbox.spec.load import examine

CONDA = """channels: [conda-forge]
dependencies:
- python=3.11.7
- pip<=23.2.1
- pip:
  - mlflow==2.16.0
  - scikit-learn==1.5.0
  - pandas==2.2.2
name: mlflow-env
"""
COLUMNS = [{"type": "double", "name": "age"}, {"type": "string", "name": "city"}]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]


@pytest.fixture
def write(tmp_path):
    """Write a model's folder; return its path."""

    def to(name="model", *, flavors=None, signature=None, example=None, files=None, **more):
        folder = tmp_path / name
        folder.mkdir()
        said = {
            "flavors": {"python_function": {"loader_module": "x"}} if flavors is None else flavors,
            "mlflow_version": "2.16.0",
            "signature": {key: json.dumps(value) for key, value in (signature or {}).items()},
            "saved_input_example_info": example or {},
            **more,
        }
        (folder / "MLmodel").write_text(json.dumps(said))
        for file, text in (files or {}).items():
            (folder / file).write_text(text)
        return str(folder)

    return to


def deployment(path, **more):
    return ManagedDeployment("blue", "shop", model=Model("iris", "3", path, type="mlflow_model"), **more)


def refused(folder):
    with pytest.raises(SandboxError) as found:
        mlmodel.read(str(folder))
    return found.value


# --- MLmodel ---------------------------------------------------------------------------------------------------------


def test_a_folder_without_mlmodel_is_refused_and_the_one_inside_it_named(write, tmp_path):
    write("inner")
    error = refused(tmp_path)
    assert (error.code, error.fix) == ("E125", f"path: {tmp_path}/inner")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty").fix == "name the folder that MLflow wrote, or another type"


def test_a_file_is_no_model(write):
    folder = write(files={"model.pkl": ""})
    error = refused(f"{folder}/model.pkl")
    assert (error.code, error.fix) == ("E125", f"path: {folder}")
    assert refused(__file__).fix == "name the folder that MLflow wrote, or type: custom_model"
    assert refused(f"{folder}/nothing").what == f"the model's folder {folder}/nothing cannot be read"


@pytest.mark.parametrize(
    "text", ["[", "flavors: 1", "[1]", "", "\x00", "flavors: {python_function: {}}\nsignature: {inputs: '['}"]
)
def test_what_mlflow_did_not_write_is_refused(tmp_path, text):
    (tmp_path / "MLmodel").write_text(text)
    assert refused(tmp_path).code == "E125"


def test_a_model_without_a_flavour_that_serves_is_refused_with_those_it_has(write):
    error = refused(write(flavors={"spark": {}, "mleap": {}}))
    assert (error.code, error.why) == ("E126", "it has spark, mleap")


def test_the_signature_is_read(write):
    found = mlmodel.read(write(signature={"inputs": COLUMNS, "outputs": TENSOR}))
    assert (list(found.inputs), list(found.outputs), found.params) == (COLUMNS, TENSOR, None)
    assert mlmodel.read(write("other", signature={"inputs": {"of": "a later kind"}})).inputs is None


# --- Packages --------------------------------------------------------------------------------------------------------


def lines(folder, which="skinny"):
    found = packages.of(mlmodel.read(folder), which)
    (pip,) = [entry["pip"] for entry in found.environment.conda["dependencies"] if isinstance(entry, dict)]
    return pip, [entry for entry in found.environment.conda["dependencies"] if not isinstance(entry, dict)], found


def test_the_conda_file_is_taken_with_the_small_mlflow(write):
    folder = write(files={"conda.yaml": CONDA})
    pip, conda, found = lines(folder)
    assert pip == ["mlflow-skinny==2.16.0", "scikit-learn==1.5.0", "pandas==2.2.2", "setuptools<81", "numpy"]
    assert conda == ["python=3.11.7", "pip<=23.2.1"]
    assert found.environment.conda_file == f"{folder}/conda.yaml"
    assert found.notes == (
        "mlflow-skinny==2.16.0 instead of mlflow==2.16.0: all that serving needs; property sandbox.mlflow: full",
    )


def test_all_of_mlflow_is_installed_where_that_is_asked_for(write):
    pip, _, found = lines(write(files={"conda.yaml": CONDA}), "full")
    assert (pip[0], pip[3:], found.notes) == ("mlflow==2.16.0", ["setuptools<81"], ())


def test_without_a_conda_file_requirements_and_the_python_are_taken(write):
    files = {
        "requirements.txt": "\ufeffmlflow\n# a comment\n\nscikit-learn==1.5.0\n",
        "python_env.yaml": "python: 3.10.2",
    }
    pip, conda, _ = lines(write(files=files))
    assert pip == ["mlflow-skinny==2.16.0", "scikit-learn==1.5.0", "setuptools<81", "numpy", "pandas<3"]
    assert conda == ["python=3.10.2"]
    flavors = {"python_function": {"python_version": "3.12.1", "env": "env.yaml"}}
    assert lines(write("bare", flavors=flavors))[:2] == (
        ["mlflow-skinny==2.16.0", "setuptools<81", "numpy", "pandas<3"],
        ["python=3.12.1"],
    )
    files = {"env.yaml": CONDA}
    assert lines(write("named", flavors=flavors, files=files))[1][0] == "python=3.11.7"


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        (["mlflow-skinny==3.1", "numpy"], ["mlflow-skinny==3.1", "numpy", "pandas"]),
        (["MLflow >= 2, <3", "Pandas"], ["mlflow-skinny>= 2, <3", "Pandas", "numpy"]),
        (["mlflow", "numpy", "pandas"], ["mlflow-skinny==3.1.0", "numpy", "pandas"]),
        (["mlflow[gateway]==2.16.0"], ["mlflow[gateway]==2.16.0"]),
        (["mlflow @ https://x/y.whl"], ["mlflow @ https://x/y.whl"]),
        (["x", "numpy~=1.0", "pandas[y]>1"], ["x", "numpy~=1.0", "pandas[y]>1", "mlflow-skinny==3.1.0"]),
    ],
)
def test_there_is_always_an_mlflow_that_can_serve(write, pip, expected):
    content = json.dumps({"dependencies": ["python=3.11", {"pip": pip}]})
    assert lines(write(files={"conda.yaml": content}, mlflow_version="3.1.0"))[0] == expected


def test_conda_packages_count(write):
    content = json.dumps({"dependencies": ["conda-forge::mlflow=2.16", "setuptools", "pandas"]})
    pip, conda, found = lines(write(files={"conda.yaml": content}))
    assert (pip, conda, found.notes) == ([], ["conda-forge::mlflow=2.16", "setuptools", "pandas"], ())


def test_an_old_mlflow_gets_the_numpy_of_its_time(write):
    folder = write(files={"requirements.txt": "mlflow==1.30.0"}, mlflow_version="1.30.0")
    assert lines(folder)[0] == ["mlflow-skinny==1.30.0", "setuptools<81", "numpy<2", "pandas<3"]


def test_another_value_of_the_property_is_refused(write):
    with pytest.raises(SandboxError, match=r"E060.*sandbox.mlflow is 'some'"):
        nocode.check(deployment(write(), properties={"sandbox.mlflow": "some"}))


# --- Example, document -----------------------------------------------------------------------------------------------


def test_the_example_that_was_logged_is_shown_in_azures_words(write):
    split = {"columns": ["age"], "data": [[1.0], [2.0]]}
    example = {"artifact_path": "in.json", "serving_input_path": "serve.json", "type": "dataframe"}
    files = {"in.json": "{}", "serve.json": json.dumps({"dataframe_split": split, "params": {"top": 1}})}
    expected = {"input_data": {"columns": ["age"], "index": [0, 1], "data": [[1.0], [2.0]]}, "params": {"top": 1}}
    assert described.sample(mlmodel.read(write(example=example, files=files))) == expected
    files = {"in.json": json.dumps({"inputs": [[1, 2]]})}
    assert described.sample(mlmodel.read(write("older", example=example, files=files))) == {"input_data": [[1, 2]]}


def test_without_an_example_the_signature_makes_one(write):
    params = [
        {"name": "top", "type": "long", "default": None, "shape": None},
        {"name": "stop", "dtype": "string", "shape": [-1]},
    ]
    found = described.sample(mlmodel.read(write(signature={"inputs": COLUMNS, "params": params})))
    assert found["input_data"] == {"columns": ["age", "city"], "index": [0], "data": [[1.0, "text"]]}
    assert found["params"] == {"top": 1, "stop": ["text"]}
    assert described.sample(mlmodel.read(write("t", signature={"inputs": TENSOR}))) == {"input_data": [[0.0, 0.0]]}
    assert described.sample(mlmodel.read(write("none"))) is None
    image = [{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 224, 224, 3]}}]
    assert described.sample(mlmodel.read(write("image", signature={"inputs": image}))) is None


@given(
    st.lists(st.sampled_from([-1, 1, 2, 3]), min_size=1, max_size=4),
    st.sampled_from(["float32", "int64", "bool", "int32"]),
)
def test_a_tensor_is_described_as_azure_does(shape, dtype):
    import numpy as np

    spec = [{"type": "tensor", "name": "x", "tensor-spec": {"dtype": dtype, "shape": shape}}]
    model = mlmodel.MlflowModel("", {}, inputs=tuple(spec))
    sample = np.zeros([max(side, 1) for side in shape], dtype)
    azures = StandardPythonParameterType({"x": NumpyParameterType(sample)}).input_to_swagger()
    ours = described.documents(model, "shop")["swagger2.json"]["definitions"]["ServiceInput"]["properties"][
        "input_data"
    ]
    assert ours["properties"] == azures["properties"]
    assert described.sample(model)["input_data"]["x"] == sample.tolist()


def test_the_documents_describe_request_and_answer(write):
    outputs = [{"type": "double", "name": "p"}]
    params = [{"name": "top", "type": "long", "default": 3, "shape": None}]
    folder = write(signature={"inputs": COLUMNS, "outputs": outputs, "params": params})
    found = described.documents(mlmodel.read(folder), "shop")
    assert sorted(found) == ["swagger2.json", "swagger3.1.json", "swagger3.json"]
    request = found["swagger3.json"]["components"]["schemas"]["ServiceInput"]
    assert request["properties"]["input_data"]["description"] == "Columns: age (double), city (string)"
    assert request["properties"]["params"]["properties"] == {
        "top": {"type": "integer", "format": "int64", "default": 3}
    }
    assert request["example"]["params"] == {"top": 3}
    answer = found["swagger2.json"]["definitions"]["ServiceOutput"]
    assert answer["items"]["properties"] == {"p": {"type": "number", "format": "double"}}
    assert (found["swagger2.json"]["swagger"], found["swagger3.1.json"]["openapi"]) == ("2.0", "3.1.0")


# --- Deployments -----------------------------------------------------------------------------------------------------


def test_a_deployment_of_a_model_alone_gets_script_environment_and_example(write, tmp_path):
    wanted = deployment(write(signature={"inputs": COLUMNS}, files={"conda.yaml": CONDA}))
    assert nocode.without_code(wanted)
    done = nocode.complete(wanted, str(tmp_path / "made"), container=False)
    assert done.code == f"{tmp_path}/made/mlflow_resources"
    assert done.deployment.code_configuration == CodeConfiguration(done.code, "mlflow_score_script.py")
    assert done.deployment.environment_variables == {"MLFLOW_MODEL_FOLDER": "model"}
    assert done.deployment.environment.conda_file == f"{wanted.model.path}/conda.yaml"
    assert sorted(os.listdir(done.code)) == [
        "mlflow_payload.py", "mlflow_score_script.py", "sample-request.json",
        "swagger2.json", "swagger3.1.json", "swagger3.json",
    ]  # fmt: skip
    assert json.loads(Path(done.code, "sample-request.json").read_text())["input_data"]["index"] == [0]
    assert [note.partition(":")[0] for note in done.notes] == [
        "environment", "mlflow-skinny==2.16.0 instead of mlflow==2.16.0", "scoring script",
    ]  # fmt: skip
    assert nocode.complete(wanted, str(tmp_path / "made"), container=False) == done, "a second time writes the same"


def test_what_is_given_stays(write, tmp_path):
    path = write(files={"conda.yaml": CONDA})
    code = CodeConfiguration(str(tmp_path), "score.py")
    own = Environment(image="i", conda={"dependencies": ["mlflow"]})
    both = deployment(path, code_configuration=code, environment=own)
    assert nocode.complete(both, "/nowhere", container=False) == nocode.Completed(both)
    done = nocode.complete(replace(both, environment=None), "/nowhere", container=False)
    assert (done.code, done.deployment.code_configuration) == (None, code)
    assert done.deployment.environment.conda["dependencies"][0] == "python=3.11.7"
    done = nocode.complete(replace(both, code_configuration=None), str(tmp_path), container=False)
    assert (done.code is None, done.deployment.environment) == (False, own)
    assert done.notes == ("scoring script: generated, with Azure's payloads",), "no signature, no example"


def test_an_image_counts_in_a_container_and_cannot_be_used_without(write, tmp_path):
    wanted = deployment(write(files={"conda.yaml": CONDA}), environment=Environment("mine", "1", image="i"))
    assert nocode.complete(wanted, str(tmp_path), container=True).deployment.environment == wanted.environment
    found = nocode.complete(wanted, str(tmp_path), container=False).deployment.environment
    assert (found.name, found.conda["dependencies"][0]) == ("mine", "python=3.11.7")
    built = replace(wanted, environment=Environment(build=Build("/context")))
    assert nocode.complete(built, str(tmp_path), container=True).deployment.environment == built.environment


def test_other_models_and_containers_with_a_server_of_their_own_are_left_alone(write):
    route = Route(8080, "/")
    own = Environment(image="i", inference_config=InferenceConfig(route, route, route))
    served = deployment(write(), environment=own)
    custom = replace(served, model=Model("m", "1", "/m"), environment=None)
    for wanted in (served, custom, replace(served, model=None)):
        assert nocode.complete(wanted, "/nowhere", container=True) == nocode.Completed(wanted)
        assert not nocode.without_code(wanted)
        nocode.check(wanted)


def test_a_model_that_cannot_be_served_is_told_before_anything_is_begun(tmp_path):
    with pytest.raises(SandboxError, match="E125"):
        nocode.check(deployment(str(tmp_path)))
    with pytest.raises(SandboxError, match=r"E125.*'blue' has no path"):
        nocode.check(deployment(None))
    nocode.check(deployment("azureml://jobs/x/outputs/model"))  # told where it would be copied


def test_such_a_file_validates(write, tmp_path):
    write()
    file = tmp_path / "blue.yml"
    text = "name: blue\nendpoint_name: shop\nmodel: {path: model, type: mlflow_model}\ninstance_type: Standard_DS2_v2\n"
    file.write_text(f"{text}instance_count: 1\n")
    assert examine(str(file)).problems == ()


def test_what_is_no_model_of_mlflow_is_shown_where_the_file_names_it(tmp_path):
    (tmp_path / "model").mkdir()
    file = tmp_path / "blue.yml"
    file.write_text("name: blue\nendpoint_name: shop\nmodel:\n  path: model\n  type: mlflow_model\n")
    problems = [(one.code, one.place.line) for one in examine(str(file)).problems if one.code.startswith("E")]
    assert ("E125", 4) in problems
