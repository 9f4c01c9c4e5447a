"""A home of production whose gateway is a process: what a host offers of it, and what is said of its certificate."""

import json
import os
import socket
from pathlib import Path

import pytest

from sandbox.home import Home
from sandbox.hosts import certificate, pair, production
from sandbox.hosts.certificate import Pair
from sandbox.hosts.production import Production
from sandbox.model.errors import SandboxError
from sandbox.ops import production as ops
from sandbox.ops.publish import publish
from tests.support.boxes import box_in
from tests.support.certificates import authority
from tests.support.gateways import free_port
from tests.support.offers import NAME, Client


@pytest.fixture
def host(tmp_path):
    """A box that is a host, and the client that trusts the authority of its certificates."""
    ours = authority()
    (tmp_path / "authority.pem").write_bytes(ours.chain)
    with box_in(tmp_path) as box:
        client = Client(free_port(), tmp_path / "authority.pem")
        settings = Production("prod", free_port(), client.port, "127.0.0.1")
        production.write(box.api.home.make(), settings)
        yield box, client, ours, settings


def install(host, *names, **more):
    box, _, ours, settings = host
    found = Pair(*ours.issue(names or (NAME,), **more))
    certificate.install(box.api.home, settings, found)
    return pair.check(found.chain, found.key, expired=True).serial


def notes(box):
    """Publish, and return what is told."""
    told = []
    publish(box.api.context(told.append))
    return [event.text for event in told if event.state == "note"]


def shown(box):
    return box.api.online_endpoints.show("shop").as_azure()["scoring_uri"]


def test_an_endpoint_is_offered_under_the_name_of_the_certificate(host):
    box, client, *_ = host
    serial = install(host)
    box.start("blue")
    assert shown(box) == f"https://{NAME}:{client.port}/shop/score"
    reply = client.ask("/shop/score", key=box.key())
    assert (reply.status, reply.headers["serial"]) == (200, serial)
    assert box.ask().status == 200, "from the machine itself, where commands ask"
    (found,) = box.api.status().certificate
    assert found.verdict == "good"
    assert box.api.status().endpoints[0].scoring_uri == shown(box)


def test_without_a_certificate_one_is_made_and_that_is_said(host):
    box, client, *_ = host
    told = []
    box.api.online_endpoints.create(box.endpoint(), report=told.append)
    (text,) = [event.text for event in told if event.state == "note"]
    assert "signs itself" in text
    assert "sandbox host certificate prod --cert" in text
    (found,) = box.api.status().certificate
    assert (found.verdict, "clients trust it only" in found.text) == ("missing", True)
    assert "sandbox host certificate prod" in found.fix
    assert shown(box).startswith(f"https://{socket.gethostname()}:{client.port}/shop")
    (box.folder / "authority.pem").write_bytes(Path(box.home, "certificates", "tls.crt").read_bytes())
    assert client.ask("/shop/score", host="localhost", key=box.key()).status == 404, "it has no deployment"
    assert notes(box) == [], "said once"


def test_a_certificate_that_cannot_be_used_changes_nothing_for_a_gateway_that_has_one(host):
    box, client, ours, settings = host
    serial = install(host)
    box.start("blue")
    (chain, _), (_, key) = ours.issue([NAME]), ours.issue([NAME])
    folder = Path(certificate.folder(box.api.home, settings))
    for name, content in (("tls.crt", chain), ("tls.key", key)):
        (folder / name).unlink()
        (folder / name).write_bytes(content)
    (text,) = notes(box)
    assert "stays as it is" in text
    assert "belong together" in text
    assert box.api.status().certificate[0].verdict == "broken"
    box.kill(box.gateway_pid())
    publish(box.api.context())
    assert client.ask("/shop/score", key=box.key()).headers["serial"] == serial, "also after it was started again"


def test_a_host_that_never_had_a_certificate_that_can_be_used_says_so(host):
    box, _, _, settings = host
    folder = Path(certificate.folder(box.api.home, settings))
    folder.mkdir()
    for name in ("tls.crt", "tls.key"):
        (folder / name).write_text("nothing")
    with pytest.raises(SandboxError) as caught:
        box.api.online_endpoints.create(box.endpoint())
    assert caught.value.code == "E172"


def test_an_endpoint_may_have_a_name_of_its_own_and_keeps_it(host):
    box, client, *_ = host
    install(host, NAME, "shop.example.com")
    properties = {"sandbox.hostname": "Shop.Example.com"}
    box.api.online_endpoints.create(box.endpoint("shop", properties=properties))
    assert shown(box) == f"https://shop.example.com:{client.port}/score"
    assert client.ask("/score", host="shop.example.com", key=box.key()).status == 404
    assert client.ask("/score", host="shop.example.com", key=None).status == 401
    with pytest.raises(SandboxError) as caught:
        box.api.online_endpoints.create(box.endpoint("till", properties=properties))
    assert (caught.value.code, "so has endpoint shop" in caught.value.what) == ("E060", True)
    assert client.ask("/score", host="shop.example.com", key=box.key()).status == 404, "of shop, as before"
    with pytest.raises(SandboxError) as caught:
        box.api.online_endpoints.create(box.endpoint("desk", properties={"sandbox.hostname": "desk"}))
    assert (caught.value.code, "full name" in caught.value.fix) == ("E060", True)


def test_an_endpoint_that_is_not_public_is_reached_from_the_machine_alone(host):
    box, client, *_ = host
    install(host)
    box.api.online_endpoints.create(box.endpoint("shop", public_network_access="disabled"))
    box.api.online_deployments.create(box.deployment("blue"), all_traffic=True)
    assert shown(box) == f"http://127.0.0.1:{box.port()}/score"
    assert client.ask("/shop/score", key=box.key()).status == 404
    assert box.ask().status == 200


def test_a_port_of_the_host_that_somebody_has_is_told_with_the_way_out(host):
    box, client, *_ = host
    install(host)
    with socket.create_server(("127.0.0.1", client.port)):
        with pytest.raises(SandboxError) as caught:
            box.api.online_endpoints.create(box.endpoint())
        assert (caught.value.code, str(client.port) in caught.value.what) == ("E058", True)
        assert "--https-port" in caught.value.fix
        assert os.path.exists(box.home / "endpoints")


def test_settings_that_cannot_be_are_told_by_every_command_that_needs_them(host):
    box, *_ = host
    Path(box.home, production.FILE).write_text(json.dumps({"host": "prod", "https_port": 0}))
    with pytest.raises(SandboxError) as caught:
        box.api.online_endpoints.create(box.endpoint())
    assert caught.value.code == "E170"
    production.write(box.api.home, host[3])


def test_a_state_folder_whose_sockets_would_have_no_addresses_is_refused(tmp_path):
    home = Home(str(tmp_path / ("x" * 90))).make()
    production.write(home, Production("prod", image="sha256:1"))
    with pytest.raises(SandboxError) as caught:
        ops.gateway(home)
    assert (caught.value.code, "--folder" in caught.value.fix) == ("E170", True)
