"""What is to be built for an environment, with which tools, and the key under which it is found again."""

import hashlib
import json
import os
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.environment import conda_spec, installers, plan, pythons, requirements
from sandbox.environment.installers import Conda
from sandbox.environment.plan import Plan
from sandbox.environment.pythons import NEWEST, OLDEST, Choice
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError

_SCHEME = "1"  # raised when the same content is to be built otherwise


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built."""

    key: str
    python: str  # "3.11"
    base: str  # the interpreter that a virtual environment is made of
    lines: tuple[str, ...]  # of the requirements file for pip
    conda: Conda | None  # None: a virtual environment does
    dependencies: tuple[str, ...]  # for conda, its Python included
    channels: tuple[str, ...]
    warnings: tuple[str, ...]
    hints: tuple[str, ...]  # why it may fail

    @property
    def packages(self) -> tuple[str, ...]:
        """All that is asked for."""
        return (*self.dependencies, *self.lines)


def make(environment: Environment, conda: Mapping[str, object]) -> Order:
    """Decide how the content of a conda file is built.

    Raises:
        SandboxError: E071 it is not understood; E072 it lists packages that only conda has, and there is no conda.
    """
    wanted = plan.read(conda)
    choice = pythons.choose(wanted.python)
    tool = installers.conda(os.environ) if wanted.conda_only or not choice.fits else None
    if wanted.conda_only and tool is None:
        raise _only_conda(wanted.conda_only)
    folder = os.path.dirname(environment.conda_file) if environment.conda_file else os.getcwd()
    pip = requirements.read(wanted.pip, folder)
    lines: tuple[str, ...] = tuple(pip)
    dependencies: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    if tool is None:
        lines = (*wanted.translated, *lines)
        python, warning, platform = choice.python.minor, choice.warning, choice.python.tag
    else:
        python, warning = _python_of_conda(wanted, choice)
        channels, platform = wanted.channels, sysconfig.get_platform()
        dependencies = (f"python={_text(python)}", *wanted.conda, "pip")
    parts = [_SCHEME, python, platform, dependencies, channels, lines, requirements.state(lines)]
    return Order(
        key=hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24],
        python=_text(python),
        base=choice.python.path,
        lines=lines,
        conda=tool,
        dependencies=dependencies,
        channels=channels,
        warnings=tuple(text for text in (warning, *(() if tool else wanted.notes)) if text),
        hints=(warning,) if warning else (),
    )


def _python_of_conda(wanted: Plan, choice: Choice) -> tuple[tuple[int, int], str]:
    """Return the Python that conda installs, and a warning where it is not what was asked for. Conda has them all."""
    if choice.fits:
        return choice.python.minor, ""
    possible = [(3, minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]
    fitting = [minor for minor in possible if conda_spec.accepts(wanted.python, minor)]
    return (fitting[-1], "") if fitting else (choice.python.minor, choice.warning)


def _only_conda(packages: tuple[str, ...]) -> SandboxError:
    named = ", ".join(packages)
    why = "PyPI has none that is known to be the same, and none of micromamba, mamba and conda is on PATH"
    fix = "install micromamba; or list them under `pip:` by their names on PyPI; or use --backend docker"
    return SandboxError("E072", f"only conda has: {named}", why, fix)


def _text(minor: tuple[int, int]) -> str:
    return f"{minor[0]}.{minor[1]}"
