"""Deployments: create, change, delete. What takes long happens in ``rollout``; here is what is decided."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from sandbox.mlflow import nocode
from sandbox.model import settings, traffic
from sandbox.model.asset import Model
from sandbox.model.deployment import Deployment
from sandbox.model.environment import Environment
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.reference import AssetReference
from sandbox.model.state import DeploymentState
from sandbox.ops import backends, debugging, editors, removal, rollout, sealed, space
from sandbox.ops.context import Context, begin, no_room, refuse_if_busy, refuse_if_deleted, with_deployment
from sandbox.ops.publish import publish
from sandbox.store.endpoints import now


def debug(context: Context, endpoint: str, name: str, *, on: bool) -> DeploymentState:
    """Switch a deployment that serves into debug mode, or back; its address answers throughout.

    In debug mode it is one instance that runs the developer's own folder, reloads it, and lets a debugger attach; no
    time limit and no probe ends a request that stands at a breakpoint. Back: what served before serves again, in its
    number; where the deployment was updated from files meanwhile, these.

    Raises:
        NotFound: E050, E051.
        SandboxError: E053, it is being changed; E144, it cannot be debugged; E054, E055 and those of the parts.
    """
    operation = begin("debug")
    with _alone(context, endpoint, ports=True):
        state, found = context.deployment(endpoint, name)
        refuse_if_deleted(state)
        refuse_if_busy(found, f"deployment {name}")
        if found.state == "Deleting":
            raise SandboxError("E053", f"deployment {name} is being deleted", "", "create it again, then debug it")
        if on:
            debugging.refuse(found)
        if found.debugging == on and found.operation is None:
            return found
        changed = replace(debugging.switched(context, found, on=on), state="Updating", operation=operation)
        context.store.write(with_deployment(state, found.wanted.name, replace(changed, changed=now())))
    context.store.note(state.name, "debug", f"deployment {found.wanted.name}: {'on' if on else 'off'}")
    try:
        done = rollout.go(context, state.name, found.wanted.name.lower(), operation, wait=True)
    except rollout.Superseded:
        raise
    except SandboxError:
        debugging.give_back(context, state.name, found)
        raise
    if on:
        editors.attach(context, done, write=True)
        editors.write_container(context, done)
    return done


def create(
    context: Context,
    deployment: Deployment,
    *,
    development: bool = False,
    debug: bool = False,
    backend: str | None = None,
    wait: bool = True,
) -> DeploymentState:
    """Create a deployment and return when it is ready; it gets no traffic by that.

    Args:
        context: where.
        deployment: what; its paths are absolute.
        development: run the code from the developer's own folder, and reload it when it is saved.
        debug: let a debugger attach, and write VS Code's launch.json beside the code; means development as well.
        backend: "process" or "docker"; None: as its properties or the setting say (``backends.choose``).
        wait: False: return at once, a process of its own goes on.

    Raises:
        NotFound: E050, no such endpoint; or a model or an environment that is not registered.
        SandboxError: E052 (exists), E053 (being changed), E054, E055 (not started, not ready), and those of the parts.
    """
    wanted = _resolved(context, deployment)
    _refuse_without_script(wanted)
    nocode.check(wanted)
    operation = begin("create")
    name = wanted.name.lower()
    with _alone(context, wanted.endpoint_name, ports=debug):
        state = context.endpoint(wanted.endpoint_name)
        chosen = backends.choose(wanted, backend, None, usual=settings.backend(state.endpoint))
        refuse_if_deleted(state)
        found = state.deployments.get(name)
        refuse_if_busy(found, f"deployment {name}")
        interrupted = found is not None and found.operation is not None and found.operation.verb == "create"
        if found is not None and (found.state == "Deleting" or (found.serving is not None and not interrupted)):
            fix = f"sandbox online-deployment update -n {name} -e {state.name} ..., or delete it first"
            raise SandboxError("E052", f"deployment {name!r} exists", "create never replaces one (as in Azure)", fix)
        fresh = DeploymentState(
            wanted,
            "Creating",
            development=development or debug,
            debug_port=debugging.port(context, state.name, name) if debug else None,
            backend=chosen,
            operation=operation,
            created=now(),
            changed=now(),
        )
        if found is not None:  # an earlier attempt failed or was interrupted, perhaps when it was nearly done
            kept = {key: getattr(found, key) for key in ("serving", "served", "coming", "last_revision", "created")}
            fresh = replace(fresh, **kept)
        context.store.write(with_deployment(state, name, fresh))
    context.store.note(state.name, "create", f"deployment {name}")
    editors.write_launch(context, fresh)
    done = rollout.go(context, state.name, name, operation, wait=wait)
    editors.write_container(context, done)
    return done


def update(
    context: Context,
    deployment: Deployment,
    *,
    fresh: bool,
    made_of: Deployment | None = None,
    development: bool | None = None,
    debug: bool | None = None,
    backend: str | None = None,
    wait: bool = True,
) -> DeploymentState:
    """Change a deployment in place: the old instances answer until the new ones are ready.

    ``fresh``: code and model are read again from where ``deployment`` names them; else what runs now is used again, and
    where only the number of instances or the rules of the gateway change, nothing is restarted. ``made_of``: what
    ``deployment`` was made of by edits; they are refused where another command has changed it since.

    Raises:
        NotFound: E050, E051.
        SandboxError: E053 to E055, and those of the parts.
    """
    wanted = _resolved(context, deployment)
    _refuse_without_script(wanted)
    if fresh:
        nocode.check(wanted)
    operation = begin("update")
    name = wanted.name.lower()
    with _alone(context, wanted.endpoint_name, ports=bool(debug)):
        state, found = context.deployment(wanted.endpoint_name, name)
        refuse_if_deleted(state)
        refuse_if_busy(found, f"deployment {name}")
        if made_of is not None and made_of != found.wanted:
            what = f"deployment {name} was changed by another command meanwhile"
            raise SandboxError("E053", what, "", "look at it, and say the same again")
        if found.state == "Deleting":
            raise SandboxError("E053", f"deployment {name} is being deleted", "", "delete it again, then create it")
        changed = replace(
            found,
            wanted=wanted,
            state="Updating" if found.serving else "Creating",
            development=debug or (found.development if development is None else development),
            debug_port=debugging.port(context, state.name, name) if debug else found.debug_port,
            backend=backends.choose(wanted, backend, found.backend),
            fresh=fresh or found.serving is None,
            before=None if fresh else found.before,  # what the new files make is what counts from now on
            operation=operation,
            changed=now(),
        )
        context.store.write(with_deployment(state, name, changed))
    context.store.note(state.name, "update", f"deployment {name}")
    if debug:
        editors.write_launch(context, changed)
    done = rollout.go(context, state.name, name, operation, wait=wait)
    if debug:
        editors.write_container(context, done)
    return done


def delete(context: Context, endpoint: str, name: str) -> None:
    """Delete a deployment and everything that runs for it. Said again, it finishes what was interrupted.

    Raises:
        NotFound: E050, E051.
        SandboxError: E053, E057 (it has live traffic).
    """
    name = name.lower()
    with context.store.alone(endpoint):
        state, found = context.deployment(endpoint, name)
        refuse_if_busy(found, f"deployment {name}")
        live = traffic.live(state.endpoint.traffic)
        if name in live:
            why = "Azure refuses it too: the requests would have nowhere to go"
            others = [each for each in state.deployments if each != name]
            fix = f'sandbox online-endpoint update -n {state.name} --traffic "{others[0] if others else name}=' + (
                '100"' if others else '0"'
            )
            raise SandboxError("E057", f"deployment {name!r} has {live[name]} percent of the traffic", why, fix)
        mirror = {each: share for each, share in state.endpoint.mirror_traffic.items() if each.lower() != name}
        state = replace(state, endpoint=replace(state.endpoint, mirror_traffic=mirror))
        marked = with_deployment(state, name, replace(found, state="Deleting", operation=begin("delete")))
        try:
            context.store.write(marked)
        except OSError as error:
            if not no_room(error):
                raise
            _make_room(context, state.name, name)
            context.store.write(marked)
    with context.step("delete", f"deployment {name}", state.name, name):
        try:
            _finish_deletion(context, state.name, name)
        except BaseException:  # let go of it, so that it can be said again while this process lives
            with contextlib.suppress(NotFound):
                context.change(state.name, name, lambda each: replace(each, operation=None))
            raise
        space.tidy(context)
    context.store.note(state.name, "delete", f"deployment {name}")


def _make_room(context: Context, endpoint: str, name: str) -> None:
    """End what is to be deleted before that can be written down: the disk is full, and this takes room.

    Killed behind it, the deployment lacks its instances; ``heal`` would bring them back.
    """
    removal.stop(context, removal.of_deployment(context, endpoint, name))
    removal.forget(context, endpoint, name)


def _finish_deletion(context: Context, endpoint: str, name: str) -> None:
    """Take a deployment that is marked as ``Deleting`` off the gateway, end its instances, forget it."""
    publish(context)
    removal.stop(context, removal.of_deployment(context, endpoint, name))
    removal.forget(context, endpoint, name)
    with context.store.alone(endpoint):
        state = context.store.find(endpoint)
        if state is not None and name in state.deployments:
            context.store.write(with_deployment(state, name, None))


@contextlib.contextmanager
def _alone(context: Context, endpoint: str, *, ports: bool) -> Iterator[None]:
    """Hold the lock of an endpoint and, where a port is chosen, that of what endpoints share."""
    with context.store.all_alone() if ports else contextlib.nullcontext(), context.store.alone(endpoint):
        yield


def _resolved(context: Context, deployment: Deployment) -> Deployment:
    """Return the deployment with registered models and environments in the place of their references."""
    deployment = sealed.resolved(deployment)
    found, model, environment = deployment, deployment.model, deployment.environment
    if isinstance(model, AssetReference):
        from sandbox.store import registry

        found = replace(found, model=registry.resolve(context.home, model, "model"))
    if isinstance(environment, AssetReference):
        from sandbox.store import registry

        found = replace(found, environment=registry.resolve(context.home, environment, "environment"))
    from sandbox.spec.fingerprint import name_assets

    try:
        return name_assets(found)
    except OSError as error:
        raise SandboxError(
            "E061", f"a file of the model cannot be read: {error.filename}", error.strerror or ""
        ) from None


def _refuse_without_script(deployment: Deployment) -> None:
    environment = deployment.environment
    code = deployment.code_configuration
    if settings.sealed(deployment):
        return  # it is in the image
    if code is None or code.code is None:
        if isinstance(environment, Environment) and environment.inference_config is not None:
            return  # its container brings a server of its own
        if nocode.without_code(deployment):
            return  # it is generated
        kind = deployment.model.type if isinstance(deployment.model, Model) else "custom_model"
        what = f"deployment {deployment.name!r} has no scoring script"
        why = "there is no generated one for models of type " + kind + " yet"
        fix = "add code_configuration: {code: FOLDER, scoring_script: score.py}"
        raise SandboxError("E062", what, why, fix)
    if not os.path.isdir(code.code):
        raise SandboxError("E062", f"the code folder {code.code} is not a folder of this machine", "", "give its path")
