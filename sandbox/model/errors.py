"""Every error that a user can meet, in one table, and the one class that carries them.

``docs/error-codes.md`` is written from the table (``sandbox.spec.pages``). A code is never given a second meaning and
never used again after it is gone: people search for it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table: what the number stands for and what usually helps."""

    title: str
    meaning: str
    remedy: str


CODES: dict[str, Code] = {
    # --- The program itself ---
    "E001": Code(
        "a package is missing",
        "The command needs a package of the extra `sandbox`, which is not installed where the command runs.",
        "`pip install 'endpoint-sandbox[sandbox]'`",
    ),
    "E002": Code(
        "internal error",
        "A bug of this program, not of your files.",
        "Say the command again with `--debug` and report what it prints.",
    ),
    "E003": Code(
        "state folder cannot be used",
        "The folder in which everything is remembered (`SANDBOX_HOME`, else the platform's state folder) cannot be "
        "made or written.",
        "Set `SANDBOX_HOME` to a folder of yours.",
    ),
    "E004": Code(
        "a state file is damaged",
        "A file below `SANDBOX_HOME` is not what this program wrote.",
        "Restore it; or remove it, and say the command again.",
    ),
    "E005": Code(
        "another command holds the lock",
        "Locks are held for milliseconds; one that stays belongs to a process that is stopped.",
        "Try again; if it stays, end the other command.",
    ),
    # --- The command line ---
    "E010": Code(
        "command line",
        "A flag has a value that it does not take, or flags do not go together. What argparse itself refuses has no "
        "code; both end with exit code 2.",
        "`--help` behind the command shows its flags and examples.",
    ),
    "E011": Code("query", "The text behind `--query` is no JMESPath.", "Look at jmespath.org; quote it for the shell."),
    "E012": Code(
        "the model's answer",
        "`invoke` was answered with a status other than 200 or 201. 424 carries what the model itself said.",
        "Look at the answer, then at `sandbox online-deployment get-logs`.",
    ),
    "E013": Code(
        "not in the sandbox",
        "The command belongs to a part of Azure ML that the sandbox does not have.",
        "Run the line with `az ml`, or leave it out here.",
    ),
    "E015": Code("file exists", "`sandbox init` writes nothing over, or could not write.", "Choose another folder."),
    "E016": Code("file named in a flag", "It is missing, or cannot be read.", "Correct the path."),
    "E018": Code(
        "cannot be described so",
        "Calls of the API take a path, a mapping as it stands in a file, our own objects, or those of Azure's SDK.",
        "Give one of them.",
    ),
    "E017": Code(
        "no table",
        "The result has nothing that a table could show: tables leave out id, type, etag and what is nested.",
        "Choose with `--query`, or another `--output`.",
    ),
    # --- Reading a file ---
    "E020": Code("file cannot be read", "It is missing, is a folder, or may not be read.", "Correct the path."),
    "E021": Code("file is not text", "The file is not UTF-8 (or UTF-16 with a mark).", "Save it as UTF-8."),
    "E022": Code(
        "file is too large",
        "Larger than 256 KiB, nested deeper than 50 levels, or aliases make more than 20,000 values of it. Files of "
        "this kind hold a few hundred values; the limits keep a hostile file from filling the memory.",
        "Move what is large into files of its own.",
    ),
    "E023": Code("YAML syntax", "The text is not YAML.", "Correct the place that the message names."),
    "E024": Code(
        "key appears twice",
        "The same key stands twice in one mapping. Azure keeps the last one without a word.",
        "Remove one of them.",
    ),
    "E025": Code(
        "not one mapping",
        "The file is empty, holds several documents, or is a list or a single value.",
        "One file describes one thing: `key: value` lines at the left margin.",
    ),
    "E026": Code(
        "kind of file unknown",
        "Neither `$schema` nor the keys tell what the file describes, or it describes something not handled here.",
        "Add a `$schema` line.",
    ),
    # --- The content ---
    "E030": Code("unknown key", "Azure refuses keys that it does not know, at every level.", "Use the nearest key."),
    "E031": Code("required key missing", "The key has no default.", "Add it, or give it with `--set`, `-n`, `-e`."),
    "E032": Code("wrong type", "The value is of another type than the key takes.", "Quote texts; see docs/yaml.md."),
    "E033": Code("value not allowed", "The key takes one of a few values, or a number in a range.", "Use one of them."),
    "E034": Code(
        "no value",
        "`key:` with nothing after it is null, and Azure refuses null for every key.",
        "Give a value, or remove the key: leaving it out means its default.",
    ),
    "E035": Code(
        "file or folder missing",
        "A path leads nowhere. Relative paths start from the folder of the YAML file, not from where you are.",
        "Correct the path.",
    ),
    "E036": Code(
        "reference not understood",
        "Registered models and environments are named `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, by an ARM id "
        "after `azureml:`, or by `azureml://registries/...`.",
        "Write it in one of these forms.",
    ),
    "E037": Code(
        "scoring script",
        "The script is missing, does not parse, or has no init() or run(). It is read, never imported.",
        "Correct the script at the line that is named.",
    ),
    "E038": Code("name not possible", "Names become parts of addresses in Azure.", "Letters, digits and dashes."),
    "E039": Code("traffic not possible", "Live percentages must sum to 0 or 100.", "Correct the percentages."),
    "E040": Code(
        "mirror not possible",
        "One deployment can receive copies, at most 50 percent, and not while it has live traffic.",
        "Correct `mirror_traffic`.",
    ),
    "E041": Code("combination not possible", "Each value would do, together they do not.", "Remove one of them."),
    "E042": Code("override not possible", "A `--set` could not be applied to the file.", "Correct the `--set`."),
    # --- Environments, code and models of deployments ---
    "E070": Code(
        "environment needs Docker",
        "The environment is a Dockerfile (`build`) or a container with its own server (`inference_config`). Without "
        "Docker only Python packages can be installed, which is what `conda_file` lists.",
        "Run it with `--backend docker`, or describe the packages by `conda_file`.",
    ),
    "E071": Code(
        "conda file not understood",
        "`dependencies` is a list of package specifications and at most one `pip:` list.",
        "Correct the entry that is named; docs/environments.md shows the forms.",
    ),
    "E072": Code(
        "packages that only conda has",
        "PyPI has no package of this name that is known to be the same, and conda, mamba or micromamba is not on "
        "`PATH`.",
        "Install micromamba; or list the package under `pip:` where PyPI has it; or use `--backend docker`.",
    ),
    "E073": Code(
        "no such version of a package",
        "The package index has no release of the package that fits the specification and the Python version.",
        "Correct the version, or ask for a Python that the version was made for.",
    ),
    "E074": Code(
        "packages contradict each other",
        "Two requirements ask for versions that exclude each other, so no set of versions exists.",
        "Loosen one of the requirements that the message names.",
    ),
    "E075": Code(
        "package could not be compiled",
        "No wheel exists for this Python and platform, so the installer tried to build the package from its source, "
        "and that failed: usually a compiler or a library's headers are missing.",
        "Ask for a version with a wheel for this Python, or install what the last lines name.",
    ),
    "E076": Code(
        "package index not reached",
        "The installer had no connection, or the index refused it (credentials, proxy, certificate).",
        "Look at the network, `PIP_INDEX_URL` and `HTTPS_PROXY`, and say the command again.",
    ),
    "E077": Code(
        "environment could not be built",
        "pip, uv or conda failed for a reason that is told in its last lines.",
        "Read the last lines; the whole output stays in the file that is named.",
    ),
    "E078": Code(
        "server does not start in the environment",
        "The packages are installed, but the inference server does not load beside them: a pinned package is too old "
        "or too new for it.",
        "Loosen the pin that the message names; flask 3 and Python 3.10 or newer are known to work.",
    ),
    "E079": Code("disk is full", "Environments and copies of models need space.", "Make room, or move `SANDBOX_HOME`."),
    "E080": Code(
        "code or model is missing",
        "A file or a folder that the deployment names is not there (any more), or is left out by `.amlignore` or "
        "`.gitignore`.",
        "Correct the path or the ignore file.",
    ),
    "E081": Code("code or model cannot be read", "You may not read a file that belongs to it.", "Give yourself leave."),
    "E082": Code(
        "model is not on this machine",
        "The model's path is an address of the cloud, which is not fetched.",
        "Download it, and give the folder as `path`.",
    ),
    "E083": Code(
        "content changed while it was copied",
        "A file of the code or the model was written at the same moment, twice in a row.",
        "Say the command again when the writing is over.",
    ),
    "E084": Code(
        "no Python to build with",
        "The interpreter cannot make virtual environments (Debian and Ubuntu keep the module `venv` in a package of "
        "its own), and uv is not on `PATH`.",
        "Install uv, or the system's package `python3-venv`.",
    ),
    # --- Running instances ---
    "E085": Code(
        "interpreter cannot be started",
        "The Python of the deployment's environment is missing or is no program of this machine.",
        "Say the command again: the environment is built anew.",
    ),
    "E086": Code(
        "instance runs already",
        "A process holds the place of an instance and nothing tells which one was started there.",
        "`sandbox down`, or end the process that has the file of the message open.",
    ),
    "E087": Code(
        "process cannot be ended",
        "A process of an instance does not end although it was killed: it waits for a device or a file system.",
        "See what it waits for (`cat /proc/PID/wchan`); it ends with that.",
    ),
    # --- Secrets and what is registered ---
    "E095": Code(
        "key not possible",
        "A key of an endpoint is sent as a bearer token: 16 to 512 letters, digits and `._~+/=-`.",
        "Leave it to this program to make one.",
    ),
    "E096": Code(
        "keys missing",
        "The endpoint has no keys below `SANDBOX_HOME`; the file was removed by hand, or the endpoint takes tokens.",
        "`sandbox online-endpoint regenerate-keys --name NAME` makes new ones.",
    ),
    "E097": Code(
        "token cannot be issued",
        "The lifetime is out of range, or the endpoint trusts another issuer, which alone can sign its tokens.",
        "Ask for 60 seconds to 30 days; or get the token where the issuer hands them out.",
    ),
    "E098": Code(
        "issuer of tokens not usable",
        "Issuer, audience and public keys (a JWKS, RFC 7517) are needed to check tokens of somebody else; one is "
        "missing, cannot be fetched, or is something else.",
        "Name a file or an https address that holds the JWKS.",
    ),
    "E099": Code(
        "not registered",
        "No model or environment of that name and version is registered here. Nothing is fetched from Azure.",
        "`sandbox model create --name NAME --version VERSION --path PATH`, or `sandbox environment create ...`.",
    ),
    "E100": Code(
        "cannot be registered",
        "A name or version cannot be used, or the files cannot be copied.",
        "Correct what the message names.",
    ),
    "E101": Code(
        "version exists",
        "A registered version never changes, as in Azure; only description, tags and properties can.",
        "Leave the version out, or give a new one.",
    ),
    "E102": Code(
        "registered files missing",
        "What was registered is no longer where it was put: removed by hand, or linked and then moved.",
        "Register it again with the same name and version: the same content is taken back.",
    ),
    "E103": Code(
        "connection missing", "No connection of that name is kept.", "`sandbox connection create --file FILE`."
    ),
    "E104": Code("connection not possible", "Its fields do not make a connection.", "Correct what the message names."),
    "E105": Code(
        "secret cannot be injected",
        "An environment variable refers to a connection, or to a part of one, that is not there. Azure calls it "
        "SecretsInjectionError.",
        "Create the connection, or correct the reference.",
    ),
    "E106": Code(
        "keyring fails",
        "The keyring of the system keeps the secret parts of connections, and does not answer or refuses.",
        "Unlock it, or set `SANDBOX_KEYRING=off`: secrets are then kept in a file that only you can read.",
    ),
    "E107": Code("download not possible", "The files cannot be written there.", "Name another folder."),
    # --- Docker ---
    "E110": Code(
        "no Docker engine",
        "Nothing answers where the docker command would look: DOCKER_HOST, the current context, the usual sockets.",
        "Start Docker, choose a context (`docker context use NAME`), or go without: `--backend process`.",
    ),
    "E111": Code(
        "address of the Docker engine",
        "The context that is chosen does not exist, or the address or its TLS settings cannot be used.",
        "Correct or unset `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_TLS_VERIFY`; `docker context ls` lists contexts.",
    ),
    "E112": Code(
        "Docker engine refuses you",
        "Its socket belongs to another user or group.",
        "Join the group docker and log in again, or go without: `--backend process`.",
    ),
    "E113": Code(
        "another Docker engine",
        "Containers of this home run in one engine, and another one is chosen now.",
        "Choose the one that the message names again; or `sandbox down` there first.",
    ),
    "E114": Code(
        "image could not be built",
        "A step of the build failed; its last lines are shown.",
        "Read the last lines; what they name is most often a package, its version, or the network.",
    ),
    "E115": Code(
        "image is not there",
        "It is not on this machine, and its registry does not give it: it does not exist, or asks for a login.",
        "Correct the name, `docker login`, or set `SANDBOX_BASE_IMAGE` for deployments that name none.",
    ),
    "E116": Code(
        "build context not usable",
        "The folder or its Dockerfile is missing, cannot be read, or the Dockerfile does not parse.",
        "Correct `build.path` and `build.dockerfile_path` of the environment.",
    ),
    "E117": Code(
        "container cannot be started",
        "The engine refused to make or start it.",
        "See why; `sandbox doctor` shows what the engine is.",
    ),
    "E118": Code(
        "GPU not available to containers",
        "The engine cannot give a GPU: the driver, the NVIDIA Container Toolkit or its configuration is missing.",
        "Install the toolkit and configure Docker for it, or choose an `instance_type` without GPU.",
    ),
    "E119": Code(
        "no such image",
        "No image of this program has that name.",
        "`sandbox image list` lists what there is.",
    ),
    "E120": Code(
        "cannot be sealed",
        "A sealed image holds code and model of a deployment with a scoring script.",
        "See why.",
    ),
    "E121": Code(
        "engine failed",
        "Docker's engine answered a request with an error of its own.",
        "Look at the engine's log; say the command again.",
    ),
    "E122": Code(
        "container not as described",
        "`inference_config`, `build` or the backend that is asked for do not go together.",
        "Correct what the message names.",
    ),
    # --- Endpoints and deployments ---
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
    "E064": Code("endpoint has no keys", "Its `auth_mode` is a token's.", "`sandbox online-endpoint get-credentials`."),
    "E065": Code(
        "endpoint does not answer", "Nothing listens on its port.", "`sandbox up` brings back what was there."
    ),
    "E066": Code("no such container", "Logs are kept of two containers.", "`inference-server`, `storage-initializer`."),
    "E068": Code("agent runs already", "There is one agent for each home.", "`sandbox agent stop` ends it."),
    "E069": Code("agent cannot be started", "It ended at once.", "The end of its log says why."),
    "E067": Code("nothing to bring up", "None of the files describes something.", "`sandbox init DIR` makes examples."),
    # --- The terminal UI ---
    "E140": Code(
        "traffic was changed meanwhile",
        "Somebody else has changed the shares since the sliders were opened; yours would undo that without a word.",
        "Look at the shares that are there now, and decide anew.",
    ),
    "E141": Code(
        "command failed",
        "A command line that was typed into the terminal UI ended with an exit code other than 0.",
        "Its output, on the page of jobs, says why.",
    ),
    "E142": Code(
        "terminal UI only looks",
        "It was started read-only, as in a browser without `--allow-write`.",
        "Start it with `--allow-write`; or say the command that is shown.",
    ),
    "E143": Code(
        "nothing to save to",
        "The file cannot be written, or the editor cannot be started.",
        "Look at the path, or set `EDITOR`.",
    ),
    # --- Warnings: the file is accepted ---
    "W060": Code(
        "Azure refuses this",
        "Accepted here, because Microsoft's pages show it or it is plain what is meant; `az ml` refuses it.",
        "Write it as the message says, and the file does for both.",
    ),
    "W061": Code("value changed", "The value is taken in another form than it was written.", "Write what is meant."),
    "W062": Code("without effect", "The key is accepted and does nothing in this combination.", "Remove it."),
    "W063": Code("probably not meant", "Allowed, but seldom what somebody wants.", "Look again."),
}


class SandboxError(Exception):
    """An error to show to people: which one (``code``), what happened, why it is so and what to do.

    ``why`` and ``fix`` may be empty. ``str(error)`` is one line; how it is printed is the business of ``sandbox.cli``.
    """

    exit_code = 1

    def __init__(self, code: str, what: str, why: str = "", fix: str = "") -> None:
        if code not in CODES:
            message = f"{code} is not in the table of codes"
            raise KeyError(message)
        super().__init__(code, what, why, fix)
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"[{self.code}] {self.what}"


class NotFound(SandboxError):
    """What was asked for does not exist: exit code 3, which scripts test for."""

    exit_code = 3


class UsageError(SandboxError):
    """The command line asks for something impossible: exit code 2."""

    exit_code = 2
