"""Images of deployments: list, show, remove what nobody needs, and seal one for another machine."""

from dataclasses import dataclass
from typing import Any

from sandbox import files
from sandbox.image import engine, labels, listing, sbom, seal, trial
from sandbox.image.build import Builder
from sandbox.image.listing import Listed
from sandbox.mlflow import nocode
from sandbox.model.asset import Model
from sandbox.model.connection import refers_to_secret
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.state import DeploymentState, Revision
from sandbox.ops import answers, containers, generations, readiness, revisions, shapes, tested
from sandbox.ops.context import Context

SEALED = f"{labels.KIND}=sealed"  # how the engine is asked for sealed images


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed image. ``sbom`` is the path of the list of its packages; ``needs`` are variables that it lacks: secrets.

    ``ready_s``: how long it took to be ready when it was tried; ``samples``: those that it then answered as expected.
    """

    id: str
    name: str
    size: int
    sbom: str
    needs: tuple[str, ...]
    ready_s: float
    samples: tuple[str, ...] = ()


def look(context: Context) -> list[Listed]:
    """List the images of this program in the engine, the newest first."""
    return listing.all_of(engine.connect(), needed(context))


def show(name: str) -> dict[str, Any]:
    """Return what the engine shows of one; raises NotFound (E119)."""
    return listing.one(engine.connect(), name)


def prune(context: Context, *, everything: bool = False) -> list[Listed]:
    """Remove those that no deployment needs; ``everything``: also the images of packages, and sealed ones."""
    removed = listing.prune(engine.connect(), needed(context), context.home.owner, everything=everything)
    context.store.note("-", "prune", f"{len(removed)} images removed")
    return removed


def needed(context: Context) -> set[str]:
    """Return the ids of the images that deployments serve from, or that can be gone back to."""
    states = context.store.all()
    serving = [each.serving for state in states for each in state.deployments.values()]
    used = {one.container.image for one in serving if one is not None and one.container is not None}
    return used | {image for state in states for image in generations.images(context, state.name)}


def serving_model(context: Context, model: str, version: str) -> tuple[str, str]:
    """Return endpoint and name of the deployment that serves a version of a model.

    Raises:
        SandboxError: E145, none does, or several do.
    """
    found = []
    for state in context.store.all():
        for name, each in state.deployments.items():
            served = (each.served or each.wanted).model
            if each.serving and isinstance(served, Model) and (served.name, served.version) == (model, version):
                found.append((state.name, name))
    if len(found) == 1:
        return found[0]
    what = f"model {model}:{version} is served by {len(found) or 'no'} deployment{'' if len(found) == 1 else 's'}"
    if not found:
        fix = "create a deployment with it, and say this again: what is packaged is what has served"
        raise SandboxError("E145", what, "code and environment to serve it with are those of its deployment", fix)
    endpoint, name = found[0]
    why = ", ".join("/".join(each) for each in found)
    raise SandboxError("E145", what, f"{why}: which one is to be packaged?", f"sandbox seal -n {name} -e {endpoint}")


def make_sealed(context: Context, endpoint: str, name: str, *, tag: str | None = None) -> Sealed:
    """Put everything of a deployment into one image, try it as it is, and only then give it its name.

    Args:
        context: where.
        endpoint: of the deployment.
        name: of the deployment, which serves: what serves is sealed.
        tag: name of the image; None: ``endpoint-sandbox/sealed:ENDPOINT-DEPLOYMENT``.

    Raises:
        NotFound: E050, E051.
        SandboxError: E110 to E121; E120: it cannot be sealed, or does not serve by itself; E180, E183: its samples.
    """
    endpoint, name = endpoint.lower(), name.lower()
    _, state = context.deployment(endpoint, name)
    serving, made_of = sealable(state, f"{endpoint}/{name}")
    kept = answers.of(context, state)
    environment, _ = nocode.environment(revisions.as_served(made_of, serving), container=True)
    client = engine.connect()
    called = tag or f"{labels.REPOSITORY}/sealed:{endpoint}-{name}"
    with context.step("image", f"sealed as {called}", endpoint, name) as told:
        base = Builder(client, context.home, context.report, made_for=f"{endpoint}/{name}").environment(environment)
        content = _content(made_of, serving, base.id)
        image = seal.write(client, content, context.home.at("images"))
        needs = tuple(sorted(key for key, value in content.variables.items() if refers_to_secret(value)))
        told.note(f"{image[7:19]} is tried, read-only and without anything of this machine")
        secrets = _secrets(context, serving, needs)
        asked = f"{image[7:19]}, as sealed,"
        ready = trial.run(
            client,
            image,
            readiness.limit_s(made_of),
            secrets,
            lambda port: answers.check(kept, answers.by_port(port), asked),
        )
        repository, _, version = called.rpartition(":") if ":" in called.rpartition("/")[2] else (called, "", "latest")
        client.tag(image, repository, version)
        path = context.home.at("images", f"{image[7:19]}.cdx.json")
        files.write(path, sbom.of(client, image, content.name).encode(), mode=0o644)
    context.store.note(endpoint, "seal", f"deployment {name}: {called} is {image}")
    passed = tested.of(image, called, kept)
    tested.remember(context.home, passed, key(made_of, serving), kept, (endpoint, name, serving))
    return Sealed(image, called, int(client.inspect_image(image)["Size"]), path, needs, ready, passed.samples)


def key(made_of: Deployment, serving: Revision) -> str:
    """Return what a revision that serves is remembered by, once it was sealed and passed."""
    code = made_of.code_configuration
    return tested.key(made_of, serving, seal.commit_of(code.code) if code and code.code else "")


def sealable(state: DeploymentState, what: str) -> tuple[Revision, Deployment]:
    """Return what of a deployment is sealed: the revision that serves, and what it was made of.

    Raises:
        SandboxError: E120, it cannot be sealed.
    """
    serving, made_of = state.serving, state.served or state.wanted
    if serving is None:
        raise SandboxError("E120", f"{what} does not serve", "what serves is sealed", "correct it first")
    if serving.container is not None and serving.container.own:
        why = "what it starts from is an image already, and its server is its own"
        raise SandboxError("E120", f"{what} brings its own container", why, "give its image to the other machine")
    if state.follows:
        why = "it runs the files of your folder, which may change at any moment"
        off = f"sandbox debug {made_of.name} -e {made_of.endpoint_name} --off"
        fix = off if state.debugging else "sandbox online-deployment update -f FILE, without --reload"
        raise SandboxError("E120", f"{what} is in development", why, fix)
    return serving, made_of


def _content(made_of: Deployment, serving: Revision, base: str) -> seal.Content:
    seen = containers.inside(made_of, serving)
    code = made_of.code_configuration
    spec = shapes.deployment_mapping(made_of)
    spec["code_configuration"] = {"scoring_script": code.scoring_script if code else None}
    spec["environment_variables"] = sorted(made_of.environment_variables)  # values are in the image, secrets are not
    for key in ("model", "environment"):
        spec[key] = _without_paths(spec.get(key))
    return seal.Content(
        name=f"{made_of.endpoint_name}-{made_of.name}",
        environment=base,
        folders=seen.folders,
        variables=seen.variables,
        spec={key: value for key, value in spec.items() if value is not None},
        commit=seal.commit_of(code.code) if code and code.code else "",
    )


def _without_paths(said: Any) -> Any:
    """What names a folder of this machine would make another image of the same content."""
    return {key: each for key, each in said.items() if key not in {"path", "build"}} if isinstance(said, dict) else said


def _secrets(context: Context, serving: Revision, needs: tuple[str, ...]) -> dict[str, str]:
    from sandbox.store import connections_inject

    return dict(connections_inject.resolve(context.home, {name: serving.variables[name] for name in needs}))
