"""An endpoint to export, with everything that exports have words for."""

from typing import Any

from sandbox.export.bundle import Bundle, Kind, Member
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.serving import Probe, RequestSettings, ScaleSettings

GIB = 2**30
SECRET = "${{azureml://connections/shelf/credentials/key}}"


def member(name: str, number: int, size: tuple[float | None, int | None, int] = (1, 4 * GIB, 0), **keys: Any) -> Member:
    """A sealed deployment; ``size`` is cores, bytes of memory, GPUs."""
    settings = keys.pop("request_settings", RequestSettings(5000, 4))
    deployment = ManagedDeployment(name=name, endpoint_name="shop", request_settings=settings, **keys)
    identity = f"sha256:{number:064x}"
    return Member(deployment, f"registry.example/team/shop:shop-{name}-{number:012x}", identity, *size)


def bundle(kind: Kind, **keys: Any) -> Bundle:
    """Three deployments: two with traffic, one of them with a GPU and a secret, and one that gets copies."""
    members = (
        member("blue", 1, instance_count=2, instance_type="Standard_DS2_v2"),
        member(
            "green",
            2,
            (6, 56 * GIB, 1),
            environment_variables={"TOKEN": SECRET, "LEVEL": "1"},
            startup_probe=Probe(5, 5, 3, 1, 60),
            scale_settings=ScaleSettings("target_utilization", 1, 6, 60),
        ),
        member("shadow", 3, (None, None, 0), egress_public_network_access="disabled"),
    )
    said = {"said": f"sandbox export {kind} shop --image-prefix registry.example/team/shop"} | keys
    return Bundle(Endpoint("shop"), members, {"blue": 90, "green": 10}, {"shadow": 20}, **said)
