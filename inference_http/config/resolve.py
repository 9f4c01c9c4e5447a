"""Combine flags, environment, configuration file and defaults into one Settings (S27: in this order of precedence)."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from inference_http import contract
from inference_http.config import config_file
from inference_http.config.option_table import OPTIONS
from inference_http.config.options import Option
from inference_http.config.settings import ConfigError, Settings

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FIELDS = frozenset(item.name for item in fields(Settings))


@dataclass(frozen=True, slots=True)
class Resolution:
    """The settings, and what is worth saying about how they came about."""

    settings: Settings
    remarks: tuple[str, ...]  # plain lines for stdout, the reference's words (S8, S134)
    warnings: tuple[str, ...]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on ``host``."""
    return host in ("localhost", "::1") or host.startswith("127.")


class _Sources:
    """Looks one option up in all places and remembers where it was found."""

    def __init__(self, flags: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.flags = flags
        # Names match without case (S27), the exact spelling first.
        self.environ = {name.upper(): value for name, value in sorted(environ.items())}
        self.environ.update({name: value for name, value in environ.items() if name.isupper()})
        self.path = ""
        self.content: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []

    def use_file(self, path: str) -> None:
        self.path = path
        self.content = config_file.read(path)
        if extra := config_file.unknown_keys(self.content, path):
            self.warnings.append(extra)

    def named(self, name: str) -> tuple[str, str] | None:
        """Return (text, origin) of an environment name, from the environment or the file."""
        return self._in_environment(name) or self._in_file(name)

    def _in_environment(self, name: str) -> tuple[str, str] | None:
        return (self.environ[name], f"environment {name}") if name in self.environ else None

    def _in_file(self, name: str) -> tuple[str, str] | None:
        if name not in self.content or name == contract.ENV_CONFIG_FILE:
            return None
        return config_file.as_text(name, self.content[name], self.path), f"file {self.path}"

    def _texts(self, option: Option) -> Iterator[tuple[str, str, str]]:
        """Yield (name, text, origin) for each place that sets ``option``, the stronger first."""
        for look_up in (self._in_environment, self._in_file):
            for name in option.names:
                found = look_up(name)
                # An empty text is how a shell or a compose file says "not set"; only a title may be empty.
                if found and (found[0] or option.metavar == "TEXT"):
                    yield name, *found

    def get(self, option: Option) -> Any:
        """Return the option's value, or None when nobody sets it.

        Raises:
            ConfigError: the environment or the file holds something unusable.
        """
        if option.field in self.flags and self.flags[option.field] not in (None, ""):
            self.origins[option.field] = f"flag {option.flag}"
            return self.flags[option.field]
        for name, text, origin in self._texts(option):
            try:
                value = option.read(text)
            except ValueError as error:
                if not option.lenient:
                    raise ConfigError(name, text, origin, str(error)) from None
                self.warnings.append(f"{name} (from {origin}): {error}; it is ignored")
                continue
            self.origins[option.field] = origin
            return (not value) if option.inverse else value
        return None

    def by_field(self, field: str) -> Any:
        return self.get(_BY_FIELD[field])


_BY_FIELD = {option.field: option for option in OPTIONS}


def resolve(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Resolution:
    """Return the settings that ``flags`` (field name to value, as ``cli`` parses them) and ``environ`` ask for.

    Raises:
        ConfigError: a value or the file is unusable (exit 3), or nothing names a script (exit 1, S5).
    """
    sources = _Sources(flags, environ)
    try:
        current = os.getcwd()
    except OSError as error:
        raise ConfigError("current folder", None, "", f"it cannot be used ({error}): change to another one") from None
    named = _read_file(sources, current)
    chosen = {option.field: sources.get(option) for option in OPTIONS if option.field != "config_file"}
    found = {field: value for field, value in chosen.items() if value is not None}
    found["config_file"] = sources.path or None

    _place(found, sources, current)
    if not found.get("entry_script") and not named:
        raise _no_script(current)
    _health(found, sources)
    _debugger(found, sources)
    remarks = _insights(found, sources)
    if "errors" not in found:
        found["errors"] = "detailed" if is_loopback(found.get("host", contract.DEFAULT_HOST)) else "opaque"
    if found.get("reload_model") and sources.origins.get("reload") is None:
        found["reload"] = True
    enabled = sources.named(contract.ENV_SERVER_VERSION_ENABLED)
    if enabled and enabled[0].lower() != "true":  # S48; the reference then still sends what stands in this variable
        found["server_version_header"] = sources.environ.get(contract.ENV_SERVER_VERSION) or None
    _warn(found, sources)
    settings = Settings(**{name: value for name, value in found.items() if name in _FIELDS}, origins=sources.origins)
    return Resolution(settings, tuple(remarks), tuple(sources.warnings))


def _read_file(sources: _Sources, current: str) -> bool:
    """Find and read the file; return whether one was named and read (then a script may be missing, S19)."""
    named = sources.by_field("config_file")
    origin = sources.origins.get("config_file", "")
    if named and origin.startswith("flag "):
        named = os.path.realpath(named)  # S7
    path, warnings = config_file.locate(named, origin, _folders(sources, current))
    sources.warnings += warnings
    if path != named:
        sources.origins.pop("config_file", None)
    if path:
        sources.use_file(path)
    return bool(path) and path == named


def _folders(sources: _Sources, current: str) -> Iterator[str | None]:
    """Yield where an unnamed config.json may be (S25)."""
    yield sources.environ.get(contract.ENV_APP_ROOT) or current
    script = sources.flags.get("entry_script") or sources.environ.get(contract.ENV_ENTRY_SCRIPT)
    yield os.path.dirname(os.path.realpath(script)) if script else None


def _place(found: dict[str, Any], sources: _Sources, current: str) -> None:
    """Make the application's folder and the script absolute (S7, S10, S17)."""
    root = found.get("app_root") or current
    if sources.origins.get("app_root", "").startswith("file "):  # relative to the file that says so
        root = os.path.normpath(os.path.join(os.path.dirname(sources.path), root))
    found["app_root"] = root
    script = found.get("entry_script")
    if script:
        typed = sources.origins["entry_script"].startswith("flag ")
        named = os.path.abspath(script if typed else os.path.join(current, root, script))
        found["entry_link"], found["entry_script"] = named, os.path.realpath(named)


def _no_script(current: str) -> ConfigError:
    here = [name for name in ("score.py", "main.py", "app.py") if os.path.isfile(os.path.join(current, name))]
    example = here[0] if here else "score.py"
    message = (
        "Either provide an entry_script using --entry_script or "
        "provide a path to the configuration file using --config_file\n"
        f"For instance: {contract.PRODUCT} --entry_script {example}"
        + (f"   ({example} is in the current folder)" if here else "")
        + f"\n{contract.ENV_ENTRY_SCRIPT} in the environment, or in a config.json, does as well."
    )
    return ConfigError(contract.ENV_ENTRY_SCRIPT, None, "", message, contract.EXIT_FAILED)


def _health(found: dict[str, Any], sources: _Sources) -> None:
    """Decide on the second port (S38): SEPERATE_HEALTH_ENDPOINT=true, or a health port that somebody gave.

    The reference ignores --health_port without the variable. A port that was asked for is opened here, unless the
    variable says otherwise and the port was not typed.
    """
    separate = sources.named(contract.ENV_SEPARATE_HEALTH)
    port = found.pop("health_port", None)
    typed = sources.origins.get("health_port", "").startswith("flag ")
    if separate and separate[0] == "true":
        port = contract.DEFAULT_HEALTH_PORT if port is None else port
        sources.origins.setdefault("health_port", separate[1])
    elif separate and separate[0] and not typed:
        port = None
    if port is not None and (port == 0 or port != found.get("port", contract.DEFAULT_PORT)):
        found["health_port"] = port


def _debugger(found: dict[str, Any], sources: _Sources) -> None:
    """Split the debugger's address and make the choices that follow from debugging (S133)."""
    address = found.pop("debug_port", None)
    if address is None or address[1] == 0:
        for field in ("debug_connect", "wait_for_client"):
            if found.pop(field, False):
                sources.warnings.append(
                    f"{_BY_FIELD[field].flag} (from {sources.origins.pop(field)}) has no effect without --debug PORT"
                )
        return
    host, found["debug_port"] = address
    if host:
        found["debug_host"] = host
        sources.origins["debug_host"] = sources.origins["debug_port"]
    if found.get("debug_connect"):
        found.setdefault("wait_for_client", True)  # an IDE that listens is there already
    # Stepping through one of several workers would let the others answer; one serial worker stops as a whole.
    for field in ("worker_count", "threads"):
        if found.get(field, 1) > 1:
            origin = sources.origins[field]
            sources.warnings.append(f"{field} = {found[field]} (from {origin}): it is 1 while a debugger is asked for")
            found[field] = 1
            sources.origins[field] = sources.origins["debug_port"]


def _insights(found: dict[str, Any], sources: _Sources) -> list[str]:
    """Decide on Application Insights (S134) and return all lines that go to stdout before the settings (S8)."""
    remarks = []
    if not found.get("model_dir"):
        remarks.append(f"The environment variable '{contract.ENV_MODEL_DIR}' has not been set.")
        remarks.append("Use the --model_dir command line argument to set it.")
    key = found.get("insights_key")
    wanted = found.get("insights_enabled", False) or sources.origins.get("insights_key", "").startswith("flag ")
    found["insights_enabled"] = bool(key and wanted and _UUID.fullmatch(key))
    if found["insights_enabled"]:
        remarks.append("Valid Application Insights instrumentation key provided.")
    elif key and wanted:
        remarks.append("Invalid Application Insights instrumentation key provided.")
        remarks.append("Application Insights has been disabled.")
    return remarks


def _warn(found: dict[str, Any], sources: _Sources) -> None:
    """Say what is set and does not do what somebody may expect (S33)."""
    environ, warnings = sources.environ, sources.warnings
    model = found.get("model_dir")
    if model and not os.path.exists(model):
        warnings.append(f"{contract.ENV_MODEL_DIR} (from {sources.origins['model_dir']}): {model!r} does not exist")
    if environ.get("GUNICORN_CMD_ARGS"):
        warnings.append(
            "GUNICORN_CMD_ARGS has no effect, this server does not use gunicorn: "
            "see --host, --worker_count, --threads, --worker-timeout and --graceful-timeout"
        )
    warnings.extend(
        f"{name} has no effect: its feature was removed from azmlinfsrv; see --debug and --errors"
        for name in ("AML_DBG_MODEL_INFO", "AML_DBG_RESOURCE_INFO")
        if name in environ
    )
