"""Rules that look at several values: those of the model, and those that need the disk or the file's own words."""

from typing import Any

from sandbox.model.asset import Model, is_remote
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.problem import Place
from sandbox.spec import script
from sandbox.spec.kinds import Kind
from sandbox.spec.nodes import Mapping, Scalar
from sandbox.spec.reading import Reading


def check(kind: Kind, value: Any, root: Mapping, reading: Reading, *, look_at_script: bool = True) -> None:
    """Note what the rules find, at the places of the keys; a key that already has an error is left alone."""
    for violation in kind.check(value):
        if not reading.has_error_at(violation.path):
            place = _value_place(root, violation.path) or reading.place_of(violation.path)
            reading.note(violation.code, violation.what, place, violation.path, violation.why, violation.fix)
    if isinstance(value, Deployment):
        if look_at_script:
            _scoring_script(value, root, reading)
        _scale(root, reading)
        _mlflow_model(value, root, reading)


def _value_place(root: Mapping, path: tuple[str | int, ...]) -> Place | None:
    """Return where the scalar at ``path`` stands: the caret belongs under the value; None for what is no scalar."""
    node: Any = root
    for part in path:
        node = node.get(str(part)) if isinstance(node, Mapping) else None
    return node.place if isinstance(node, Scalar) else None


def _scoring_script(deployment: Deployment, root: Mapping, reading: Reading) -> None:
    code = deployment.code_configuration
    path = ("code_configuration", "scoring_script")
    if code is None or not code.code or not code.scoring_script or is_remote(code.code):
        return
    if reading.has_error_at(path):
        return
    place = _value_place(root, path) or reading.place_of(path)
    reading.problems += script.check(code.code, code.scoring_script, place, path)


def _scale(root: Mapping, reading: Reading) -> None:
    """Azure refuses every other key beside ``type: default``."""
    scale = root.get("scale_settings")
    kind = scale.get("type") if isinstance(scale, Mapping) else None
    if not isinstance(scale, Mapping) or not isinstance(kind, Scalar) or str(kind.value).lower() != "default":
        return
    for name, entry in scale.entries.items():
        path = ("scale_settings", name)
        if name != "type" and not reading.has_error_at(path):
            why = "with default there are always instance_count instances"
            reading.note("E041", f"{name} beside type: default", entry.key.place, path, why, "remove it")


def _mlflow_model(deployment: Deployment, root: Mapping, reading: Reading) -> None:
    """Look whether a model without code can be served as it is."""
    model = deployment.model
    if not isinstance(model, Model) or model.type != "mlflow_model":
        return
    if reading.has_error_at(("model",)) or reading.has_error_at(("model", "path")):
        return
    from sandbox.mlflow import nocode

    try:
        nocode.check(deployment)
    except SandboxError as error:
        path = ("properties",) if error.code == "E060" else ("model", "path")
        place = _value_place(root, path) or reading.place_of(path)
        reading.note(error.code, error.what, place, path, error.why, error.fix)
