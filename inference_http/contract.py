"""Names this server shares with the outside world: environment, headers, routes, ports and exit codes.

The only module of ``inference_http`` that other packages may import, so it holds constants and nothing else.
Sources: the names are those of azureml-inference-server-http 1.5.1 unless a comment says that they are ours.
"""

from typing import Final

PRODUCT: Final = "inference-http"  # ours; the reference calls itself "azmlinfsrv"

# --- Environment variables -------------------------------------------------------------------------------------------
ENV_APP_ROOT: Final = "AML_APP_ROOT"
ENV_ENTRY_SCRIPT: Final = "AZUREML_ENTRY_SCRIPT"
ENV_MODEL_DIR: Final = "AZUREML_MODEL_DIR"
ENV_SOURCE_DIR: Final = "AZUREML_SOURCE_DIRECTORY"
ENV_CONFIG_FILE: Final = "AZUREML_CONFIG_FILE"
ENV_WORKER_COUNT: Final = "WORKER_COUNT"
ENV_WORKER_TIMEOUT: Final = "WORKER_TIMEOUT"
ENV_WORKER_PRELOAD: Final = "WORKER_PRELOAD"
ENV_SERVER_PORT: Final = "SERVER_PORT"
ENV_HEALTH_PORT: Final = "HEALTH_PORT"
ENV_SEPARATE_HEALTH: Final = "SEPERATE_HEALTH_ENDPOINT"  # the reference's spelling
ENV_INSIGHTS_ENABLED: Final = "AML_APP_INSIGHTS_ENABLED"
ENV_INSIGHTS_KEY: Final = "AML_APP_INSIGHTS_KEY"
ENV_CORS_ORIGINS: Final = "AML_CORS_ORIGINS"
ENV_SCORING_TIMEOUT_MS: Final = "SCORING_TIMEOUT_MS"
ENV_DEBUG_PORT: Final = "AZUREML_DEBUG_PORT"
ENV_SERVER_VERSION: Final = "HTTP_X_MS_SERVER_VERSION"
ENV_SERVER_VERSION_ENABLED: Final = "SERVER_VERSION_LOG_RESPONSE_ENABLED"

# --- Headers (spelling as the reference sends it) --------------------------------------------------------------------
HEADER_REQUEST_ID: Final = "x-request-id"
HEADER_LEGACY_ID: Final = "x-ms-request-id"
HEADER_CLIENT_ID: Final = "x-ms-client-request-id"
HEADER_TRACE_ID: Final = "TraceId"
HEADER_SERVER_VERSION: Final = "x-ms-server-version"
HEADER_RUN_FAILED: Final = "x-ms-run-function-failed"
HEADER_RUN_MS: Final = "x-ms-run-fn-exec-ms"
HEADER_CODE_VERSION: Final = "x-code-version"  # ours, with --reload: which version of the script answered
HEADER_RELOAD_ERROR: Final = "x-reload-error"  # ours, with --reload: a newer version exists and is broken
REQUEST_ID_LIMIT: Final = 100  # characters, for each of the three ids

# --- Routes and ports ------------------------------------------------------------------------------------------------
ROUTE_HEALTH: Final = "/"
ROUTE_SCORE: Final = "/score"
ROUTE_SWAGGER: Final = "/swagger.json"
ROUTE_METRICS: Final = "/metrics"  # ours
DEFAULT_PORT: Final = 5001
DEFAULT_HEALTH_PORT: Final = 5000
DEFAULT_HOST: Final = "127.0.0.1"  # the reference listens on 0.0.0.0

# --- Exit codes ------------------------------------------------------------------------------------------------------
EXIT_OK: Final = 0
EXIT_FAILED: Final = 1  # cannot serve: port in use, no script named
EXIT_USAGE: Final = 2  # ours; the reference exits 1, also for --help
EXIT_START_FAILED: Final = 3  # the script or the configuration does not load
