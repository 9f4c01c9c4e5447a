"""Lines on stdout and stderr."""

from tests.conformance.allowed import Difference, Line

ID = r"[^\]\n]{1,100}"

CHAPTER = (
    Difference(
        "S119",
        "Every line about a request carries its id",
        "The line `METHOD /path STATUS 0.123ms LENGTH` has no id.",
        "` [x-request-id]` at its end, and at the end of everything the script logs or prints while it runs.",
        "The lines of one request can be found among those of others.",
        (Line("*", "our", rf"(.*) \[{ID}\]", r"\1"),),
    ),
    Difference(
        "S119 S125",
        "No second line for a request, and no lines of the web server",
        "gunicorn.access repeats each request; gunicorn.error tells of workers, signals and refused requests on "
        "stderr.",
        "One line a request, by azmlinfsrv.access where it was refused before it came to run() (404, 405, 413, 429, "
        "431 ...). The server's own lines say when a worker serves, and that it is shutting down.",
        "Half the lines told nothing new.",
        (
            Line("*", "ref", r"I gunicorn\.access - .*"),
            Line("logging-*/post", "ref", r"127\.0\.0\.1 - - \[.*\] .*"),
            Line("*/stop", "ref", r"stderr: .*RuntimeWarning: .*"),
            Line("*/stop", "ref", r"stderr:   (rv = self\.handle_user_exception\(e\)|self\._user_init\(\))"),
            Line("*", "ref", r"stderr: [IWEC] gunicorn\.error - .*"),
            Line("*", "our", r"I azmlinfsrv\.access - .*"),
            Line("*", "our", r"I azmlinfsrv - worker \d+ serves version .*"),
            Line("*", "our", r"I azmlinfsrv - Shutting down: .*"),
        ),
    ),
    Difference(
        "S120 S124",
        "Errors are told by the script's own frames",
        "`Encountered Exception:` and two chained tracebacks of about 20 lines, of which one frame is the user's.",
        "`Encountered Exception:` file, line, type and text, and the user's frames only, with what may help (a "
        "package's "
        "name, the files below the model folder).",
        "The line that failed is the news.",
        (
            Line("*", "ref", r"E azmlinfsrv - Encountered Exception.*", "E azmlinfsrv - Encountered Exception"),
            Line("*", "our", r"E azmlinfsrv - Encountered Exception.*", "E azmlinfsrv - Encountered Exception"),
        ),
    ),
    Difference(
        "S30 S132",
        "No warnings about what nobody did",
        "`Found extra keys in the config file` lists variables that the server itself set, on every start; a model "
        "folder "
        "without Azure's numbering logs an error with a traceback.",
        "Warnings are about what somebody wrote: unknown keys in the file, a model folder that does not exist, "
        "@rawhttp on "
        "another function than run(), a sample or default that inference-schema cannot convert.",
        "A warning that is always there hides those that matter.",
        (
            Line("*/start", "ref", r"W azmlinfsrv - Found extra keys in the config file.*"),
            Line("*/start", "ref", r"W azmlinfsrv\.trace - Model directory is not set or does not exist: .*"),
            Line("*/start", "ref", r"E azmlinfsrv\.trace - Error while fetching model IDs.*"),
            Line("logging-*/start", "ref", r"(MINE|API) azmlinfsrv\.trace .*"),
            Line(
                "config-*/start", "our", r"W azmlinfsrv - Found extra keys in the config file <root>.*'UNKNOWN_KEY'.*"
            ),
            Line("*/start", "our", r"W azmlinfsrv - AZUREML_MODEL_DIR \(from .*\): '.*' does not exist"),
            Line("raw-helper/start", "our", r"W azmlinfsrv\.user_script - @rawhttp is on other\(\) .*"),
            Line("schema-*/start", "our", r"W azmlinfsrv\.schema - .*"),
            Line("debug-info/start", "ref", r"W azmlinfsrv - The debuggability features have been removed.*"),
            Line("debug-info/start", "our", r"W azmlinfsrv - AML_DBG_MODEL_INFO has no effect: .*"),
        ),
    ),
    Difference(
        "S11",
        "The banner says more",
        "The settings that have a label; `Worker Timeout (seconds): None` when it is 300.",
        "The same labels with the values in effect, the address listened on, and where a value that was set came from.",
        "Settings are believed when their origin is shown.",
        (
            Line("*/start", "ref", r"Worker Timeout \(seconds\): None", "Worker Timeout (seconds): 300"),
            *(
                Line("config-*/start", side, r"(Entry Script Name|Model Directory|Config File|CORS for .*): .+", r"\1")
                for side in ("ref", "our")
            ),
            *(
                Line("config-*/start", side, r"(The environment variable '|Use the --model_dir).*")
                for side in ("ref", "our")
            ),
            Line("config-root/start", "our", r"I azmlinfsrv - Enabling CORS for .*"),
            Line("*/start", "our", r"Host: 127\.0\.0\.1 \(this machine only; --host 0\.0\.0\.0 for all interfaces\)"),
            Line("*/start", "our", r"[\w ]+: .* \((environment|file|flag) .*\)"),
            Line("*/start", "ref", "Initializing logger"),
            Line(
                "*/start",
                "ref",
                r"I azmlinfsrv - Loaded logging config from .*azureml_inference_server_http/logging\.json",
            ),
        ),
    ),
    Difference(
        "S122",
        "logging.info() is shown",
        "Only azmlinfsrv loggers show INFO; the root logger's lines appear from WARNING on, as `WARNING:root:text` "
        "on stderr.",
        "The root logger writes INFO and above to stdout, in the same format.",
        "Scripts log with the standard library.",
        (
            Line("printing/*", "our", r"[IWE] (root|mine) - .*"),
            Line("printing/*", "ref", r"stderr: (WARNING|ERROR):(root|mine):.*"),
        ),
    ),
)
