"""The process of one job: ``python -m tui.work FOLDER``. Its output is a line of JSON for each thing that happens."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.api import Edit, Sandbox
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from tui.jobs import ORDER
from tui.trouble import of_error

if TYPE_CHECKING:
    from tui.looks import Trouble

_turn = threading.Lock()


def say(said: Mapping[str, Any]) -> None:
    """Write one line, whole."""
    with _turn:
        os.write(1, f"{json.dumps(said, ensure_ascii=False)}\n".encode())


def tell(event: Event) -> None:
    """Write what a use case tells."""
    say(asdict(event))


def _up(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.up(given["paths"], development=given.get("reload", False), report=tell)


def _start(box: Sandbox, given: Mapping[str, Any]) -> None:
    """Write the sample into a folder, and bring it up."""
    _command(box, {"words": ["init", given["folder"], *(["--name", given["name"]] if given.get("name") else [])]})
    _up(box, {"paths": [given["folder"]], "reload": given.get("reload", False)})


def _heal(box: Sandbox, given: Mapping[str, Any]) -> None:  # noqa: ARG001 - all verbs are called alike
    box.up((), report=tell)


def _update(box: Sandbox, given: Mapping[str, Any]) -> None:
    edits = [Edit("set", tuple(path), value) for path, value in given.get("sets", ())]
    edits += [Edit("remove", tuple(path)) for path in given.get("removes", ())]
    box.online_deployments.update(
        given.get("file"),
        name=given["deployment"],
        endpoint=given["endpoint"],
        edits=edits,
        reload=given.get("reload"),
        debug=given.get("debug"),
        report=tell,
    )


def _debug(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.online_deployments.debug(given["deployment"], given["endpoint"], off=not given["on"], report=tell)


def _seal(box: Sandbox, given: Mapping[str, Any]) -> None:
    sealed = box.images.seal(given["deployment"], given["endpoint"], report=tell)
    tell(Event("image", "note", f"{sealed.name}  {sealed.id}", given["endpoint"], given["deployment"]))


def _promote(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.promotions.promote(
        given["endpoint"], given["host"], deployment=given["deployment"], steps=given["steps"], report=tell
    )


def _rollback(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.promotions.rollback(given["endpoint"], report=tell)


def _delete_deployment(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.online_deployments.delete(given["deployment"], given["endpoint"], report=tell)


def _delete_endpoint(box: Sandbox, given: Mapping[str, Any]) -> None:
    box.online_endpoints.delete(given["endpoint"], report=tell)


def _command(box: Sandbox, given: Mapping[str, Any]) -> None:  # noqa: ARG001 - all verbs are called alike
    """Carry out any command line, as a shell would."""
    words = [sys.executable, "-m", "sandbox.cli.main", *given["words"]]
    title = f"sandbox {' '.join(given['words'])}"
    began = time.monotonic()
    tell(Event("start", "begin", title))
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_plain()
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            tell(Event("start", "line", line.decode("utf-8", "replace").rstrip()))
    seconds = time.monotonic() - began
    if child.returncode != 0:
        tell(Event("start", "failed", f"exit code {child.returncode}", seconds=seconds))
        raise SandboxError("E141", f"{title} ended with exit code {child.returncode}", "", "its output says why")
    tell(Event("start", "done", title, seconds=seconds))


def _plain() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


VERBS: dict[str, Callable[[Sandbox, Mapping[str, Any]], None]] = {
    "up": _up,
    "start": _start,
    "heal": _heal,
    "update": _update,
    "debug": _debug,
    "seal": _seal,
    "promote": _promote,
    "rollback": _rollback,
    "delete-deployment": _delete_deployment,
    "delete-endpoint": _delete_endpoint,
    "command": _command,
}


def main(folder: str) -> int:
    """Carry out the order of a folder; return 0 if it worked."""
    with open(os.path.join(folder, ORDER), encoding="utf-8") as file:
        order = json.load(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell's "&" began us: it cancels
    say({"pid": os.getpid()})
    began = time.monotonic()
    trouble: Trouble | None = None
    end = "done"
    try:
        VERBS[order["verb"]](Sandbox(), order["arguments"])
    except KeyboardInterrupt:
        end = "cancelled"
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for the end
        end, trouble = "failed", of_error(error)
    say({"end": end, "seconds": time.monotonic() - began, "trouble": trouble and asdict(trouble)})
    return 0 if end == "done" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
