"""One deployment looked at closely: where its code lies, what its instances say, requests to try it with."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui import trouble
from tui.looks import About

if TYPE_CHECKING:
    from sandbox.ops.watching import Watching

WAITS = "INFERENCE_HTTP_WAIT_FOR_CLIENT"  # a variable that the server reads
SAMPLES = 12  # files that are offered
LARGEST_SAMPLE = 2**16


def about(watching: "Watching", endpoint: str, deployment: str) -> About:
    """Ask everything about one deployment."""
    state = watching.deployment(endpoint, deployment)
    wanted, serving = state.wanted, state.serving
    code = wanted.code_configuration
    folder = (code.code if code else "") or ""
    runs_from = (serving.code_root if serving else "") or ""
    found = About(
        code=folder,
        script=(code.scoring_script if code else "") or "",
        runs_from=runs_from,
        variables={name: value or "" for name, value in wanted.environment_variables.items()},
        environment=_name(wanted.environment),
        model=_name(wanted.model),
        instance_type=wanted.instance_type or "",
        debug_port=state.debug_port,
        busy=state.operation is not None,
        debugging=state.debugging,
        waits=(wanted.environment_variables.get(WAITS) or "").lower() == "true",
        instances=tuple(watching.details(endpoint, deployment)),
        samples=tuple(_samples(folder, watching.swagger(endpoint, deployment))),
    )
    if state.failure is not None:
        told = trouble.of_failure(state.failure)
        found = replace(found, trouble=trouble.yours(told, runs_from, folder))
    return found


def _name(asset: object) -> str:
    name, version = getattr(asset, "name", None), getattr(asset, "version", None)
    return f"{name}:{version}" if name else ""


def _samples(folder: str, swagger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    body = example(swagger)
    if body is not None:
        yield "from the schema", json.dumps(body, indent=2)
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except OSError:
        return
    for name in [each for each in names if each.endswith(".json")][:SAMPLES]:
        path = os.path.join(folder, name)
        try:
            if os.path.getsize(path) <= LARGEST_SAMPLE:
                with open(path, encoding="utf-8") as file:
                    yield name, file.read().strip()
        except (OSError, UnicodeDecodeError):
            continue


def example(swagger: Mapping[str, Any]) -> Any:
    """Return the request that the script's schema gives as an example; None where there is none."""
    definitions = swagger.get("definitions") or swagger.get("components", {}).get("schemas", {})
    given = definitions.get("ServiceInput") if isinstance(definitions, dict) else None
    if not isinstance(given, dict):
        return None
    return given.get("example") or None
