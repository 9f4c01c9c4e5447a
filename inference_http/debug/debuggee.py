"""The worker's side of debugging: make this process a child of the session that a client holds (``listener.Listener``).

debugpy is imported only when a client has attached: on Python <= 3.11 a debugger in the worker costs about ten times
its speed even when nobody uses it, and that cost stays until the process ends.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

# From 3.12 on the debugger uses sys.monitoring, which costs nothing where no breakpoint is: a worker may be attached
# where it runs, and kept when the client has gone. Below, one that was traced stays slow and should be replaced.
KEEPS_SPEED: Final = sys.version_info >= (3, 12)

WAIT_S: Final = 2.0  # for a client to set its breakpoints here; one that ignores child processes never does
REJOIN_S: Final = 0.3  # what a client takes to set its breakpoints in a process that it was offered

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # inference_http, wherever installed

# Parameters of pydevd.settrace() that ``attach`` needs; the newest of them, ppid, came with debugpy 1.8.15.
NEEDED: Final = frozenset(("wait_for_ready_to_run", "access_token", "client_access_token", "protocol", "ppid"))


class DebuggerUnavailable(Exception):
    """debugpy is missing, not as this module knows it, or its adapter is gone; the worker can serve all the same."""


def preload() -> None:
    """Import the debugger and nothing more: forks of a process that did so attach 0.1 s sooner. Starts no thread."""
    _debugger()


def attach(endpoint: Mapping[str, Any], *, wait_s: float = WAIT_S) -> bool:
    """Connect this process to the client that holds the session, before the user's code is loaded or while it serves.

    Any thread may call it, and again whenever a client has come: one that comes back at once after it has gone may not
    be offered the processes that were there before, so a process that is connected but in no session connects anew.

    Args:
        endpoint: what ``listener.Listener.endpoint()`` returned in the supervisor, sent to this process as JSON.
        wait_s: seconds to wait until a client has set its breakpoints here; 0 does not wait.

    Returns:
        Whether a client has configured this process. False leaves it running; a client may still come.

    Raises:
        DebuggerUnavailable: debugpy is missing or too old (``listener.Listener.joins``), or its adapter is gone.
    """
    if _current() is not None:
        if wait_for_client(min(wait_s, REJOIN_S)):
            return True
        detach()
    pydevd = _debugger()
    inspect = importlib.import_module("inspect")
    missing = NEEDED - set(inspect.signature(pydevd.settrace).parameters)
    if missing:
        lacks = ", ".join(sorted(missing))
        raise DebuggerUnavailable(f"this debugpy cannot attach a running process ({lacks}): install debugpy>=1.8.15")
    try:
        with _our_code_is_library_code():
            pydevd.settrace(
                host=endpoint["host"],
                port=endpoint["port"],
                access_token=endpoint["token"],
                client_access_token=endpoint["client_token"],
                ppid=endpoint["parent_pid"],  # makes this process a child session although it is no child process
                protocol="dap",
                suspend=False,
                # The default waits for ever when a client ignores child processes; the wait below ends.
                wait_for_ready_to_run=False,
                patch_multiprocessing=False,  # the script's own subprocesses are its own
                notify_stdin=False,
                dont_trace_start_patterns=(_folder_of(importlib.import_module("debugpy")),),
            )
    except OSError as error:
        pydevd.stoptrace()  # forgets the half-made debugger, so that a later attempt can succeed
        where = f"{endpoint['host']}:{endpoint['port']}"
        raise DebuggerUnavailable(f"the debug adapter at {where} does not answer: {error}") from error
    answer_at_once(pydevd)
    return wait_for_client(wait_s)


def wait_for_client(wait_s: float) -> bool:
    """Wait until a client has set its breakpoints in this process; False when none has within ``wait_s`` seconds."""
    deadline = time.monotonic() + wait_s
    while not attached() and time.monotonic() < deadline:
        time.sleep(0.005)  # debugpy.wait_for_client() knows no limit
    return attached()


def attached() -> bool:
    """Whether a client holds a session with this process now. Cheap, and does not import the debugger.

    Where nobody holds the root session, the adapter does for a moment after ``attach``, to unblock what it was offered.
    """
    debugger = _current()
    return debugger is not None and bool(debugger.is_attached())


def detach() -> None:
    """Leave the session: the client sees this process end, and it runs on without a debugger.

    Where ``KEEPS_SPEED`` is False its threads stay slow: better to replace the worker.
    """
    if _current() is not None:
        sys.modules["pydevd"].stoptrace()


def pass_breakpoints() -> None:
    """Let ``breakpoint()`` in the script log a line and go on, until a debugger is in this process.

    For a worker that a client may attach to but has not: Python's own debugger would ask a terminal that nobody reads.
    PYTHONBREAKPOINT beats it.
    """
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _passed


def exempt(thread: threading.Thread) -> None:
    """Keep a thread of the server out of the debugger: not traced, not listed, and not suspended while others are.

    So probes are answered while run() stands at a breakpoint. Call it before the thread's ``start()``; it costs two
    attributes and needs no debugger.
    """
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]


def answer_at_once(pydevd: Any) -> None:
    """Switch Nagle's algorithm off: pydevd sends header and body apart, and answers would wait 40 ms for an ACK."""
    socket = importlib.import_module("socket")
    connection = getattr(pydevd.get_global_debugger(), "_client_socket", None)
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _passed(*_: Any, **__: Any) -> None:
    frame = sys._getframe(1)  # noqa: SLF001 - the only way to the caller
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    logging.getLogger("azmlinfsrv").warning("breakpoint() in %s passed: no debugger is attached", place)


def _current() -> Any:
    """The debugger in this process, connected to some adapter; None when there is none."""
    current = getattr(
        sys.modules.get("pydevd"), "get_global_debugger", None
    )  # pydevd may be in the midst of its import
    return current() if current else None


def _debugger() -> Any:
    """The module pydevd, which exists only once ``debugpy.server`` has been imported."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # no warning about the stdlib's frozen modules
    try:
        importlib.import_module("debugpy.server")
        return importlib.import_module("pydevd")
    except ImportError as error:
        raise DebuggerUnavailable(f"debugpy cannot be imported ({error}): pip install debugpy") from error


@contextlib.contextmanager
def _our_code_is_library_code() -> Iterator[None]:
    """Tell the debugger, which reads it once, that this package is no user code, wherever it is installed.

    With "just my code" its frames are then hidden, and an exception that leaves the script for the server counts as
    uncaught in user code: the client stops at the raising line although the server catches it.
    """
    before = os.environ.get("LIBRARY_ROOTS")
    roots = before.split(os.pathsep) if before is not None else _library_roots()
    os.environ["LIBRARY_ROOTS"] = os.pathsep.join([*roots, _PACKAGE])
    try:
        yield
    finally:
        if before is None:
            del os.environ["LIBRARY_ROOTS"]
        else:
            os.environ["LIBRARY_ROOTS"] = before


def _library_roots() -> list[str]:
    """What pydevd takes for libraries by itself; a list from us replaces its own."""
    site, sysconfig = importlib.import_module("site"), importlib.import_module("sysconfig")
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths]
    found += [_folder_of(os), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    found += [entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")]
    return sorted({*found, *map(os.path.realpath, found)})


def _folder_of(module: Any) -> str:
    file: str = module.__file__
    return os.path.dirname(os.path.abspath(file))
