"""What VS Code is told about a deployment that is debugged: ``launch.json``, and a dev container of its image.

Both are written beside the code, where VS Code looks for them. Files of somebody else's are left as they are.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.image import devcontainer
from sandbox.model.connection import refers_to_secret
from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState
from sandbox.ops import containers, scoring
from sandbox.ops.context import Context

WRITE_S = 30.0


@dataclass(frozen=True, slots=True)
class Attach:
    """How a debugger attaches. ``local`` is the folder here, ``remote`` the same one as the server sees it."""

    host: str
    port: int
    local: str
    remote: str
    entry: Mapping[str, Any]  # of launch.json
    file: str = ""  # where it was written, "" where it could not be


@dataclass(frozen=True, slots=True)
class Debugged:
    """A deployment after it was switched: what runs, and how a debugger attaches (None: none can)."""

    endpoint: str
    deployment: str
    on: bool
    instances: int  # that run now
    wanted: int  # instances when it is switched off
    scoring_uri: str
    attach: Attach | None
    devcontainer: str = ""  # path of the file that was written, "" for none


def told(context: Context, state: DeploymentState) -> Debugged:
    """Return what somebody who debugs wants to know; changes nothing."""
    wanted = state.wanted
    endpoint = context.endpoint(wanted.endpoint_name)
    uri = f"http://127.0.0.1:{endpoint.port}{scoring.path(endpoint, wanted.name)}"
    path = _container(state)
    return Debugged(
        endpoint.name,
        wanted.name,
        state.debugging,
        state.asked.instance_count,
        wanted.instance_count,
        uri,
        attach(context, state, write=False),
        devcontainer.where(path) if path is not None else "",
    )


def attach(context: Context, state: DeploymentState, *, write: bool) -> Attach | None:
    """Return how a debugger attaches to a deployment, None where none can; ``write``: also write it for VS Code."""
    code = state.wanted.code_configuration
    if state.debug_port is None or code is None or code.code is None or code.scoring_script is None:
        return None
    remote = containers.code_inside(code.code) if state.backend == "docker" else code.code
    name = f"sandbox: {state.wanted.endpoint_name}/{state.wanted.name}"
    said = {"name": name, "port": state.debug_port, "local": code.code, "remote": remote}
    words = [sys.executable, "-m", "inference_http.debug.vscode", *(["--write"] if write else [])]
    done = subprocess.run(
        words, cwd=code.code, input=json.dumps(said), capture_output=True, text=True, timeout=WRITE_S, check=False
    )
    made: dict[str, Any] = json.loads(done.stdout or "{}")
    for text in done.stderr.strip().splitlines():
        _note(context, state, text)
    entry, file = made.get("entry", {}), made.get("file", "")
    return Attach("127.0.0.1", state.debug_port, code.code, remote, entry, file)


def write_launch(context: Context, state: DeploymentState) -> None:
    """Let the server write ``.vscode/launch.json`` around the code, and tell where; a failure is told, too."""
    code = state.wanted.code_configuration
    if state.debug_port is None or code is None or code.code is None or code.scoring_script is None:
        return
    words = ["-m", "inference_http", "--entry_script", os.path.join(code.code, code.scoring_script)]
    done = subprocess.run(
        [sys.executable, *words, "--debug", str(state.debug_port), "--write-vscode"],
        cwd=code.code,
        capture_output=True,
        text=True,
        timeout=WRITE_S,
        check=False,
    )
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    for text in said if done.returncode else said[-1:]:
        _note(context, state, text)
    attach(context, state, write=True)


def write_container(context: Context, state: DeploymentState) -> str:
    """Write a dev container of a deployment's image beside its code; return its path, "" where there is none.

    It needs the image, so it is written when the deployment is there.
    """
    made = _container(state)
    if made is None:
        return ""
    try:
        path = devcontainer.write(made)
    except OSError as error:
        _note(context, state, f"the dev container was not written: {error.filename}: {error.strerror}")
        return ""
    _note(context, state, f"{path}. In VS Code: Dev Containers: Reopen in Container")
    return path


def _container(state: DeploymentState) -> devcontainer.Described | None:
    code, serving = state.wanted.code_configuration, state.serving
    if state.debug_port is None or code is None or code.code is None or serving is None or serving.container is None:
        return None
    return devcontainer.Described(
        name=f"{state.wanted.endpoint_name}/{state.wanted.name}",
        image=serving.image,
        variables={name: value for name, value in serving.variables.items() if not refers_to_secret(value)},
        code=code.code,
        inside=serving.container.code,
        mounts=tuple((each.source, each.target) for each in serving.container.mounts),
    )


def _note(context: Context, state: DeploymentState, text: str) -> None:
    context.report(Event("start", "note", text, state.wanted.endpoint_name, state.wanted.name))
