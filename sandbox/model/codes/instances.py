"""What deployments are made of, and what runs."""

from sandbox.model.codes.code import Code

ROWS = {
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
    "E125": Code(
        "not a model of MLflow",
        "A model of type `mlflow_model` is the folder that MLflow wrote: the file `MLmodel` says what is in it.",
        "Name that folder as `path`, or give the model another `type` and a scoring script.",
    ),
    "E126": Code(
        "MLflow model that cannot be served",
        "Without a scoring script the model's flavour `python_function` answers; it was logged without one.",
        "Log it with `mlflow.<library>.log_model`, or write a scoring script.",
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
    "E088": Code(
        "variable not possible",
        "A value with a NUL character, or a name that is empty or holds `=`: no process can have such a variable.",
        "Correct `environment_variables`.",
    ),
}
