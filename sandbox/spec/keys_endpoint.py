"""The keys of an online endpoint (spec section 1)."""

from dataclasses import dataclass
from typing import Any

from sandbox.model.endpoint import Endpoint, Identity, UserIdentity
from sandbox.model.problem import KeyPath
from sandbox.spec.assets import Prefixed
from sandbox.spec.keys_shared import DESCRIPTION, ID, PROPERTIES, STATE, TAGS
from sandbox.spec.nodes import Listing, Node, Scalar
from sandbox.spec.reading import INVALID, Reading
from sandbox.spec.record import Key, Record
from sandbox.spec.values import Anything, Choice, Many, Table, Text, Whole

_ACCESS = ("enabled", "disabled")


def _user_identity(**given: str) -> UserIdentity:
    known = UserIdentity.__dataclass_fields__
    return UserIdentity(**{name: value for name, value in given.items() if name in known})


@dataclass(frozen=True)
class Identities:
    """A list of one mapping with ``resource_id``; wider: the id alone, or a list of ids, as one page shows it."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a tuple of UserIdentity."""
        listed = node if isinstance(node, Listing) else None
        texts = [node] if isinstance(node, Scalar) else (listed.items if listed else [])
        if texts and all(isinstance(item, Scalar) and isinstance(item.value, str) for item in texts):
            why = "Azure wants a list of mappings and refuses a bare id, although a page of Microsoft's shows one"
            fix = "write - resource_id: ID below the key"
            reading.note("W060", "identities given as text", node.place, path, why, fix)
            found: Any = tuple(UserIdentity(item.value) for item in texts if isinstance(item, Scalar))
        else:
            found = Many(Table(Text())).read(node, reading, path)
            found = found if found is INVALID else tuple(_user_identity(**entry) for entry in found)
        if found is not INVALID and len(found) > 1:
            return reading.refuse("E033", f"{len(found)} identities", node, path, "Azure takes one", "leave one")
        return found

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        listed = {"type": "array", "maxItems": 1, "items": {"type": ["object", "string"]}}
        return {"anyOf": [listed, {"type": "string"}]}

    def label(self) -> str:
        """Name the type."""
        return "list of one mapping with `resource_id`"


IDENTITY = Record(
    Identity,
    (
        Key(
            "type",
            Choice(("system_assigned", "user_assigned", "none")),
            "Whose identity the deployments use.",
            "An identity without a type is refused when the request is built.",
            "Refused when loading.",
            required=True,
        ),
        Key("user_assigned_identities", Identities(), "The identity that is meant by `user_assigned`.", "At most one."),
        Key("principal_id", Text(), "As `show` prints it."),
        Key("tenant_id", Text(), "As `show` prints it."),
    ),
    "identity",
    ignores_schema=False,
)

ENDPOINT = Record(
    Endpoint,
    (
        Key(
            "name",
            Text(),
            "The endpoint's name: letters, digits and dashes, 3 to 32, a letter first.",
            "Lower-cased; the pattern is checked when loading, the length by the service.",
            "Both are checked when loading.",
            required=True,
        ),
        DESCRIPTION,
        TAGS,
        PROPERTIES,
        Key(
            "auth_mode",
            Choice(("key", "aml_token", "aad_token")),
            "What callers show: one of two keys, a token that expires, or an Entra token.",
            "No aad_token on Kubernetes (service).",
        ),
        Key(
            "traffic",
            Table(Whole()),
            "Percent of the live requests, by deployment.",
            "More than 100 together is refused when loading, other sums by the service, which takes 0 and 100.",
            "0 or 100 together, checked when loading.",
        ),
        Key(
            "mirror_traffic",
            Table(Whole()),
            "Percent of the live requests that are copied to one deployment, whose answers nobody sees.",
            "One deployment, at most 50, no live traffic of its own, managed endpoints only (service).",
            "The same, checked when loading.",
        ),
        Key("identity", IDENTITY, "As whom the deployments act.", "A system-assigned one when absent."),
        Key(
            "public_network_access",
            Choice(_ACCESS, str.lower),
            "Whether the endpoint can be called from outside its private network.",
            "Managed endpoints only.",
        ),
        Key("location", Text(), "The region.", ours="Kept."),
        Key("scoring_uri", Text(), "As `show` prints it.", ours="Ignored.", kept=False),
        Key("openapi_uri", Text(), "As `show` prints it.", ours="Ignored.", kept=False),
        Key("kind", Anything(), "As `show` prints it.", ours="Ignored.", kept=False),
        STATE,
        ID,
    ),
    "an online endpoint",
    hints={
        "endpoint_name": "an endpoint is named by name; with endpoint_name the file describes a deployment",
        "instance_type": "it belongs into the deployment",
        "deployments": "each deployment is a file of its own; an older form of the files had them here",
        "defaults": "it belongs into batch endpoints; here traffic says who answers",
        "type": "remove it: compute makes an endpoint a Kubernetes one",
    },
)

KUBERNETES_ENDPOINT = Record(
    Endpoint,
    (
        *(key for key in ENDPOINT.keys if key.name != "public_network_access"),
        Key(
            "compute",
            Prefixed("cluster"),
            "The attached cluster; makes the endpoint a Kubernetes one.",
            ours="Kept.",
            required=True,
        ),
    ),
    "a Kubernetes online endpoint",
    hints={**ENDPOINT.hints, "public_network_access": "Azure has it for managed endpoints only: remove it"},
)
