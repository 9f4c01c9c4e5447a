"""Endpoints and deployments: what is asked for, and how far it gets."""

from sandbox.model.codes.code import Code

ROWS = {
    "E050": Code("no such endpoint", "No endpoint of that name exists here.", "`sandbox status` lists what there is."),
    "E051": Code(
        "no such deployment",
        "The endpoint exists, the deployment does not.",
        "`sandbox online-deployment list -e ENDPOINT` lists what there is.",
    ),
    "E052": Code(
        "deployment exists",
        "As in Azure, `create` never replaces a deployment that serves.",
        "`update` it, or delete it first.",
    ),
    "E053": Code(
        "another command is at work on it",
        "Azure answers 409 in this case. A command that died is no obstacle: say the same again, and it goes on.",
        "Wait for the other command, or end it.",
    ),
    "E054": Code(
        "deployment cannot start",
        "An instance ended before it was ready: the script does not load, init() failed, or the process was killed.",
        "The message names the failing line; correct it and say the same again.",
    ),
    "E055": Code(
        "deployment not ready in time",
        "init() still runs when the readiness probe gives up (initial_delay + period x failure_threshold seconds).",
        "Raise `readiness_probe.failure_threshold`, or look in the log what init() waits for.",
    ),
    "E056": Code(
        "traffic not possible now",
        "A deployment that does not exist, or never was ready, cannot be given requests.",
        "Create it first; `sandbox up` does everything in order.",
    ),
    "E057": Code(
        "deployment has live traffic",
        "Deleting it would leave its share of the requests without an answer; Azure refuses it too.",
        "Give its traffic to another deployment first.",
    ),
    "E058": Code(
        "port not free",
        "Each endpoint has a port of its own, kept for its life; somebody else listens on it.",
        "End the other program, or set the property `sandbox.port` of the endpoint.",
    ),
    "E059": Code(
        "gateway",
        "Envoy could not be started, does not answer, or refused a configuration. What it served before, it serves.",
        "`sandbox doctor` looks at it.",
    ),
    "E060": Code(
        "property not understood",
        "Properties that begin with `sandbox.` are settings of this program.",
        "Use one of the values that the message names.",
    ),
    "E061": Code(
        "code or model cannot be read",
        "A file or folder that a deployment names is missing or not readable.",
        "See why.",
    ),
    "E062": Code(
        "needs a container",
        "Without Docker a deployment is a Python process with a scoring script.",
        "Give it `code_configuration`, and an environment of `image` and `conda_file`.",
    ),
    "E063": Code(
        "interrupted",
        "The command was ended, or another one took its place, before the deployment was ready.",
        "Say it again: it goes on. What served before, serves.",
    ),
    "E064": Code(
        "endpoint has no such keys",
        "Its `auth_mode` is a token's, which a signing key signs (ours, or the trusted issuer's); or it is `key`.",
        "`sandbox online-endpoint get-credentials` shows what opens it.",
    ),
    "E065": Code(
        "endpoint does not answer", "Nothing listens on its port.", "`sandbox up` brings back what was there."
    ),
    "E066": Code("no such container", "Logs are kept of two containers.", "`inference-server`, `storage-initializer`."),
    "E068": Code("agent runs already", "There is one agent for each home.", "`sandbox agent stop` ends it."),
    "E069": Code("agent cannot be started", "It ended at once.", "The end of its log says why."),
    "E127": Code(
        "no earlier logs",
        "No other revision of the deployment was replaced or failed, or none of them logged anything.",
        "`sandbox online-deployment get-logs` without `--previous`.",
    ),
    "E067": Code("nothing to bring up", "None of the files describes something.", "`sandbox init DIR` makes examples."),
}
