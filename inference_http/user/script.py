"""The scoring script: load it, find out how run() is called, call init() and run(). Knows no HTTP."""

import inspect
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from types import AsyncGeneratorType, CoroutineType, ModuleType, NoneType
from typing import Any, Final, NoReturn, Protocol

from inference_http import compat
from inference_http.contract import ENV_ENTRY_SCRIPT
from inference_http.user import errors, importing, signature
from inference_http.user.failure import Failure, describe
from inference_http.user.files import distinct
from inference_http.user.hints import hints
from inference_http.user.schema import Schema
from inference_http.user.signature import Kind

__all__ = ["Script", "ScriptSettings", "call_init", "call_run", "load", "user_modules"]

IMPORT_FAILED: Final = "Failed to import user script because it raised an unhandled exception"
PLAIN: Final = frozenset({dict, list, str, int, float, bool, NoneType, tuple, bytes})  # nothing in them to wait for

logger = logging.getLogger("azmlinfsrv.user_script")


class ScriptSettings(Protocol):
    """What loading needs to know of the settings."""

    @property
    def entry_script(self) -> str | None:
        """The script's path, relative to the app root if not absolute (S17); None: main.py in the app root (S19)."""

    @property
    def app_root(self) -> str:
        """AML_APP_ROOT."""

    @property
    def source_dir(self) -> str | None:
        """AZUREML_SOURCE_DIRECTORY, relative to the app root if not absolute."""

    @property
    def model_dir(self) -> str | None:
        """AZUREML_MODEL_DIR as given."""


@dataclass(frozen=True)
class Script:
    """A loaded scoring script.

    ``init`` is the script's own; ``run`` too, but for a script with a driver_module: then it is that module's, whose
    file is ``driver`` (S23). ``roots`` are the user's folders. ``kind``, ``parameter``, ``parameters``,
    ``wants_headers``, ``is_async``: see signature.Signature.
    """

    path: str
    module: ModuleType
    init: Callable[[], Any]
    run: Callable[..., Any]
    kind: Kind
    parameter: str | None
    parameters: tuple[inspect.Parameter, ...]
    wants_headers: bool
    is_async: bool
    schema: Schema | None
    roots: tuple[str, ...]
    driver: str | None
    model_dir: str | None

    @property
    def uses_flask(self) -> bool:
        """Whether anything that is loaded now may look at Flask's request: run() then needs Flask's context."""
        return importing.names_flask() or importing.libraries_use_flask()


def load(settings: ScriptSettings) -> Script:
    """Import the script and check init() and run(). Raises LoadError or SignatureError, also for SystemExit.

    From here on the user's folders are on the import path and the names of Microsoft's packages are ours.
    """
    path, roots = _locate(settings)
    compat.install()
    importing.prepare(roots)
    for hidden, loaded in importing.hidden_files(roots).items():
        logger.warning("%s cannot be imported: %s has its name and is loaded already. Rename the file.", hidden, loaded)
    try:
        module = importing.load_main() if path is None else importing.load_file(path)
    except BaseException as error:  # whatever the script raises, the start has failed (S126)
        failure = describe(error, roots)
        raise errors.LoadError(IMPORT_FAILED, failure, hints(error, settings, roots=roots)) from error
    if module is None:
        _no_main(settings.app_root)
    path = path or os.path.abspath(module.__file__ or "main")
    try:
        return _analysed(path, module, roots, settings.model_dir)
    except errors.UserScriptError:
        raise
    except Exception as error:  # a module may have a __getattr__ of its own
        failure = describe(error, roots)
        if failure.raised_in is not None:
            raise  # raised by a library or by us: no fault of the script's
        raise errors.LoadError(IMPORT_FAILED, failure) from error


def call_init(script: Script) -> float:
    """Call init(), on the calling thread; an async one is awaited. Gives its duration in seconds. Raises InitError."""
    logger.info("Invoking user's init function")
    started = perf_counter()
    try:
        _settled(script.init())
    except BaseException as error:  # SystemExit too: a script that ends itself must not be served (S126)
        helpful = hints(error, script, roots=script.roots, tree=True)
        raise errors.InitError("User's init function failed", describe(error, script.roots), helpful) from error
    seconds = perf_counter() - started
    logger.info("Users's init has completed successfully")
    return seconds


def call_run(script: Script, arguments: dict[str, Any]) -> tuple[Any, float]:
    """Call run(), on the calling thread; give what it returned and how long it took, in milliseconds.

    A coroutine is awaited, an asynchronous generator becomes a plain one. Raises RunError for anything that the script
    raises, SystemExit included; ScoringTimeout passes.
    """
    started = perf_counter()
    try:
        result = script.run(**arguments)
        if type(result) not in PLAIN:
            result = _settled(result)
    except errors.ScoringTimeout:
        raise
    except BaseException as error:  # the worker outlives whatever the script does (S86)
        raise errors.RunError(error, script.roots, script.model_dir) from error
    return result, (perf_counter() - started) * 1000


def user_modules(script: Script) -> dict[str, str]:
    """Give name and file of the loaded modules that are the user's, the script itself included."""
    return importing.user_modules(script.roots)


def _settled(result: Any) -> Any:
    awaited = isinstance(result, CoroutineType) or hasattr(type(result), "__await__")
    if not awaited and not isinstance(result, AsyncGeneratorType):
        return result
    from inference_http.user import eventloop  # it imports asyncio, which takes 40 ms: only where it is used

    if awaited:
        result = eventloop.wait_for(result)
    return eventloop.as_generator(result) if isinstance(result, AsyncGeneratorType) else result


def _locate(settings: ScriptSettings) -> tuple[str | None, tuple[str, ...]]:
    """Find the script's path, None for main.py, and the user's folders."""
    root = settings.app_root
    source = os.path.join(root, settings.source_dir) if settings.source_dir else None
    if settings.entry_script is None:
        return None, distinct((source, root))
    path = os.path.abspath(os.path.join(root, settings.entry_script.replace("/", os.sep)))
    if not os.path.isfile(path):
        _no_file(path, root)
    return path, distinct((os.path.dirname(path), source, root))


def _analysed(path: str, module: ModuleType, roots: tuple[str, ...], model_dir: str | None) -> Script:
    init, outer_run = signature.function(module, "init", path), signature.function(module, "run", path)
    signature.check_init(init)
    run, driver = outer_run, None
    inner = getattr(module, "driver_module", None)
    if isinstance(inner, ModuleType) and hasattr(inner, "run"):
        driver = getattr(inner, "__file__", None) or inner.__name__  # a module made by the script has no file
        run = signature.function(inner, "run", driver)
        logger.info("Found driver script at %s and the score script at %s", path, driver)
    else:
        logger.info("Found user script at %s", path)
    found = signature.read(run, outer_run)
    return Script(
        path=path,
        module=module,
        init=init,
        run=run,
        kind=found.kind,
        parameter=found.parameter,
        parameters=found.parameters,
        wants_headers=found.wants_headers,
        is_async=found.is_async,
        schema=found.schema,
        roots=roots,
        driver=driver,
        model_dir=model_dir,
    )


def _no_file(path: str, root: str) -> NoReturn:
    if os.path.isdir(path):
        what, where = f"The entry script {path} is a folder: name the file in it.", path
    else:
        what, where = f"There is no entry script {path}.", os.path.dirname(path)
        if not os.path.isdir(where):
            what, where = f"{what} Its folder does not exist either.", root
    raise errors.LoadError(what, _failure(what), [_scripts_in(where)])


def _no_main(root: str) -> NoReturn:
    """Refuse to start without any script, in the reference's words (S19)."""
    title = "No score script found. Expected score script main.py."
    lines = [f"Expected script to be found in PYTHONPATH: {sys.path}"]
    if os.path.isdir(root):
        lines.append(f"Current contents of AML_APP_ROOT: {os.listdir(root)}")
    else:
        lines.append(f"The directory {root} not an accessible directory in the container.")
    lines.append(f"Name the script with --entry_script FILE, {ENV_ENTRY_SCRIPT}, or the same key in the config file.")
    raise errors.LoadError(title, _failure(title), lines)


def _failure(message: str) -> Failure:
    return Failure(FileNotFoundError.__name__, message, None, None, None, "")


def _scripts_in(folder: str) -> str:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".py")) if os.path.isdir(folder) else []
    return f"Python files in {folder}: {', '.join(names[:20])}" if names else f"There is no Python file in {folder}."
