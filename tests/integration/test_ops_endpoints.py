"""What an endpoint is asked to be, by one command or by several at once, and what is kept of it."""

import sys
import threading

import pytest

from sandbox.api import Edit
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import NotFound, SandboxError, UsageError
from sandbox.ops import endpoints
from tests.support.boxes import box_in
from tests.support.gateways import ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def traffic(box):
    return box.api.online_endpoints.show("shop").as_azure()["traffic"]


def test_traffic_is_kept_in_lower_case_and_without_those_that_have_none(box):
    box.start("blue", "green")
    box.api.online_endpoints.update(name="shop", traffic={"Blue": 100, "green": 0}, mirror={"Green": 10})
    assert traffic(box) == {"blue": 100}
    assert box.api.online_endpoints.show("shop").as_azure()["mirror_traffic"] == {"green": 10}
    assert box.who() == "blue"
    endpoints.all_traffic(box.api.context(), "shop", "green")
    assert traffic(box) == {"blue": 0, "green": 100}
    box.api.online_endpoints.update(name="shop", traffic={"blue": 100, "green": 0}, mirror={"green": 0})
    box.api.online_deployments.delete("green", "shop")
    assert traffic(box) == {"blue": 100}, "nothing is told of a deployment that is gone"


def test_changes_at_once_are_all_kept(box):
    box.api.online_endpoints.create(box.endpoint())

    def change(who):
        for number in range(8):
            edits = [Edit("set", ("tags", f"{who}{number}"), "1")]
            box.api.online_endpoints.update(name="shop", edits=edits)

    threads = [threading.Thread(target=change, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tags = box.api.online_endpoints.show("shop").as_azure()["tags"]
    assert tags.keys() == {f"{who}{number}" for who in "ab" for number in range(8)}


def test_what_the_gateway_refuses_is_undone_and_nothing_that_another_command_did(box, monkeypatch):
    box.start("blue", "green")
    issuer = endpoints._issuer

    def meanwhile(endpoint):
        monkeypatch.setattr(endpoints, "_issuer", issuer)
        box.api.online_endpoints.update(name="shop", traffic={"green": 100, "blue": 0})
        monkeypatch.setattr(endpoints, "publish", refuse)
        return issuer(endpoint)

    def refuse(*_):
        monkeypatch.undo()
        raise SandboxError("E059", "it does not answer")

    monkeypatch.setattr(endpoints, "_issuer", meanwhile)
    with pytest.raises(SandboxError, match="E059"):
        box.api.online_endpoints.create(box.endpoint(description="refused"))
    shown = box.api.online_endpoints.show("shop").as_azure()
    assert (shown["traffic"], shown.get("description")) == ({"blue": 0, "green": 100}, None)
    assert box.who() == "green"


def test_an_object_is_judged_as_a_file_is(box):
    box.api.online_endpoints.create(Endpoint("Shop"))
    assert [each.name for each in box.api.online_endpoints.list()] == ["shop"]
    for name in ("../shop", "s", "a_b"):
        with pytest.raises(SandboxError) as caught:
            box.api.online_endpoints.create(Endpoint(name))
        assert caught.value.code == "E038"


@pytest.mark.parametrize("name", ["../../outside", "no\0name", "/absolute", "x" * 300])
def test_a_name_that_cannot_be_is_not_found_and_leaves_nothing(box, name):
    box.api.online_endpoints.create(box.endpoint())
    before = sorted(path for path in box.folder.rglob("*") if path.suffix != ".log")
    for command in (
        lambda: box.api.online_endpoints.delete(name),
        lambda: box.api.online_endpoints.show(name),
        lambda: box.api.online_endpoints.update(name=name, traffic={}),
        lambda: box.api.online_endpoints.credentials(name),
        lambda: box.api.online_deployments.delete("blue", name),
        lambda: box.api.online_deployments.show(name, "shop"),
    ):
        with pytest.raises(NotFound):
            command()
    assert sorted(path for path in box.folder.rglob("*") if path.suffix != ".log") == before


def test_a_key_that_does_not_exist_is_not_replaced(box):
    box.api.online_endpoints.create(box.endpoint())
    before = box.api.online_endpoints.credentials("shop")
    with pytest.raises(UsageError):
        box.api.online_endpoints.regenerate_keys("shop", "tertiary")
    assert box.api.online_endpoints.credentials("shop") == before


def test_the_key_that_signs_tokens_is_replaced_and_no_request_is_refused(box):
    box.endpoint(auth_mode="aml_token", traffic={"blue": 100})
    box.deployment("blue")
    box.api.up([str(box.folder)])

    def token():
        return box.api.online_endpoints.credentials("shop")["accessToken"]

    def status(key):
        return ask(box.port(), key=key, body=b"{}").status

    tokens = [token()]
    with box.load(key=tokens[0], least=500) as result:
        box.api.online_endpoints.regenerate_keys("shop", "signing")
        tokens.append(token())
        assert [status(each) for each in tokens] == [200, 200]
    assert (list(result["statuses"]), result["errors"]) == (["200"], [])
    box.api.online_endpoints.regenerate_keys("shop", "Signing")
    tokens.append(token())
    assert [status(each) for each in tokens] == [401, 200, 200]


def test_keys_of_the_other_kind_are_not_replaced(box):
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_endpoints.create(box.endpoint("bank", auth_mode="aad_token"))
    for name, which, fix in (("shop", "signing", "primary"), ("bank", "primary", "--key-type signing")):
        with pytest.raises(SandboxError) as caught:
            box.api.online_endpoints.regenerate_keys(name, which)
        assert (caught.value.code, fix in caught.value.fix) == ("E064", True)


def test_a_file_promotes_a_deployment_that_was_mirrored(box):
    box.deployment("blue"), box.deployment("green")
    for number, promote in enumerate((box.api.up, box.api.online_endpoints.create, box.api.online_endpoints.update)):
        box.endpoint(traffic={"blue": 100}, mirror_traffic={"green": 10})
        box.api.up([str(box.folder)])
        file = box.endpoint(traffic={"green": 100}, description=f"promoted {number}")
        promote([str(box.folder)] if number == 0 else file)
        shown = box.api.online_endpoints.show("shop").as_azure()
        assert (shown["traffic"], shown["mirror_traffic"]) == ({"blue": 0, "green": 100}, {})
        assert box.who() == "green"
