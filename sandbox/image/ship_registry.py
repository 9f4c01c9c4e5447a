"""Images by a registry that both engines reach: pushed from here, pulled there by digest."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.image.ship_report import Told
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

REPOSITORY = "endpoint-sandbox"


def ship(
    source: "APIClient", target: "APIClient", found: Mapping[str, Any], registry: str, told: Told
) -> tuple[str, int, int]:
    """Push and pull; return the digest, and how many layers and bytes went to the registry.

    Args:
        source: has the image.
        target: gets it.
        found: what ``source`` shows of it.
        registry: HOST[:PORT][/PREFIX].
        told: hears how far it is.

    Raises:
        SandboxError: E160, the registry fails.
    """
    from docker.errors import APIError

    identity = str(found["Id"])
    repository, tag = f"{registry}/{REPOSITORY}", identity.removeprefix("sha256:")[:16]
    source.tag(identity, repository, tag)
    try:
        pushed = _Stream(told, "pushed")
        pushed.read(source.push(repository, tag=tag, stream=True, decode=True))
        if pushed.error or not pushed.digest:
            raise _failed(registry, f"push: {pushed.error or 'it tells no digest'}")
        pulled = _Stream(told, "pulled")
        pulled.read(target.pull(f"{repository}@{pushed.digest}", stream=True, decode=True))
        if pulled.error:
            raise _failed(registry, f"pull, by the host: {pulled.error}")
    except APIError as error:
        raise _failed(registry, str(error.explanation or error)) from None
    finally:
        if found.get("RepoTags"):  # else the image would go with its last name
            with contextlib.suppress(APIError):  # another command that ships the same was faster
                source.remove_image(f"{repository}:{tag}", noprune=True)
    return pushed.digest, len(pushed.moved), sum(pushed.moved.values())


def _failed(registry: str, why: str) -> SandboxError:
    fix = f"see that {registry} runs and that both engines reach it; docker login {registry}; or ship without it"
    if "http: server gave http response" in why.lower():
        fix = "the registry speaks no TLS: give it a certificate, or name it in insecure-registries of both engines"
    elif "unauthorized" in why.lower() or "no basic auth" in why.lower() or "denied" in why.lower():
        fix = f"docker login {registry}"
    return SandboxError("E160", f"the registry {registry} fails", why, fix)


class _Stream:
    """The engine's words about a push or a pull: a failure is one of them, and nothing is raised."""

    def __init__(self, told: Told, verb: str) -> None:
        self._told, self._verb = told, verb
        self.error = self.digest = ""
        self.moved: dict[str, int] = {}  # layer -> bytes

    def read(self, stream: Iterable[Mapping[str, Any]]) -> None:
        """Read it to its end."""
        totals: dict[str, int] = {}
        for said in stream:
            self.error = str(said.get("error", self.error))
            self.digest = str((said.get("aux") or {}).get("Digest", self.digest))
            far, layer = said.get("progressDetail") or {}, said.get("id")
            if layer and far.get("current") and said.get("status") in {"Pushing", "Downloading"}:
                self.moved[layer] = int(far["current"])
                totals[layer] = int(far.get("total") or 0)
                self._told.far(self._verb, sum(self.moved.values()), sum(totals.values()))
