"""The keys of models and environments, as files of their own and inside a deployment (spec section 2)."""

from dataclasses import replace
from typing import Any

from sandbox.model.asset import Model, TemplateReference
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.spec.files import Conda, PathTo
from sandbox.spec.keys_shared import CREATION, DESCRIPTION, ID, PROPERTIES, TAGS
from sandbox.spec.record import Key, Record
from sandbox.spec.values import Anything, Choice, Many, Table, Text, Whole

TEMPLATE = Record(
    TemplateReference,
    (Key("asset_id", Text(), "`azureml://registries/R/deploymenttemplates/NAME/versions/VERSION`."),),
    "a deployment template",
    ignores_schema=False,
)

_MODEL_KEYS = (
    Key(
        "name",
        Text(),
        "The model's name.",
        "Inside a deployment it may be missing: the model is then named by the hash of its content, version 1.",
    ),
    Key("version", Text("take"), "Its version; a number is taken as text.", "Absent: the next number."),
    Key(
        "path",
        PathTo(),
        "The file or folder, or an address (`azureml://...`, `https://...`, `runs:/...`).",
        "A folder keeps its own name below AZUREML_MODEL_DIR.",
        "Must exist.",
    ),
    Key(
        "type",
        Choice(("custom_model", "mlflow_model", "triton_model"), str.lower),
        "What lies in the folder; mlflow_model and triton_model need no script.",
    ),
    DESCRIPTION,
    TAGS,
    PROPERTIES,
    Key("flavors", Table(Anything(), any_key=True), "MLflow's flavours.", ours="Kept."),
    Key("stage", Text(), "A stage of its life, such as Production.", ours="Kept."),
    Key("datastore", Text(), "Where Azure uploads it to.", ours="Kept."),
    Key("system_metadata", Table(Anything(), any_key=True), "Metadata of the catalogue.", ours="Kept."),
    Key("default_deployment_template", TEMPLATE, "A template in a registry.", ours="Kept."),
    Key("allowed_deployment_templates", Many(TEMPLATE), "Templates in a registry.", ours="Kept."),
    ID,
    CREATION,
    *(
        Key(name, Anything(), "As `show` prints it.", ours="Ignored.", kept=False)
        for name in ("utc_time_created", "job_name", "latest_version", "intellectual_property")
    ),
)

MODEL_INLINE = Record(
    Model,
    _MODEL_KEYS,
    "a model",
    hints={"local_path": "write path", "model_uri": "write path", "model_path": "write path"},
)
MODEL = replace(MODEL_INLINE, keys=(replace(_MODEL_KEYS[0], required=True), *_MODEL_KEYS[1:]))

ROUTE = Record(
    Route,
    (
        Key("port", Whole(), "The port in the container.", required=True),
        Key("path", Text(), "The path, such as /v1/models/m:predict.", required=True),
    ),
    "a route",
    ignores_schema=False,
)

INFERENCE_CONFIG = Record(
    InferenceConfig,
    (
        Key("liveness_route", ROUTE, "Where an instance says that it is alive.", required=True),
        Key("readiness_route", ROUTE, "Where an instance says that it can answer.", required=True),
        Key("scoring_route", ROUTE, "Where it is asked.", required=True),
    ),
    "inference_config",
    hints={"startup_route": "Azure has liveness_route, readiness_route and scoring_route: remove it"},
    ignores_schema=False,
)

BUILD = Record(
    Build,
    (
        Key(
            "path",
            PathTo("folder", schemes=("https", "http", "ftp", "ftps")),
            "The folder, or an address.",
            ours="Must exist.",
        ),
        Key(
            "dockerfile_path",
            Text(),
            "The Dockerfile in it.",
            "Locally, leaving it out crashes.",
            "Dockerfile, as the service does.",
        ),
    ),
    "build",
    ignores_schema=False,
)


def _environment(*, conda: tuple[dict[str, Any], str | None] | None = None, **values: Any) -> Environment:
    content, file = conda or (None, None)
    return Environment(conda=content, conda_file=file, **values)


_environment.makes = Environment  # type: ignore[attr-defined]  # where the defaults are looked up

_CONDA_FILE = "this is a conda file: put it beside and write conda_file: PATH and image: IMAGE here"

_ENVIRONMENT_KEYS = (
    Key(
        "name",
        Text(),
        "The environment's name.",
        "Inside a deployment it may be missing: the environment is then named by the hash of its content.",
    ),
    Key("version", Text("take"), "Its version; a number is taken as text.", "Absent: the next number."),
    DESCRIPTION,
    Key("image", Text(), "A Docker image, or the base that conda_file is installed into."),
    Key("build", BUILD, "A Docker build instead of an image."),
    Key(
        "conda_file",
        Conda(),
        "A conda file, or its content.",
        "Must exist; what is in it is not looked at.",
        "Must exist and be YAML.",
        field="conda",
    ),
    Key(
        "inference_config",
        INFERENCE_CONFIG,
        "The routes of a container that brings its own server.",
        "All three are needed.",
    ),
    Key("os_type", Choice(("linux", "windows"), str.lower), "The operating system.", ours="Kept."),
    replace(TAGS, reader=Table(Anything())),
    Key("datastore", Text(), "Where Azure uploads the build folder to.", ours="Kept."),
    ID,
    CREATION,
    *(
        Key(name, Anything(), "As `show` prints it.", ours="Ignored.", kept=False)
        for name in ("latest_version", "intellectual_property", "auto_delete_setting")
    ),
)
_ENVIRONMENT_HINTS = {
    "channels": _CONDA_FILE,
    "dependencies": _CONDA_FILE,
    "docker": "write image: IMAGE, or build: with path: FOLDER",
    "python": "the Python version stands in the conda file",
}

ENVIRONMENT_INLINE = Record(_environment, _ENVIRONMENT_KEYS, "an environment", hints=_ENVIRONMENT_HINTS)
ENVIRONMENT = replace(ENVIRONMENT_INLINE, keys=(replace(_ENVIRONMENT_KEYS[0], required=True), *_ENVIRONMENT_KEYS[1:]))
