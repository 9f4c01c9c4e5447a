"""Every setting: flag, environment names (also the keys of config.json), how its text is read, what it means.

The command line, the environment, the file and docs/settings.md are all made from ``OPTIONS``; the defaults stand in
``Settings``. Names without the prefix INFERENCE_HTTP_ are the reference's (S2, S26, S33).
"""

from inference_http import contract
from inference_http.config import cors_origins, values
from inference_http.config.options import Option

_SCRIPT, _LISTEN, _WORK, _ANSWER = "Script and model", "Addresses", "Workers and time", "Answers"
_LIMITS, _LOGS, _RELOAD, _DEBUG = "Limits", "Logs and Application Insights", "Reload", "Debugger"

# fmt: off
OPTIONS: tuple[Option, ...] = (
    # --- Script and model
    Option(
        "entry_script", "--entry_script", "PATH", values.plain,
        "The scoring script, from the flag relative to the current folder, from elsewhere to AML_APP_ROOT. Without "
        "one, and with a configuration file named, main.py in AML_APP_ROOT is imported.",
        _SCRIPT, (contract.ENV_ENTRY_SCRIPT,), reference_flag=True,
    ),
    Option(
        "model_dir", "--model_dir", "PATH", values.plain,
        "The model folder, handed to the script unchanged in AZUREML_MODEL_DIR.",
        _SCRIPT, (contract.ENV_MODEL_DIR,), reference_flag=True,
    ),
    Option(
        "config_file", "--config_file", "PATH", values.plain,
        "A JSON object, environment name to value. Not named: config.json in AML_APP_ROOT, else beside the script.",
        _SCRIPT, (contract.ENV_CONFIG_FILE,), reference_flag=True,
    ),
    Option(
        "app_root", None, "PATH", values.plain,
        "The application's folder, where relative scripts, config.json, logging.json and swagger files are looked for.",
        _SCRIPT, (contract.ENV_APP_ROOT,), default="the current folder",
    ),
    Option(
        "source_dir", None, "PATH", values.plain,
        "A folder below AML_APP_ROOT that is put on sys.path too.",
        _SCRIPT, (contract.ENV_SOURCE_DIR,),
    ),
    # --- Addresses
    Option(
        "host", "--host", "ADDRESS", values.host,
        "The address to listen on. The default is reachable from this machine only; 0.0.0.0 listens on all interfaces.",
        _LISTEN,
    ),
    Option(
        "port", "--port", "N", values.port,
        "The port to serve on; 0 takes any free one and prints it.",
        _LISTEN, (contract.ENV_SERVER_PORT,), reference_flag=True,
    ),
    Option(
        "health_port", "--health_port", "N", values.port,
        "A second port that answers as well, for probes. Opened when it is given, or when "
        f"{contract.ENV_SEPARATE_HEALTH}=true (then {contract.DEFAULT_HEALTH_PORT} unless given).",
        _LISTEN, (contract.ENV_HEALTH_PORT,), reference_flag=True, default="the same as the port",
    ),
    # --- Workers and time
    Option(
        "worker_count", "--worker_count", "N", values.count,
        "Worker processes; each loads the script and calls run() for one request at a time.",
        _WORK, (contract.ENV_WORKER_COUNT,), reference_flag=True,
    ),
    Option(
        "threads", "--threads", "N", values.count,
        "Calls of run() at once in one worker; more than 1 only for a thread-safe script.",
        _WORK,
    ),
    Option(
        "scoring_timeout_ms", "--scoring-timeout-ms", "MS", values.milliseconds,
        "The longest one call of run() may take, in milliseconds; 0 = no limit.",
        _WORK, (contract.ENV_SCORING_TIMEOUT_MS,),
    ),
    Option(
        "worker_timeout_s", "--worker-timeout", "SECONDS", values.seconds,
        "A worker that is stuck in one request for so long is killed and replaced; 0 = never.",
        _WORK, (contract.ENV_WORKER_TIMEOUT,),
    ),
    Option(
        "graceful_timeout_s", "--graceful-timeout", "SECONDS", values.seconds,
        "How long requests in flight may take to end after SIGTERM; 0 = no limit.",
        _WORK,
    ),
    Option(
        "preload", None, "true|false", values.truth,
        "Load the script and call init() once, then fork all workers from there; for scripts whose state bears a fork.",
        _WORK, (contract.ENV_WORKER_PRELOAD,), lenient=True,
    ),
    Option(
        "engine", "--engine", "auto|fork|spawn", values.one_of("auto", "fork", "spawn"),
        "How workers are made: forked from a process that has the modules loaded, or started anew.",
        _WORK,
    ),
    Option(
        "preload_modules", "--no-preload", "", values.truth,
        "Do not keep third-party modules loaded for the next worker.",
        _WORK, inverse=True,
    ),
    Option(
        "never_preload", "--never-preload", "MODULES", values.names,
        "Modules, separated by commas, which every worker imports itself because they do not survive a fork.",
        _WORK,
    ),
    Option(
        "stop_old_first", "--stop-old-first", "", values.truth,
        "Stop a worker before its replacement loads: for models that do not fit into memory twice.",
        _WORK,
    ),
    # --- Answers
    Option(
        "cors_origins", "--access_control_allow_origins", "LIST", cors_origins.read,
        "Origins, separated by commas, from which browsers may call (CORS); * for all.",
        _ANSWER, (contract.ENV_CORS_ORIGINS,), reference_flag=True,
    ),
    Option(
        "errors", "--errors", "detailed|opaque", values.one_of("detailed", "opaque"),
        "Whether an answer 500 names the failing line of the script or tells nothing.",
        _ANSWER, default="detailed on a loopback address, else opaque",
    ),
    Option(
        "strict_json", "--strict-json", "", values.truth,
        "Refuse NaN and Infinity in results instead of sending them as bare words, which are not JSON.",
        _ANSWER,
    ),
    Option(
        "service_name", None, "TEXT", values.plain,
        "The title in the swagger documents.",
        _ANSWER, ("SERVICE_NAME",),
    ),
    Option(
        "service_version", None, "TEXT", values.plain,
        "The version in the swagger documents.",
        _ANSWER, ("SERVICE_VERSION",),
    ),
    Option(
        "service_path_prefix", None, "TEXT", values.plain,
        "A prefix of the paths in the swagger documents; the routes themselves stay.",
        _ANSWER, ("SERVICE_PATH_PREFIX",),
    ),
    # --- Limits
    Option(
        "max_body", "--max-body", "SIZE", values.size,
        "The largest request body; more is answered 413. 10k and 1GiB are powers of 1024, 5MB of 1000; 0 = no limit.",
        _LIMITS, default="100MiB",
    ),
    Option(
        "max_waiting", "--max-waiting", "N", values.limit,
        "Requests that may wait for run() in one worker; more are answered 429. 0 = no limit.",
        _LIMITS,
    ),
    Option(
        "max_header", "--max-header", "SIZE", values.header_size,
        "The largest request line with headers; more is answered 431.",
        _LIMITS, default="64KiB",
    ),
    Option(
        "idle_timeout_s", "--idle-timeout", "SECONDS", values.seconds,
        "How long a connection may stay open without a request; 0 = no limit.",
        _LIMITS,
    ),
    Option(
        "request_timeout_s", "--request-timeout", "SECONDS", values.seconds,
        "How long a client may take to send one request; 0 = no limit.",
        _LIMITS,
    ),
    # --- Logs and Application Insights
    Option(
        "log_format", "--log-format", "text|json", values.one_of("text", "json"),
        "Log lines as azmlinfsrv writes them, or one JSON object a line.",
        _LOGS,
    ),
    Option(
        "log_level", "--log-level", "LEVEL", values.level,
        "The least level that is shown: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        _LOGS, ("AZUREML_LOG_LEVEL",), lenient=True,
    ),
    Option(
        "insights_key", "--appinsights_instrumentation_key", "KEY", values.plain,
        "The instrumentation key (a UUID) for Application Insights; the flag also switches it on.",
        _LOGS, (contract.ENV_INSIGHTS_KEY,), reference_flag=True,
    ),
    Option(
        "insights_enabled", None, "true|false", values.exactly_true,
        "Send requests and exceptions to Application Insights; anything but true is false.",
        _LOGS, (contract.ENV_INSIGHTS_ENABLED,),
    ),
    Option(
        "insights_log_response", None, "true|false", values.truth,
        "Send response bodies too.",
        _LOGS, ("APP_INSIGHTS_LOG_RESPONSE_ENABLED",),
    ),
    Option(
        "mdc_enabled", None, "true|false", values.truth,
        "Send model inputs and predictions to Application Insights.",
        _LOGS, ("AML_MDC_STORAGE_ENABLED", "AML_MODEL_DC_STORAGE_ENABLED"),
    ),
    Option(
        "workspace_name", None, "TEXT", values.plain,
        "The workspace's name in what Application Insights gets.",
        _LOGS, ("WORKSPACE_NAME",),
    ),
    Option(
        "hostname", None, "TEXT", values.plain,
        "The container's name in what Application Insights gets.",
        _LOGS, ("HOSTNAME",),
    ),
    # --- Reload
    Option(
        "reload", "--reload", "", values.truth,
        "Load the code anew when a file of it changes; the old one serves until the new one is ready.",
        _RELOAD,
    ),
    Option(
        "reload_model", "--reload-model", "", values.truth,
        "Watch the model folder as well.",
        _RELOAD,
    ),
    Option(
        "reload_include", "--reload-include", "PATTERNS", values.names,
        "File name patterns, separated by commas, that count as code or data of the script.",
        _RELOAD,
    ),
    Option(
        "reload_exclude", "--reload-exclude", "PATTERNS", values.names,
        "File and folder name patterns, separated by commas, that never count.",
        _RELOAD,
    ),
    Option(
        "reload_poll", "--reload-poll", "", values.truth,
        "Look for changes by polling, for file systems that send no events.",
        _RELOAD, default="chosen by the file system",
    ),
    # --- Debugger
    Option(
        "debug_port", "--debug", "[HOST:]PORT", values.address,
        "Let a debugger (DAP: VS Code and others) attach here; whoever reaches the port can run code. 0 = off.",
        _DEBUG, (contract.ENV_DEBUG_PORT,), default="off",
    ),
    Option(
        "debug_connect", "--debug-connect", "", values.debug_sense,
        "Connect to an IDE that listens on that port, and wait for it, as azmlinfsrv does.",
        _DEBUG, ("AZUREML_DEBUG_MODE",), default="listen",
    ),
    Option(
        "wait_for_client", "--wait-for-client", "", values.truth,
        "Load the script only when a debugger has attached, so that init() can be debugged.",
        _DEBUG,
    ),
)
# fmt: on

BY_NAME = {name: option for option in OPTIONS for name in option.names}

# Known names that are no field of Settings. For each: what it does (for docs/settings.md).
OTHER_NAMES = {
    contract.ENV_SEPARATE_HEALTH: 'exactly "true" opens the health port (5000 unless given)',
    contract.ENV_SERVER_VERSION_ENABLED: f'anything but "true" omits the header {contract.HEADER_SERVER_VERSION}',
}
# Names the reference reads or exports and that mean nothing here; in the file they are no mistakes worth a word.
SILENT_NAMES = frozenset({"TRANSPORT_PROTOCOL", contract.ENV_SERVER_VERSION})
