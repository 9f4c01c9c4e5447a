"""From what the engine lists of a container to the instance that it is. Pure."""

import os
import re
from collections.abc import Mapping
from typing import Any, Literal

from sandbox.backend.docker import words
from sandbox.backend.protocol import Instance

_EXITED = re.compile(r"\((\d+)\)")


def instance_of(found: Mapping[str, Any], instances: str, *, loops: bool) -> Instance:
    """Return the instance.

    Args:
        found: one entry of the engine's list; the labels on it say everything but the state.
        instances: folder of records and logs of all instances.
        loops: it ends again and again, and the engine would go on starting it.
    """
    said = found["Labels"]
    state: Literal["starting", "running", "exited"] = "starting"
    if found["State"] in {"running", "paused"}:
        state = "running"
    elif found["State"] in {"exited", "dead"} or loops:
        state = "exited"
    code = _EXITED.search(found.get("Status") or "") if state == "exited" else None
    endpoint, deployment, revision = said[words.ENDPOINT], said[words.DEPLOYMENT], said[words.REVISION]
    port, probe = int(said[words.PORT]), int(said[words.PROBE_PORT])
    return Instance(
        endpoint=endpoint,
        deployment=deployment,
        revision=revision,
        index=int(said[words.INDEX]),
        id=found["Id"],
        pid=None,
        port=port,
        state=state,
        exit_code=int(code[1]) if code else None,
        started=float(found["Created"]),
        log=os.path.join(instances, endpoint, deployment, revision, said[words.INDEX], "log"),
        backend="docker",
        probe_port=probe if probe != port else None,
        socket=said.get(words.SOCKET, ""),
    )
