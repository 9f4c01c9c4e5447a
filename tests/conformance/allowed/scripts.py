"""Where a script finds itself."""

from tests.conformance.allowed import ANY, Aspect, Difference, rest

IMPORT_ERROR = r'\{"message": "An unexpected error occurred in scoring script.*'
FAILED_500 = "500 INTERNAL SERVER ERROR"


def works(case: str, body: str) -> tuple[Aspect, ...]:
    """The script fails on the reference and works on ours."""
    return (
        Aspect(case, "status", FAILED_500, "200 OK"),
        Aspect(case, "body", IMPORT_ERROR, body),
        Aspect(case, "header x-ms-run-function-failed", "True", "False"),
        Aspect(case, "header x-ms-run-fn-exec-ms", None, "<ms>"),
    )


CHAPTER = (
    Difference(
        "S18",
        "The script is a module like others",
        "It is not in sys.modules: objects of its own classes cannot be pickled, nor can it be imported.",
        "It is there, as `entry_module`.",
        "joblib, multiprocessing and dataclasses look modules up.",
        (
            *works("pickle/post", "1"),
            Aspect("world*/module", "body", r'.*"in sys\.modules": false\}', r'.*"in sys\.modules": true\}'),
            Aspect(
                "imports/*import entry_module",
                "body",
                r".*ModuleNotFoundError.*",
                r'\{"entry_module": "module entry_module"\}',
            ),
        ),
    ),
    Difference(
        "S20 S21",
        "The script's folder comes first",
        "Only AML_APP_ROOT (and AZUREML_SOURCE_DIRECTORY) is on sys.path, at the end, behind folders of the server's: "
        "files beside the script are not found, and `import utils` or `config` finds the server's.",
        "The script's folder, the source directory and AML_APP_ROOT, after the standard library and before "
        "installed packages; "
        "nothing of the server's is in the way.",
        "A script that runs with `python score.py` runs here.",
        (
            Aspect("world/paths", "body", ANY, r'\["stdlib", "<root>", "site-packages"\]'),
            *(
                entry
                for name in ("config", "routes", "swagger", "entry")
                for entry in works(f"shadow/{name}", '"mine"')
            ),
            Aspect("shadow/utils", "body", '"not mine"', '"mine"'),
            Aspect("shadow/exceptions", "body", '"not mine"', '"mine"'),
            *works("sibling/post", '"near"'),
        ),
    ),
    Difference(
        "S24",
        "async init() and run() are awaited",
        "The coroutine of an async init() is dropped; that of run() is a result without a JSON form.",
        "Both are awaited, on one event loop for the life of the worker.",
        "Clients of databases and models are often asynchronous.",
        (Aspect("async-init/post", "body", r"\[\]", r"\[1\]"),),
    ),
    Difference(
        "S91",
        "Every form of the import statements works",
        "`import azureml.contrib.services.aml_request` and `from azureml.contrib.services import aml_request` fail; "
        "only "
        "`from azureml.contrib.services.aml_request import ...` works.",
        "All forms work, also for azureml_inference_server_http.api, and also beside Microsoft's packages.",
        "They are the same module, however it is named.",
        (
            Aspect("imports/0[4-9]*", "body", r".*ModuleNotFoundError.*", r'\{"\w+": "module [\w.]+"\}'),
            Aspect("imports/12*", "body", r".*azureml_inference_server_http\.api.*", r".*inference_http\.compat.*"),
            Aspect("imports/15*", "body", r".*type AMLLogFormatter.*", r".*type LineFormatter.*"),
            Aspect("imports/17*", "body", r".*No module named 'azureml'.*", r".*No module named 'azureml\.core'.*"),
            Aspect("imports/16*", "body", ANY, r'\{"error": "ModuleNotFoundError".*'),
        ),
    ),
    Difference(
        "S9 S10 S48",
        "The environment of a script",
        "SERVER_PORT and HEALTH_PORT from outside are overwritten.",
        "They are honoured; x-ms-server-version's variable names this server.",
        "A container sets ports by environment.",
        (
            Aspect("world-environment/env", "body", r'.*"HEALTH_PORT": "<port>".*', r'.*"HEALTH_PORT": "2".*'),
            Aspect("*/env", "body", r'\{"AML_APP.*', r'\{"AML_APP.*', rest.server_version),
        ),
    ),
    Difference(
        "S31",
        "Values of config.json reach the script's environment",
        "AZUREML_MODEL_DIR from the file is known to the server and not to the script.",
        "Keys of the file that are no other setting's are exported like all others.",
        'os.environ["AZUREML_MODEL_DIR"] is how scripts find their model.',
        (Aspect("config-file/env", "body", ANY, ANY, rest.file_values),),
    ),
)
