"""What the tools that build are told by environment variables."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping

# What would make a tool install elsewhere, or look into packages that are not the environment's.
_DROPPED = frozenset(
    """
    CONDA_DEFAULT_ENV CONDA_PREFIX PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_ROOT PIP_TARGET PIP_USER PYTHONHOME PYTHONPATH
    PYTHONSTARTUP PYTHONUSERBASE UV_PROJECT_ENVIRONMENT UV_PYTHON UV_SYSTEM_PYTHON VIRTUAL_ENV __PYVENV_LAUNCHER__
    """.split()  # noqa: SIM905 - a table is read more easily
)
_FIXED = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off", "NO_COLOR": "1"}
_UV_OWN = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_CONFIG_FILE")
# Name of a setting of pip -> (variable of uv, what separates its values).
_AS_UV = {
    "index-url": ("UV_INDEX_URL", " "),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
}
_SETTING = re.compile(r"(?P<section>:env:|global|install|site|user)\.(?P<name>[\w-]+)=(?P<value>'.*'|\".*\")")
_ORDER = {"global": 0, "site": 0, "user": 0, "install": 1, ":env:": 2}


def of_tools(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of pip, uv and conda: ours, without what would lead them astray."""
    kept = {name: value for name, value in environ.items() if name not in _DROPPED}
    return {**kept, **_FIXED, "PYTHONIOENCODING": "utf-8"}


def of_uv(environ: Mapping[str, str], settings: str) -> dict[str, str]:
    """Return the environment of uv, which knows nothing of pip's settings: it is told the same indexes.

    What uv was told itself wins; pip's settings then count for nothing.

    Args:
        environ: what ``of_tools`` returned.
        settings: what ``pip config list`` printed.
    """
    if any(name.startswith(_UV_OWN) for name in environ) or _has_own_file(environ):
        return dict(environ)
    found = pip_settings(settings)
    told = {variable: split.join(found[name].split()) for name, (variable, split) in _AS_UV.items() if name in found}
    told["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip, and so Azure: the best of all indexes, not of the first
    return {**told, **environ}


def pip_settings(text: str) -> dict[str, str]:
    """Read what ``pip config list`` prints: a variable wins over ``[install]``, that over ``[global]``."""
    found = sorted(
        (match for line in text.splitlines() if (match := _SETTING.fullmatch(line.strip()))),
        key=lambda match: _ORDER[match["section"]],
    )
    return {match["name"]: str(ast.literal_eval(match["value"])).strip() for match in found}


def ask_pip(environ: Mapping[str, str]) -> str:
    """Return what ``pip config list`` prints, "" where there is no pip to ask."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(words, env=dict(environ), capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _has_own_file(environ: Mapping[str, str]) -> bool:
    folders = [environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), environ.get("APPDATA", ""), "/etc"]
    return any(folder and os.path.isfile(os.path.join(folder, "uv", "uv.toml")) for folder in folders)
