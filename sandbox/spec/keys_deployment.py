"""The keys of managed and Kubernetes online deployments (spec section 2)."""

from sandbox.model.deployment import CodeConfiguration, KubernetesDeployment, ManagedDeployment
from sandbox.model.serving import Probe, RequestSettings, ResourceAmounts, Resources, ScaleSettings
from sandbox.spec.assets import Asset, EnvironmentValue
from sandbox.spec.files import PathTo
from sandbox.spec.keys_assets import ENVIRONMENT_INLINE, MODEL_INLINE
from sandbox.spec.keys_collector import COLLECTOR
from sandbox.spec.keys_shared import CREATION, DESCRIPTION, ID, PROPERTIES, STATE, TAGS
from sandbox.spec.record import Key, Record
from sandbox.spec.values import Choice, Table, Text, Truth, Whole

CODE = Record(
    CodeConfiguration,
    (
        Key("code", PathTo("folder"), "The folder with the code.", "Checked when sent.", "Must exist."),
        Key(
            "scoring_script",
            Text(),
            "The script in it that has init() and run().",
            "Parsed before a cloud create.",
            "Must exist, parse and have both functions; it is not imported.",
        ),
    ),
    "code_configuration",
)

REQUESTS = Record(
    RequestSettings,
    (
        Key(
            "request_timeout_ms",
            Whole(),
            "How long one request may take, in milliseconds.",
            "At most 180000, on Kubernetes 300000 (service).",
            "The same, checked when loading.",
        ),
        Key(
            "max_concurrent_requests_per_instance",
            Whole(),
            "How many requests an instance is given at once.",
            "Set WORKER_COUNT to the same number.",
        ),
        Key("max_queue_wait_ms", Whole(), "How long a request may wait.", "Deprecated, still accepted."),
    ),
    "request_settings",
    ignores_schema=False,
)

PROBE = Record(
    Probe,
    (
        Key("initial_delay", Whole(), "Seconds before the first question."),
        Key("period", Whole(), "Seconds between two questions."),
        Key("timeout", Whole(), "Seconds to wait for an answer."),
        Key("success_threshold", Whole(), "Good answers in a row that make it well.", "1 for liveness."),
        Key("failure_threshold", Whole(), "Bad answers in a row that make it ill."),
    ),
    "a probe",
    hints={
        "path": "the route belongs into environment.inference_config",
        "port": "the route belongs into environment.inference_config",
        "scheme": "remove it: probes are plain HTTP",
    },
    ignores_schema=False,
)

SCALE = Record(
    ScaleSettings,
    (
        Key(
            "type",
            Choice(("default", "target_utilization")),
            "`default`: always instance_count. `target_utilization`: by load.",
            "Managed deployments have default only (service).",
            "The same, checked when loading.",
            required=True,
        ),
        Key("min_instances", Whole(), "The fewest instances."),
        Key("max_instances", Whole(), "The most instances."),
        Key("target_utilization_percentage", Whole(), "How busy the instances shall be."),
        Key("polling_interval", Whole(), "Seconds between two looks at the load."),
    ),
    "scale_settings",
    ignores_schema=False,
)

AMOUNTS = Record(
    ResourceAmounts,
    (
        Key("cpu", Text("wide"), 'Cores: "1", "0.5" or "500m".', "A number without quotes is refused."),
        Key("memory", Text("wide"), 'Bytes: "512Mi", "2Gi".', "A number without quotes is refused."),
        Key("gpu", Text("wide"), "GPUs.", "A number without quotes is refused.", also="nvidia.com/gpu"),
    ),
    "an amount of resources",
    ignores_schema=False,
)

RESOURCES = Record(
    Resources,
    (
        Key("requests", AMOUNTS, "What an instance has at least."),
        Key("limits", AMOUNTS, "What it has at most."),
    ),
    "resources",
    ignores_schema=False,
)

_COMMON = (
    Key(
        "name",
        Text(),
        "The deployment's name: letters, digits and dashes, 3 to 32, a letter first.",
        "Lower-cased; pattern and length are checked by the service.",
        "Both are checked when loading.",
        required=True,
    ),
    Key("endpoint_name", Text(), "The endpoint that it belongs to.", required=True),
    DESCRIPTION,
    TAGS,
    PROPERTIES,
    Key(
        "type",
        Choice(("managed", "kubernetes")),
        "Which of the two kinds it is.",
        "Only the exact word kubernetes counts: Kubernetes is read as managed.",
        "Any case counts, with a warning.",
        kept=False,
        shown_default="managed",
    ),
    Key(
        "model",
        Asset("model", MODEL_INLINE),
        "The model.",
        "References: `azureml:N:V`, `azureml:N@label`, ARM ids, registries (managed only).",
        "May be missing.",
    ),
    Key("model_mount_path", Text(), "Where in the container the model is mounted.", "With inference_config."),
    Key("code_configuration", CODE, "Code folder and scoring script.", "Not for MLflow, Triton and own servers."),
    Key(
        "environment",
        Asset("environment", ENVIRONMENT_INLINE, file=True),
        "What it runs in; `file:env.yml` is a file that describes one.",
        "Needed, but for MLflow and Triton.",
        "May be missing.",
    ),
    Key(
        "environment_variables",
        Table(EnvironmentValue(), any_key=True),
        "Variables for the container; they win over those that are set anyway.",
        "true is passed as True.",
        "Kept as written.",
    ),
    Key("instance_count", Whole(), "How many copies run.", "Needed, says the documentation; 0 loads."),
    Key("app_insights_enabled", Truth(), "Whether requests are sent to Application Insights."),
    Key("request_settings", REQUESTS, "Limits of one request."),
    Key("liveness_probe", PROBE, "When an instance counts as dead and is started again."),
    Key("readiness_probe", PROBE, "When an instance gets requests."),
    Key(
        "startup_probe",
        PROBE,
        "When an instance counts as started.",
        "Refused by the loader.",
        "Taken, with a warning.",
        wide="it is in Azure's REST interface, its YAML loader does not know it",
    ),
    Key("scale_settings", SCALE, "How the number of instances is chosen."),
    Key("data_collector", COLLECTOR, "Which requests and answers are kept."),
    STATE,
    ID,
    CREATION,
)

_TYPE = Text()
_ELSEWHERE = {
    "traffic": "it belongs into the endpoint",
    "auth_mode": "it belongs into the endpoint",
    "package_model": "it is the flag --package-model of the command line",
    "scoring_script": "write it below code_configuration",
    "code": "write it below code_configuration",
    "image": "write it below environment",
    "conda_file": "write it below environment",
    "sku": "write instance_type",
}

MANAGED_DEPLOYMENT = Record(
    ManagedDeployment,
    (
        *_COMMON,
        Key("instance_type", _TYPE, "The size of the machine, such as Standard_DS3_v2.", "Needed.", required=True),
        Key(
            "egress_public_network_access",
            Choice(("enabled", "disabled"), str.lower),
            "Whether the code can reach the internet.",
        ),
        Key("private_network_connection", Truth(), "A preview of Azure's.", ours="Kept."),
    ),
    "a managed online deployment",
    hints={**_ELSEWHERE, "resources": "Azure has it with type: kubernetes only; here instance_type is the size"},
)

KUBERNETES_DEPLOYMENT = Record(
    KubernetesDeployment,
    (
        *_COMMON,
        Key("instance_type", _TYPE, "The instance type that the cluster defines."),
        Key("resources", RESOURCES, "What an instance has at least and at most."),
    ),
    "a Kubernetes online deployment",
    hints={
        **_ELSEWHERE,
        "egress_public_network_access": "Azure has it for managed deployments only: remove it",
        "private_network_connection": "Azure has it for managed deployments only: remove it",
    },
)
