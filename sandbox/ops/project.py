"""A folder of files as one thing: ``up`` makes it so, ``down`` takes it away."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.model import traffic
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError
from sandbox.model.problem import Problem, SpecError
from sandbox.model.progress import Event
from sandbox.ops import answers, deletion, deployments, endpoints, heal, strays
from sandbox.ops.context import Context
from sandbox.spec.load import Spec, examine

SUFFIXES = (".yml", ".yaml")
CONDA_KEYS = frozenset({"channels", "dependencies", "prefix", "variables"})
NOT_OURS = "E026"  # what a file is cannot be told: in a folder it is somebody else's file


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file. ``change``: ``created``, ``updated`` or ``unchanged``."""

    file: str
    kind: str
    name: str
    change: str


def up(context: Context, paths: Sequence[str], *, development: bool = False) -> list[Done]:
    """Make everything that the files describe; said again, it changes nothing. Without paths, heal what there is.

    Every file is judged before anything is done. Traffic comes last, when the deployments are ready.

    Raises:
        SpecError: with the problems of all files.
        SandboxError: what the first part that failed says; what was done stays, and saying it again goes on.
    """
    found = _read(context, paths)
    heal.resume(context)
    wanted = [(file, value) for file, value in found if isinstance(value, Endpoint)]
    done = [_asset(context, file, value) for file, value in found if not isinstance(value, (Endpoint, Deployment))]
    done += [_endpoint(context, file, value) for file, value in wanted]
    done += [
        _deployment(context, file, value, development=development)
        for file, value in found
        if isinstance(value, Deployment)
    ]
    for _, value in wanted:
        _traffic(context, value)
    described = {value.name for _, value in wanted}
    described |= {value.endpoint_name for _, value in found if isinstance(value, Deployment)}
    _tell(context, heal.heal(context).troubles, {name.lower() for name in described} if paths else None)
    return done


def _tell(context: Context, troubles: Mapping[str, SandboxError], about: set[str] | None) -> None:
    """Raise the first trouble of these endpoints (None: of all), and tell of the others."""
    mine = [name for name in troubles if about is None or name.lower() in about]
    for name, error in troubles.items():
        if name not in mine[:1]:
            said = "; ".join(part for part in (str(error), error.why, error.fix) if part)
            context.report(Event("gateway", "note", f"left as it is: {said}", name))
    for name in mine:
        raise troubles[name]


def down(context: Context, names: Sequence[str] | None) -> list[str]:
    """Delete endpoints with everything below them; None: all of them. Return the names.

    One that cannot be deleted keeps none of the others from being deleted.

    Raises:
        NotFound: E050, before anything is deleted.
        SandboxError: what kept the first one that is left from being deleted.
    """
    known = context.store.names()
    chosen = known if names is None else [_known(context, name, known) for name in names]
    troubles = [error for name in chosen if (error := _deleted(context, name)) is not None]
    if not context.store.names():
        strays.end(context)
    if names is None:
        heal.heal(context)  # also ends what runs for endpoints whose files were removed by hand
    for error in troubles:
        raise error
    return chosen


def _known(context: Context, name: str, known: Sequence[str]) -> str:
    """Return the name as it is stored, also where the file of the endpoint is damaged."""
    return name.lower() if name.lower() in known else context.endpoint(name).name


def _deleted(context: Context, name: str) -> SandboxError | None:
    try:
        deletion.delete(context, name)
    except SandboxError as error:
        return error
    return None


def _read(context: Context, paths: Sequence[str]) -> list[tuple[str, Spec]]:
    found: list[tuple[str, Spec]] = []
    problems: list[Problem] = []
    for path in paths:
        named = not os.path.isdir(path)
        files = [path] if named else _files(path)
        before = len(found)
        for file in files:
            examined = examine(file)
            if examined.value is not None:
                found.append((file, examined.value))
            elif named or not any(problem.code == NOT_OURS for problem in examined.problems):
                problems += () if not named and _is_conda_file(examined.problems) else examined.problems
            else:
                context.report(Event("storage", "note", f"{file} is left out: it does not say what it describes"))
        if len(found) == before and not problems:
            why = "no *.yml file in it describes an endpoint, a deployment, a model or an environment"
            below = [] if named else _folders_with_files(path)
            fix = f"sandbox up {' '.join(below)}" if below else f"sandbox init {path}"
            raise SandboxError("E067", f"{path} holds nothing to bring up", why, fix)
    if problems:
        raise SpecError(problems)
    return found


def _is_conda_file(problems: Sequence[Problem]) -> bool:
    """Tell whether a file that is no environment is a conda file: one lies beside most deployments."""
    unknown = {problem.key for problem in problems if problem.is_error}
    return "dependencies" in unknown and unknown <= CONDA_KEYS


def _folders_with_files(folder: str) -> list[str]:
    """Return the folders right below one that hold YAML files: the one that is meant may be among them."""
    below = (os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not name.startswith("."))
    return [
        os.path.normpath(each) for each in below if os.path.isdir(each) and os.access(each, os.R_OK) and _files(each)
    ]


def _files(folder: str) -> list[str]:
    names = sorted(os.listdir(folder))
    return [os.path.join(folder, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]


def _asset(context: Context, file: str, value: Spec) -> Done:
    from sandbox.ops import assets

    return Done(file, *assets.ensure(context, value))


def _endpoint(context: Context, file: str, endpoint: Endpoint) -> Done:
    """Create or overwrite it; its traffic comes when its deployments are there."""
    before = context.store.find(endpoint.name)
    quiet = replace(endpoint, traffic={}, mirror_traffic={})
    if before is not None:
        quiet = replace(quiet, traffic=before.endpoint.traffic, mirror_traffic=before.endpoint.mirror_traffic)
        if quiet == before.endpoint:
            return Done(file, "endpoint", endpoint.name, "unchanged")
    endpoints.create(context, quiet)
    return Done(file, "endpoint", endpoint.name, "updated" if before else "created")


def _deployment(context: Context, file: str, deployment: Deployment, *, development: bool) -> Done:
    state = context.endpoint(deployment.endpoint_name)
    answers.beside(context, deployment, file)
    name = deployment.name.lower()
    before = state.deployments.get(name)
    if before is None or before.serving is None:
        deployments.create(context, deployment, development=development)
        return Done(file, "deployment", f"{state.name}/{name}", "created")
    after = deployments.update(context, deployment, fresh=True, development=development or None)
    same = after.serving is not None and after.serving.id == before.serving.id and after.served == before.served
    return Done(file, "deployment", f"{state.name}/{name}", "unchanged" if same else "updated")


def _traffic(context: Context, endpoint: Endpoint) -> None:
    """Set the traffic that the file asks for; a lone first deployment of a file without traffic gets all of it."""
    state = context.endpoint(endpoint.name)
    live, mirror = traffic.live(endpoint.traffic), traffic.live(endpoint.mirror_traffic)
    if not live and not traffic.live(state.endpoint.traffic) and len(state.deployments) == 1:
        live = {next(iter(state.deployments)): 100}
    have = (traffic.live(state.endpoint.traffic), traffic.live(state.endpoint.mirror_traffic))
    live = live or have[0]
    mirror = mirror or traffic.still_mirrored(have[1], live)
    if (live, mirror) != have:
        endpoints.update(context, endpoint.name, live=live, mirror=mirror)
