"""Names of registered models and environments: ``azureml:NAME:VERSION`` and its relatives (spec section 2)."""

import re
from dataclasses import dataclass

from sandbox.model.errors import SandboxError

PREFIX = "azureml:"
# Ids look like Azure's, so that what a script makes of them is understood again; there is no such subscription.
WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sandbox"
    "/providers/Microsoft.MachineLearningServices/workspaces/sandbox"
)
REGISTRIES = "azureml://registries/"
FORMS = f"{PREFIX}NAME:VERSION, {PREFIX}NAME@LABEL or {REGISTRIES}REGISTRY/TYPE/NAME/versions/VERSION"

_ARM = re.compile(
    r"/?subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.MachineLearningServices/workspaces/[^/]+"
    r"/(?P<type>[^/]+)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)/?"
)
_REGISTRY = re.compile(
    re.escape(REGISTRIES) + r"(?P<registry>[^/]+)/(?P<type>[^/]+)/(?P<name>[^/]+)"
    r"/(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))/?"
)


@dataclass(frozen=True, slots=True)
class AssetReference:
    """A model or an environment that lies elsewhere. Without version and label, the latest version is meant."""

    text: str  # as it was written
    name: str
    version: str | None = None
    label: str | None = None
    registry: str | None = None
    arm: bool = False

    def __str__(self) -> str:
        return self.text


def parse(text: str, kind: str) -> AssetReference:
    """Understand a reference to a ``kind`` ("model", "environment").

    Raises:
        SandboxError: E036, with what is wrong and the nearest text that would do.
    """
    if text.startswith("azureml://"):
        found = _REGISTRY.fullmatch(text)
        if not found or found["type"] != f"{kind}s":
            form = f"{REGISTRIES}REGISTRY/{kind}s/NAME/versions/VERSION, or .../labels/LABEL"
            raise SandboxError("E036", f"{text!r} names no {kind} in a registry", f"the form is {form}")
        return AssetReference(text, found["name"], found["version"], found["label"], found["registry"])
    if not text.startswith(PREFIX):
        raise SandboxError("E036", f"{text!r} is no reference to a {kind}", f"references are {FORMS}", _nearest(text))
    rest = text[len(PREFIX) :]
    if arm := _ARM.fullmatch(rest):
        if arm["type"] != f"{kind}s":
            raise SandboxError("E036", f"{text!r} is the id of one of {arm['type']}, not of a {kind}")
        return AssetReference(text, arm["name"], arm["version"], arm=True)
    if not rest or "/" in rest:
        raise SandboxError("E036", f"{text!r} names no {kind}", f"references are {FORMS}")
    name, at, label = rest.rpartition("@")
    if at:
        version = None
    else:
        label, (name, colon, version) = "", rest.partition(":")
        version = version if colon else None
    if not name or (at and not label) or version == "":
        raise SandboxError("E036", f"{text!r} lacks a part", f"references are {FORMS}")
    return AssetReference(text, name, version, label or None)


def _nearest(text: str) -> str:
    if re.match(r"/?subscriptions/", text) or re.fullmatch(r"[\w-][\w.-]*(:[\w.-]+|@[\w-]+)", text):
        return f"write {PREFIX}{text}"
    if text.startswith(("./", "../", "/", "~", "file:")) or "/" in text:
        return "for files on this machine, write a mapping with `path:` below the key"
    return f"write {PREFIX}{text}" if text else ""
