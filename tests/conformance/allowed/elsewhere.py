"""Differences that a pair of servers cannot show side by side; each names the test of ours that shows it."""

from tests.conformance.allowed import Aspect, Difference, Line

PROCESSES = "tests/integration/test_processes.py"
RELOAD = "tests/integration/test_reload.py"
UNIT = "tests/unit/inference_http"

CHAPTER = (
    Difference(
        "S39",
        "A probe is answered before the script is ready",
        "The socket accepts connections before init() has ended, and the probe hangs; with a failing script it is "
        "reset.",
        "503 with the reason (`the server is starting`) and Retry-After, until requests are served.",
        '"Not yet" and "dead" are told apart.',
        (),
        shown_by=f"{PROCESSES}::test_probes_are_answered_while_init_runs",
    ),
    Difference(
        "S33",
        "There is no gunicorn",
        "GUNICORN_CMD_ARGS and a gunicorn.conf.py in the current folder change the server.",
        "They have no effect, and a warning says so; the options of this server are in [settings.md](settings.md).",
        "The web server is waitress, in processes of our own.",
        (
            Line("gunicorn-arguments/start", "our", r"W azmlinfsrv - GUNICORN_CMD_ARGS has no effect, .*"),
            Line("gunicorn-arguments/post", "our", r"I azmlinfsrv - POST /score .*"),
            Aspect("gunicorn-arguments/post", "status", "431 .*", "200 OK"),
            Aspect("gunicorn-arguments/post", "body", r"<html>.*", r'"<root>"'),
            *(
                Aspect("gunicorn-arguments/post", f"header {name}", reference, r".*")
                for name, reference in (
                    ("Content-Type", "text/html"),
                    ("x-ms-run-function-failed", None),
                    ("x-ms-run-fn-exec-ms", None),
                    ("x-ms-server-version", None),
                    ("x-request-id", None),
                    ("x-ms-request-id", None),
                    ("Date", None),
                    ("Server", None),
                )
            ),
        ),
    ),
    Difference(
        "S87",
        "A script that kills its workers again and again ends the server",
        "A new worker is started each time, for ever.",
        "Again at once for one that served; with growing pauses for those that die young, and in the end exit 3 "
        "with the cause.",
        "A crash loop that nobody sees helps nobody.",
        (),
        shown_by=f"{UNIT}/process/test_fleet.py::test_a_crash_loop_backs_off_and_ends_with_its_cause",
    ),
    Difference(
        "S29",
        "Documented names work",
        "AML_MODEL_DC_STORAGE_ENABLED and AZUREML_LOG_LEVEL have no effect.",
        "They have the documented one.",
        "As documented.",
        (),
        shown_by=f"{UNIT}/config/test_resolve.py::test_both_names_of_model_data_collection_count",
    ),
    Difference(
        "S77",
        "The schema is that of this very run()",
        "It is looked up by module and function name, through closures, and may be another function's.",
        "It is read from the decorators of run() itself.",
        "Scripts have helper functions.",
        (),
        shown_by=f"{UNIT}/user/test_schema.py::test_closing_over_a_decorated_function_is_not_decoration",
    ),
    Difference(
        "S103 S127 S132 S135 S137",
        "Application Insights costs nothing when it is off",
        "Azure's exporter is a required dependency; an init() that fails sleeps 30 s; streams are read whole before "
        "they are "
        "sent; a binary body logs a traceback.",
        "An extra (`endpoint-sandbox[insights]`), imported when it is switched on; no waiting; streams are not "
        "read; a binary body "
        "is named.",
        "Most runs are local.",
        (),
        shown_by=f"{UNIT}/telemetry/test_insights.py::test_off_imports_nothing",
    ),
    Difference(
        "S133",
        "AZUREML_DEBUG_PORT listens",
        "The server connects to an IDE that listens on that port, and waits for it, in every worker; without "
        "debugpy it "
        "restarts workers for ever.",
        "The server listens, on 127.0.0.1; an IDE attaches when it likes. `AZUREML_DEBUG_MODE=connect` (or "
        "--debug-connect) is "
        "the reference's sense.",
        "The port is free when nobody debugs, and the debugger survives reloads.",
        (),
        shown_by=f"{UNIT}/config/test_resolve.py::test_the_debugger_listens_on_loopback_unless_told",
    ),
    Difference(
        "S136",
        "Hot reload",
        "None.",
        "`--reload` loads new code before it takes over; broken code keeps the old version serving.",
        "It is what one waits for all day.",
        (),
        shown_by=f"{RELOAD}::test_a_save_is_answered_by_the_new_code_and_no_request_fails",
    ),
)
