"""What was never tried is not promoted, and what nobody has foreseen leaves the version before with the traffic."""

import json
from dataclasses import replace

import pytest

from sandbox.model.errors import SandboxError
from sandbox.model.sample import Sample
from sandbox.ops import generations, promote
from sandbox.ops.edits import Edit
from sandbox.ops.gate import Gate
from tests.support import containers
from tests.support.boxes import box_in
from tests.support.sealed_images import SAMPLE, Images, promotion, sent

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def images(engine, tmp_path_factory):
    made = Images(engine, tmp_path_factory.mktemp("images"))
    yield made
    made.remove()


@pytest.fixture
def box(tmp_path, engine):
    containers.owner(tmp_path / "home")
    with box_in(tmp_path) as made:
        yield made
    assert containers.left(engine, tmp_path / "home") == []


def sealed(box, image):
    path = box.folder / "blue.yml"
    said = {"name": "blue", "endpoint_name": "shop", "instance_type": "Standard_DS1_v2"}
    path.write_text(json.dumps({**said, "properties": {"sandbox.sealed": image}}))
    return str(path)


def test_of_a_deployment_that_is_an_image_what_serves_is_asked_the_samples(box, images):
    good, broken = images.sums("1"), images.sums("broken", init="raise SystemExit(3)")
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_deployments.create(sealed(box, good), all_traffic=True)
    context = box.api.context()

    def passed(*samples):
        _, state = context.deployment("shop", "blue")
        return promote.passed_as_sealed(context, "shop", state, samples)

    assert (passed(SAMPLE).image, passed(SAMPLE).samples) == (good, ("usual",))
    with pytest.raises(SandboxError, match="E183") as caught:
        passed(SAMPLE, Sample("odd", b'{"data": [1]}', {"sum": 0}))
    assert "odd: $.sum is 1.5 instead of 0" in caught.value.why
    with pytest.raises(SandboxError):
        box.api.online_deployments.update(sealed(box, broken))
    assert passed(SAMPLE).image == good, "not what failed"


def test_a_new_secret_is_taken_by_instances_that_begin_anew(box, images):
    reference = "${{azureml://connections/store/credentials/key}}"
    connection = {"name": "store", "type": "api_key", "api_base": "https://example.com", "api_key": "old"}
    box.api.connections.create(connection)
    image = images.sums("secret", init="global VERSION; VERSION = os.environ['TOKEN']")
    given = promotion(image)
    box.api.promotions.receive(sent(replace(given, references={"TOKEN": reference})))
    assert version(box) == "old"
    box.api.connections.create({**connection, "api_key": "new"})
    edit = Edit("set", ("environment_variables", "ROTATED"), "1")
    name = generations.name_of("blue", image)
    box.api.online_deployments.update(name=name, endpoint="shop", edits=[edit])
    assert version(box) == "new"
    assert not box.api.promotions.receive(sent(replace(given, references={"TOKEN": reference}))).traffic.keys() - {name}
    assert version(box) == "new", "also when it is promoted again"


def test_a_generation_is_its_images_whatever_became_of_its_names(box, images):
    first, second = images.sums("1"), images.sums("2")
    name = generations.name_of("blue", first)
    box.api.promotions.receive(sent(promotion(first)))
    edit = Edit("set", ("properties", "sandbox.sealed"), second)
    box.api.online_deployments.update(name=name, endpoint="shop", edits=[edit])
    assert version(box) == "2"
    done = box.api.promotions.rollback("shop", 1)
    assert (version(box), done.parts[name].image) == ("1", first)


def version(box):
    reply = box.api.online_endpoints.invoke("shop", b'{"data": "who"}')
    assert reply.status == 200, reply
    return json.loads(reply.body)


def test_an_error_that_nobody_has_foreseen_takes_the_traffic_back(box, images, monkeypatch):
    first, second = images.sums("1"), images.sums("2")
    one = generations.name_of("blue", first)
    box.api.promotions.receive(sent(promotion(first)))

    def unforeseen(*_):
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(Gate, "watch", unforeseen)
    with pytest.raises(ZeroDivisionError):
        box.api.promotions.receive(sent(promotion(second, 50)))
    shown = box.api.online_endpoints.show("shop").as_azure()
    assert {name: share for name, share in shown["traffic"].items() if share} == {one: 100}
    assert [each.name for each in box.api.status().endpoints[0].deployments] == [one]
    assert box.api.promotions.history("shop")[-1].cause == "unforeseen"
