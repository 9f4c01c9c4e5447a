"""What stdout shows at start: product, settings, routes. Others read these labels, hence their wording (S11)."""

import logging
import sys
from collections.abc import Iterable

from inference_http import __version__, contract
from inference_http.config.option_table import OPTIONS
from inference_http.config.options import Option
from inference_http.config.settings import Settings
from inference_http.telemetry.log_lines import Output

_logger = logging.getLogger("azmlinfsrv")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  (compared with, not listened on)
# Shown in the reference's own words; all others only when somebody set them.
_REFERENCE_FIELDS = frozenset(
    {
        "entry_script", "model_dir", "config_file", "worker_count", "worker_timeout_s", "port", "health_port",
        "insights_enabled", "insights_key", "cors_origins", "host", "debug_port",
    }
)  # fmt: skip


def show(settings: Settings, remarks: Iterable[str] = ()) -> None:
    """Print ``remarks`` and the banner; with --log-format json as one log record, for stdout then holds JSON only."""
    lines = [*remarks, *_debugger(settings), "", f"{contract.PRODUCT} v{__version__}", "", *_settings(settings)]
    # A port that the system has yet to choose cannot be shown; who binds it calls show_routes.
    if settings.port != 0 and settings.health_port != 0:
        lines += routes(settings)
    _write(settings, lines)


def show_routes(settings: Settings) -> None:
    """Print where the server answers; for the one who has bound the ports, when 0 was asked for."""
    _write(settings, routes(settings))


def routes(settings: Settings) -> list[str]:
    """Return the lines of "Server Routes"."""
    host = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    host = f"[{host}]" if ":" in host else host
    health = settings.port if settings.health_port is None else settings.health_port
    return [
        "",
        "Server Routes",
        "---------------",
        f"Liveness Probe: GET   {host}:{health}/",
        f"Score:          POST  {host}:{settings.port}/score",
        "",
    ]


def _settings(settings: Settings) -> list[str]:
    health = settings.port if settings.health_port is None else settings.health_port
    rows: list[tuple[str, object]] = [
        ("Entry Script Name", settings.entry_script),
        ("Model Directory", settings.model_dir),
        ("Config File", settings.config_file),
        ("Worker Count", settings.worker_count),
        ("Worker Timeout (seconds)", f"{settings.worker_timeout_s:g}"),
        ("Server Port", settings.port),
        ("Health Port", health),
        ("Application Insights Enabled", "true" if settings.insights_enabled else "false"),
        ("Application Insights Key", "AppInsights key provided" if settings.insights_key else None),  # S12
        ("Inferencing HTTP server version", settings.server_version_header),
        (
            "CORS for the specified origins",
            f"Enabling CORS for {', '.join(settings.cors_origins)}" if settings.cors_origins else None,
        ),
        ("Create dedicated endpoint for health", None if settings.health_port is None else "true"),
        ("Host", _host(settings)),
    ]
    rows += [_row(option, settings) for option in OPTIONS if _is_news(option, settings)]
    return ["", "Server Settings", "---------------", *(f"{label}: {value}" for label, value in rows), ""]


def _host(settings: Settings) -> str:
    if settings.origin("host") == "default":
        return f"{settings.host} (this machine only; --host 0.0.0.0 for all interfaces)"
    return settings.host


def _is_news(option: Option, settings: Settings) -> bool:
    return option.field not in _REFERENCE_FIELDS and settings.origin(option.field) not in ("default", "")


def _row(option: Option, settings: Settings) -> tuple[str, str]:
    label = option.flag[2:].replace("-", " ").replace("_", " ").capitalize() if option.flag else option.names[0]
    return label, f"{option.as_text(getattr(settings, option.field))} ({settings.origin(option.field)})"


def _debugger(settings: Settings) -> list[str]:
    if settings.debug_port is None:
        return []
    origin = settings.origin("debug_port")
    because = f"{origin.split()[1]} is set" if " " in origin else "a debugger is asked for"
    return [
        f"!! Starting the inference server in DEBUGGING mode because {because}.",
        "!! It should not be set in a production environment: whoever reaches the debugger's port can run code.",
    ]


def _write(settings: Settings, lines: list[str]) -> None:
    if settings.log_format == "json":
        _logger.info("%s", "\n".join(line for line in lines if line))
    else:
        Output(sys.stdout).write("\n".join(lines) + "\n")
