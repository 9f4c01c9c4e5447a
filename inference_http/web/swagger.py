"""Which OpenAPI document answers ``GET /swagger.json?version=``: the user's own file, or one made for run()."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal, Protocol

from inference_http.config.settings import Settings
from inference_http.user.errors import Failure, UserScriptError
from inference_http.user.schema import ALL_VERSIONS, Schema
from inference_http.web.openapi import Api, openapi_3, swagger_2

Document = dict[str, Any] | list[Any]

DEFAULT_VERSION: Final = "2"

_ALIASES: Final = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
_BUILD: Final[dict[str, Callable[[Api], dict[str, Any]]]] = {
    "2": swagger_2,
    "3": lambda api: openapi_3(api, "3.0.3"),
    "3.1": lambda api: openapi_3(api, "3.1.0"),
}
_FILES: Final = {"2": ("swagger.json", "swagger2.json"), "3": ("swagger3.json",), "3.1": ("swagger3.1.json",)}
_DECLARED: Final = {"2": "2.0", "3": "3.0", "3.1": "3.1"}  # as inference-schema names them

logger = logging.getLogger("azmlinfsrv.swagger")


class UnknownVersion(Exception):
    """There is no such version of the format: 404 with ``str(error)`` as message (S105)."""


class UnsupportedVersion(Exception):
    """The script's samples cannot be described in that version: 404 with ``str(error)`` as message (S105, S106)."""


class SwaggerFileError(UserScriptError):
    """A swagger file of the user's cannot be used: the process ends with exit code 3 (S112)."""


class Described(Protocol):
    """The part of script.Script that matters here."""

    @property
    def kind(self) -> Literal["text", "raw", "schema"]:
        """How run() gets its input."""


class Swagger:
    """The documents, made once at start, after init() (S104, S111)."""

    def __init__(self, settings: Settings, script: Described, schema: Schema | None) -> None:
        """Raise SwaggerFileError for a file of the user's that is no JSON."""
        api = _api(settings, script, schema)
        possible = ALL_VERSIONS if schema is None else schema.versions()
        self._documents: dict[str, Document] = {}
        for version, build in _BUILD.items():
            document = _user_document(settings.app_root, version)
            if not document and _DECLARED[version] in possible:
                document = _plain(build(api))
            if document:
                self._documents[version] = document
        _log(list(self._documents), [version for version in _BUILD if version not in self._documents])

    def get(self, version: str | None = None) -> Document:
        """The document of a version as the query names it (None: version 2).

        Raises UnknownVersion and UnsupportedVersion.
        """
        wanted = DEFAULT_VERSION if version is None else version
        supported = ", ".join(self._documents)
        if wanted not in _ALIASES:
            raise UnknownVersion(f"Swagger version [{wanted}] is not valid. Supported versions: [{supported}].")
        try:
            return self._documents[_ALIASES[wanted]]
        except KeyError:
            raise UnsupportedVersion(
                f"Swagger version [{wanted}] is not supported for the scoring script."
                f" Supported swagger versions: [{supported}]."
            ) from None


def _api(settings: Settings, script: Described, schema: Schema | None) -> Api:
    api = Api(settings.service_name, settings.service_version, settings.service_path_prefix, script.kind)
    if schema is None:
        return api
    return replace(api, input=schema.input_swagger(), output=schema.output_swagger(), parameters=schema.parameters())


def _plain(document: dict[str, Any]) -> Document:
    """The document as JSON will show it, with no part shared; a sample's values that have no JSON form become text."""
    plain: Document = json.loads(json.dumps(document, default=str))
    return plain


def _user_document(app_root: str, version: str) -> Document | None:
    """The user's own document of this version, if there is one that is not empty (S111)."""
    for name in _FILES[version]:
        path = os.path.join(app_root, name)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise _file_error(path, type(error).__name__, error.strerror or str(error)) from None
        document = _parsed(path, content)
        logger.info("Loaded user's swagger file for version [%s] from %s", version, path)
        if document:
            return document
    return None


def _parsed(path: str, content: bytes) -> Document | None:
    try:
        text = content.decode("utf-8-sig")  # editors on Windows write a mark in front
        document: Document | None = json.loads(text)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _file_error(path, "UnicodeDecodeError", f"not UTF-8: {error.reason}", place) from None
    except json.JSONDecodeError as error:
        source = text.splitlines()[error.lineno - 1 : error.lineno]
        raise _file_error(path, "JSONDecodeError", error.msg, (error.lineno, error.colno), *source) from None
    except RecursionError:
        raise _file_error(path, "RecursionError", "nested too deeply") from None
    return document


def _file_error(
    path: str, kind: str, message: str, place: tuple[int, int] | None = None, code: str = ""
) -> SwaggerFileError:
    """The error for a file; ``place`` is (line, column) from 1, ``code`` that line."""
    line, column = place or (None, 1)
    where = f"{path}:{line}:{column}" if line else path
    caret = f"    {code}\n    {' ' * (column - 1)}^\n" if code else ""
    return SwaggerFileError(
        f"Your swagger file cannot be used: {where}: {message}",
        Failure(kind, message, path, line, code or None, caret),
        [f"Mend {os.path.basename(path)}, or remove it: a document is then made for run()."],
    )


def _log(prepared: list[str], skipped: list[str]) -> None:
    """Say what /swagger.json will answer, in the reference's words."""
    if prepared and skipped:
        logger.info(
            "Swaggers are prepared for versions [%s] and skipped for versions [%s].",
            ", ".join(prepared),
            ", ".join(skipped),
        )
    elif prepared:
        logger.info("Swaggers are prepared for the following versions: [%s].", ", ".join(prepared))
    else:
        logger.info("No swagger is prepared.")
