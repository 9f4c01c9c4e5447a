"""What a conda file asks for, said in pip's words as far as pip has them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.environment import conda_spec, twins
from sandbox.environment.conda_spec import CondaSpec
from sandbox.model.errors import SandboxError

_OF_THE_TOOL = frozenset({"python", "pip", "conda", "mamba"})  # the first is read apart, the others install, here too


@dataclass(frozen=True, slots=True)
class Plan:
    """What to install."""

    python: str  # conda's expression, "" for any
    translated: tuple[str, ...]  # conda's packages as pip requirements
    pip: tuple[str, ...]  # the list below `pip:`, as written
    conda_only: tuple[str, ...]  # as written; not empty: conda itself is needed
    conda: tuple[str, ...]  # all conda packages but python, as written
    channels: tuple[str, ...]
    notes: tuple[str, ...]  # what is done otherwise than conda would


def read(conda: Mapping[str, Any]) -> Plan:
    """Read the content of a conda file.

    Raises:
        SandboxError: E071, an entry is not understood; it is named.
    """
    specs, pip = _entries(conda.get("dependencies"))
    python = next((spec.version for spec in specs if spec.name == "python"), "")
    others = [spec for spec in specs if spec.name not in _OF_THE_TOOL]
    carried = [spec for spec in others if twins.is_carried(spec.name, spec.build)]
    wanted = [spec for spec in others if not twins.is_carried(spec.name, spec.build)]
    translated = [(spec, _requirement(spec)) for spec in wanted]
    return Plan(
        python=python,
        translated=tuple(requirement for _, requirement in translated if requirement),
        pip=tuple(pip),
        conda_only=tuple(spec.text for spec, requirement in translated if requirement is None),
        conda=tuple(spec.text for spec in specs if spec.name != "python"),
        channels=_channels(conda.get("channels")),
        notes=tuple(_notes(conda, carried)),
    )


def _entries(dependencies: Any) -> tuple[list[CondaSpec], list[str]]:
    specs: list[CondaSpec] = []
    pip: list[str] = []
    if dependencies is not None and not isinstance(dependencies, list | tuple):
        raise SandboxError(
            "E071", "dependencies of the conda file is no list", "", "write one package to a line: - NAME"
        )
    for entry in dependencies or ():
        if isinstance(entry, Mapping):
            pip += _pip(entry)
        elif isinstance(entry, str):
            try:
                specs.append(conda_spec.parse(entry))
            except ValueError as error:
                fix = "write NAME, NAME=VERSION or NAME>=VERSION"
                raise SandboxError("E071", f"dependency {entry!r} of the conda file", str(error), fix) from None
        else:
            why = f"it is {'empty' if entry is None else 'a ' + type(entry).__name__}, not a text"
            raise SandboxError("E071", f"dependency {entry!r} of the conda file", why, "write NAME=VERSION")
    return specs, pip


def _pip(entry: Mapping[str, Any]) -> list[str]:
    if set(entry) != {"pip"}:
        names = ", ".join(repr(name) for name in entry)
        raise SandboxError("E071", f"{names} in dependencies", "the only list inside it is `pip:`", "correct the name")
    items = entry["pip"]
    if items is None:
        return []
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise SandboxError("E071", "`pip:` is no list of texts", "", "write one requirement to a line: - NAME==VERSION")
    return [item.strip() for item in items if item.strip()]


def _channels(channels: Any) -> tuple[str, ...]:
    return tuple(str(channel) for channel in channels) if isinstance(channels, list | tuple) else ()


def _requirement(spec: CondaSpec) -> str | None:
    """Return a pip requirement that asks for the same, None where there is none."""
    name, version = twins.on_pypi(spec.name), conda_spec.to_pip(spec.version)
    if name is None or version is None:
        return None
    if name in twins.LONGER_VERSIONS and version.startswith("==") and not version.endswith("*"):
        version += ".*"
    return name + version


def _notes(conda: Mapping[str, Any], carried: list[CondaSpec]) -> list[str]:
    notes = []
    if carried:
        names = [spec.name for spec in carried[:5]]
        more = f" and {len(carried) - 5} more" if len(carried) > 5 else ""
        notes.append(f"not installed by itself: {', '.join(names)}{more}; the packages bring what they need of it")
    if conda.get("variables"):
        notes.append("`variables` of the conda file are not set; write them as environment_variables of the deployment")
    return notes
