"""Find and read the one configuration file (S25, S26, S32)."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from inference_http import contract
from inference_http.config.option_table import BY_NAME, OTHER_NAMES, SILENT_NAMES
from inference_http.config.settings import ConfigError

FILE_NAME = "config.json"
_SHOWN = 8  # unknown keys in one warning: the config.json of a language model has dozens


def locate(named: str | None, origin: str, folders: Iterator[str | None]) -> tuple[str | None, list[str]]:
    """Return (the file to read or None, warnings): ``named`` if it holds something, else a config.json in ``folders``.

    A missing file is an error when the flag names it and a warning when the environment does: what was typed is meant
    now, an image's environment may be a general default.

    Raises:
        ConfigError: ``named`` comes from the flag and does not exist, or is no file.
    """
    warnings = []
    if named:
        if os.path.isdir(named):
            raise ConfigError(contract.ENV_CONFIG_FILE, named, origin, f"{named!r} is a folder: name the file itself")
        if not os.path.exists(named):
            text = f"the configuration file {named!r} does not exist"
            if origin.startswith("flag "):
                raise ConfigError(contract.ENV_CONFIG_FILE, named, origin, f"{text} (looked from {os.getcwd()})")
            warnings.append(f"{contract.ENV_CONFIG_FILE} (from {origin}): {text}; it is ignored")
        elif os.path.getsize(named) == 0:
            warnings.append(f"{contract.ENV_CONFIG_FILE} (from {origin}): the file {named!r} is empty; it is ignored")
        else:
            return named, warnings
    for folder in folders:
        path = os.path.join(folder, FILE_NAME) if folder else ""
        if path and os.path.isfile(path) and os.path.getsize(path) > 0:
            return os.path.abspath(path), warnings
    return None, warnings


def read(path: str) -> dict[str, Any]:
    """Return the keys and values of the JSON object in the file ``path``, null values left out.

    Raises:
        ConfigError: the file cannot be read, is not JSON, or is something else than an object.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = json.load(file)
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise _invalid(path, f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _invalid(path, f"is not valid JSON: {error.msg} ({where})") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise _invalid(path, f"is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        shown = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}.get(
            type(content), "a number"
        )
        raise _invalid(path, f'holds {shown}: a JSON object is needed, for instance {{"SERVICE_NAME": "my model"}}')
    return {key: value for key, value in content.items() if value is not None}


def _invalid(path: str, problem: str) -> ConfigError:
    return ConfigError(contract.ENV_CONFIG_FILE, path, "", f"{path} {problem}")


def as_text(key: str, value: object, path: str) -> str:
    """Return ``value`` as the text the environment would hold: numbers, truth values and lists of texts are taken too.

    Raises:
        ConfigError: an object, a list of something else, or text that no environment can hold.
    """
    origin = f"file {path}"
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        value = ",".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        raise ConfigError(
            key, value, origin, f"{json.dumps(value)[:80]} does not do: give a text, a number or true/false"
        )
    try:
        usable = b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise ConfigError(key, value, origin, f"{value!r} holds characters that no environment variable can hold")
    return value


def unknown_keys(content: Mapping[str, Any], path: str) -> str:
    """Return one warning about the keys that mean nothing to us, each with the nearest known name; "" without any.

    The reference warns about its own environment variables instead, and never about the file (S30).
    """
    known = (BY_NAME.keys() | OTHER_NAMES.keys() | SILENT_NAMES) - {contract.ENV_CONFIG_FILE}
    unknown = [key for key in content if key not in known]
    if not unknown:
        return ""
    from difflib import get_close_matches  # here, because start-up shall not pay for it

    described = []
    for key in unknown[:_SHOWN]:
        near = get_close_matches(key.upper(), known, n=1, cutoff=0.8)
        described.append(f"{key!r} (did you mean {near[0]}?)" if near else repr(key))
    if len(unknown) > _SHOWN:
        described.append(f"and {len(unknown) - _SHOWN} more")
    return f"Found extra keys in the config file {path} that are not supported by the server: {', '.join(described)}"
