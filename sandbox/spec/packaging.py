"""The file of ``az ml model package``: what of it counts here is the name that the image is to have."""

from sandbox.model.errors import UsageError
from sandbox.spec.compose import compose
from sandbox.spec.nodes import Mapping, plain
from sandbox.spec.source import read


def target_environment(file: str) -> str | None:
    """Return the name of the environment that would be made of the image: NAME, or NAME:VERSION; None for no name.

    Raises:
        SpecError: it cannot be read.
        UsageError: E018, it is no mapping.
    """
    node, _ = compose(read(file))
    if not isinstance(node, Mapping):
        raise UsageError("E018", f"{file} does not describe a package", "", "target_environment: NAME")
    said = node.get("target_environment")
    found = plain(said) if said is not None else None
    if isinstance(found, dict):
        name, version = found.get("name"), found.get("version")
        return f"{name}:{version}" if name and version else str(name) if name else None
    return str(found).removeprefix("azureml:") if found else None
