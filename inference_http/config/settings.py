"""The frozen answer to "how shall this server run": every module takes a Settings object, none reads ``os.environ``.

What each option is called outside (flag, environment name, config.json key), how its text is read and what it means
stands in ``option_table.py``; how the sources are found and combined in ``resolve.py``. A Settings object also knows
where each value came from (``origins``), so that a message about a value can say whose value it is.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from inference_http import __version__, contract
from inference_http.config.option_table import OPTIONS

MIB = 1024 * 1024


class ConfigError(Exception):
    """A setting that cannot be used.

    ``str(error)`` is the complete text for the user: which setting, where it was set, its value, what would do.
    ``exit_code`` is 3 for the environment and the configuration file (S32), 1 when nothing names a script (S5); what is
    wrong on the command line itself is 2 and found by ``cli``.
    """

    def __init__(
        self, name: str, value: object, origin: str, message: str, exit_code: int = contract.EXIT_START_FAILED
    ) -> None:
        self.name = name
        self.value = value
        self.origin = origin
        self.message = message
        self.exit_code = exit_code
        super().__init__(name, value, origin, message, exit_code)

    def __str__(self) -> str:
        return f"{self.name} (from {self.origin}): {self.message}" if self.origin else f"{self.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen about one server. Times end in their unit; sizes are bytes; 0 means "no limit"."""

    # What is served.
    entry_script: str | None = None  # absolute, symlinks resolved; None: `import main` from app_root (S19)
    entry_link: str | None = None  # absolute, as it was named: with --reload, its symlinks may come to lead elsewhere
    model_dir: str | None = None  # as given (S8)
    app_root: str = field(default_factory=os.getcwd)
    source_dir: str | None = None  # AZUREML_SOURCE_DIRECTORY, joined to app_root by those who use it (S20)
    config_file: str | None = None  # the file that was read, or None

    # Where it listens.
    host: str = contract.DEFAULT_HOST
    port: int = contract.DEFAULT_PORT  # 0: the system chooses a free one
    health_port: int | None = None  # None: no second socket (S38)

    # Processes and time.
    worker_count: int = 1
    threads: int = 1  # run() calls at once in one worker (S130)
    worker_timeout_s: float = 300.0  # S128; 0 = never kill a busy worker
    graceful_timeout_s: float = 30.0
    preload: bool = False  # WORKER_PRELOAD
    scoring_timeout_ms: int = 3_600_000  # S34, S89; 0 = off
    engine: Literal["auto", "fork", "spawn"] = "auto"
    preload_modules: bool = True
    never_preload: tuple[str, ...] = ()
    stop_old_first: bool = False

    # How it answers.
    cors_origins: tuple[str, ...] = ()  # S113
    service_name: str = "ML service"
    service_version: str = "1.0"
    service_path_prefix: str = ""
    workspace_name: str = ""
    hostname: str = "Unknown"
    errors: Literal["detailed", "opaque"] = "detailed"
    strict_json: bool = False
    server_version_header: str | None = f"{contract.PRODUCT}/{__version__}"  # S48; None: not sent

    # Limits.
    max_body: int = 100 * MIB
    max_waiting: int = 1000  # requests waiting for run()
    max_header: int = 65536
    idle_timeout_s: float = 120.0  # a connection without a request
    request_timeout_s: float = 60.0  # the time a client may take to send one request

    # Logs and Application Insights.
    log_format: Literal["text", "json"] = "text"
    log_level: str = "INFO"
    insights_key: str | None = field(default=None, repr=False)  # S12: never shown
    insights_enabled: bool = False
    insights_log_response: bool = True
    mdc_enabled: bool = False

    # Reload.
    reload: bool = False
    reload_model: bool = False
    reload_include: tuple[str, ...] = ("*.py", "*.json", "*.yaml", "*.yml")
    reload_exclude: tuple[str, ...] = ()
    reload_poll: bool | None = None  # None: chosen by what the file system can do

    # Debugger.
    debug_host: str = contract.DEFAULT_HOST
    debug_port: int | None = None  # None: no debugger
    debug_connect: bool = False  # True: connect to an IDE that listens, as the reference does (S133)
    wait_for_client: bool = False

    # field name -> "flag --port" | "environment SERVER_PORT" | "file /x/config.json" | "default"
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def origin(self, name: str) -> str:
        """Return where the field ``name`` got its value from, as ``origins`` says it; "default" when nobody set it."""
        return self.origins.get(name, "default")

    def where_links_lead_now(self) -> "Settings":
        """Return the settings with the script that its name stands for at this moment; another one only with reload."""
        now = os.path.realpath(self.entry_link) if self.reload and self.entry_link else self.entry_script
        return self if now == self.entry_script else replace(self, entry_script=now)

    def to_json(self) -> str:
        """Return the text from which ``from_json`` makes an equal object in another process."""
        return json.dumps({**asdict(self), "origins": dict(self.origins)})

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Make the object that ``to_json`` described; TypeError or ValueError when ``text`` is something else."""
        values: dict[str, Any] = json.loads(text)
        for item in fields(cls):
            if isinstance(values.get(item.name), list):
                values[item.name] = tuple(values[item.name])
        return cls(**values)


def exported_environment(settings: Settings) -> dict[str, str]:
    """Return what the script finds in ``os.environ``: the reference's exports (S10) and what the file set.

    The reference keeps the file's values to itself (S31). Call it again with the real ports when 0 was given for one.
    """
    exported = {
        contract.ENV_APP_ROOT: settings.app_root,
        contract.ENV_WORKER_COUNT: str(settings.worker_count),
        contract.ENV_SERVER_PORT: str(settings.port),
        contract.ENV_HEALTH_PORT: str(settings.port if settings.health_port is None else settings.health_port),
        contract.ENV_INSIGHTS_ENABLED: "true" if settings.insights_enabled else "false",
    }
    optional = {
        contract.ENV_ENTRY_SCRIPT: settings.entry_script,
        contract.ENV_MODEL_DIR: settings.model_dir,
        contract.ENV_INSIGHTS_KEY: settings.insights_key,
        contract.ENV_CORS_ORIGINS: ",".join(settings.cors_origins),
        contract.ENV_SERVER_VERSION: settings.server_version_header,
    }
    if settings.origin("config_file").startswith("flag "):
        optional[contract.ENV_CONFIG_FILE] = settings.config_file
    exported.update({name: value for name, value in optional.items() if value})
    for option in OPTIONS:
        value = getattr(settings, option.field)
        if settings.origin(option.field).startswith("file ") and value is not None:
            exported.setdefault(option.names[0], option.as_text(value))
    return exported
