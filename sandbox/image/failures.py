"""Why an image could not be built, from the last lines of the step that failed."""

from collections.abc import Sequence
from typing import Protocol

from sandbox.environment import failures
from sandbox.model.errors import SandboxError

SHOWN = 15  # lines
_ERROR, _FIX, _CHECK = "sandbox: error: ", "sandbox: fix: ", "sandbox: check"
_NO_IMAGE = ("pull access denied", "manifest unknown", "not found: manifest", "no such image", "not found")
_NO_FILE = ("copy failed", "add failed", "no such file", "failed to compute cache key")


class Log(Protocol):
    """What is known of a build: where its output is, the step at work, its lines."""

    path: str
    step: str
    lines: list[str]


class StepFailed(Exception):
    """The engine's word that a step of a build failed."""


class BuildFailed(SandboxError):
    """An image that could not be built; ``log`` holds the last lines of the step."""

    log: tuple[str, ...] = ()


def of_build(error: BaseException, log: Log) -> SandboxError | None:
    """Return what the end of a build means; None: it is no failure of the build."""
    from docker.errors import APIError

    if isinstance(error, APIError):  # before the first step: the engine cannot read what it was given
        why = str(error.explanation or error)
        return SandboxError("E116", "the Dockerfile cannot be used", why, "correct the line that it names")
    if not isinstance(error, StepFailed):
        return None
    found = _explained(str(error), log)
    made = BuildFailed(found.code, found.what, found.why, found.fix)
    made.log = tuple(log.lines[-SHOWN:])
    return made


def _explained(error: str, log: Log) -> SandboxError:
    said = next((line.removeprefix(_ERROR) for line in log.lines if line.startswith(_ERROR)), "")
    fix = next((line.removeprefix(_FIX) for line in log.lines if line.startswith(_FIX)), "")
    step = log.step.partition(" : ")[2]
    if said:
        return SandboxError("E114", said, f"all of it: {log.path}", fix)
    if _CHECK in log.lines:
        last = log.lines[-1] if log.lines else error
        fix = "loosen the pin of that package, or of flask, werkzeug, jinja2"
        return SandboxError("E078", f"the server does not load beside the packages: {last}", _why([], log), fix)
    if step.startswith("FROM") and any(sign in error.lower() for sign in _NO_IMAGE):
        return missing(step.removeprefix("FROM ").partition(" ")[0], error)
    if step.startswith(("COPY", "ADD")) and any(sign in error.lower() for sign in _NO_FILE):
        why = f"{error}; a .dockerignore may leave it out"
        return SandboxError("E116", f"a file is missing for the step {step}", why, "paths start at build.path")
    known = failures.explain("the build", log.lines, (), log.path)
    if known.code != "E077":
        return known
    return SandboxError("E114", f"the step {step or '(none)'} failed", _why([error], log), "read what it said")


def _why(before: Sequence[str], log: Log) -> str:
    return "\n".join([*before, f"all of it: {log.path}"])


def missing(name: str, said: str) -> SandboxError:
    """Return the error for an image that a registry does not give."""
    fix = "correct the name, or docker login; for deployments that name none: SANDBOX_BASE_IMAGE=NAME"
    return SandboxError("E115", f"the image {name} cannot be had", said, fix)
