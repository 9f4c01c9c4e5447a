"""The public listener of a host, with a real Envoy: who gets in, by which name, by which protocol, and what changes."""

import json
import socket
import ssl
import subprocess
from dataclasses import replace

import pytest

from sandbox.gateway.description import Description, EndpointEntry, KeyAuth
from sandbox.gateway.errors import DescriptionError, PortBusy, Rejected
from sandbox.hosts import pair
from tests.support.gateways import ONE, TWO, ask, entry, free_port
from tests.support.offers import NAME, offer

THREE = "key-three-0123456789"


@pytest.fixture
def shop(tmp_path):
    with offer(tmp_path) as made:
        yield made


def plain(port, path, **more):
    return ask(port, path, key=None, **more)


# --- Who is reached --------------------------------------------------------------------------------------------------


def test_every_endpoint_is_reached_by_its_path_and_by_tls_only(shop):
    blue, green = (shop.world.instance(label) for label in ("blue", "green"))
    first = EndpointEntry("shop", shop.world.port, KeyAuth(ONE, TWO), (entry("blue", blue, live_percent=100),))
    second = EndpointEntry("till", free_port(), KeyAuth(THREE, TWO), (entry("green", green, live_percent=100),))
    shop.world.gateway.apply(Description((first, second), public=shop.public()))
    assert shop.client.ask("/shop/score").body == b"blue"
    assert shop.client.ask("/till/score", key=THREE).body == b"green"
    assert shop.client.ask("/SHOP/score?x=1").body == b"blue"
    assert shop.client.ask("/shop").body == b"blue"
    assert shop.client.ask("/till/score", key=ONE).status == 401
    assert shop.client.ask("/shop/score", key=None).status == 401
    for path in ("/", "/score", "/shopping/score", "/shop%2fscore"):
        reply = shop.client.ask(path)
        assert reply.status == 404, path
        assert "/ENDPOINT/score" in reply.json()["error"]["message"]
        assert b"till" not in reply.body, "strangers are not told what there is"
    assert shop.client.ask("/shop/score").headers["ms-azureml-model-time"]
    assert shop.world.ask("/score").body == b"blue", "its own port goes on, on this machine only"


def test_the_model_sees_the_path_without_the_endpoint_and_no_key(shop):
    shop.apply(shop.public(), entry("blue", shop.world.instance("blue"), live_percent=100))
    headers = shop.client.ask("/shop/headers", x_forwarded_for="10.9.9.9", x_envoy_retry_on="5xx").json()
    assert "authorization" not in headers
    assert "x-sandbox-endpoint" not in headers
    assert "x-envoy-retry-on" not in headers
    assert headers["x-forwarded-proto"] == "https"
    said, *really = headers["x-forwarded-for"].split(",")
    assert said == "10.9.9.9"
    assert really, "after what the client says stands who it is"


def test_a_deployment_is_pinned_and_its_status_mapped_as_on_its_own_port(shop):
    blue, green = (shop.world.instance(label) for label in ("blue", "green"))
    shop.apply(shop.public(), entry("blue", blue, live_percent=100), entry("green", green))
    assert shop.client.ask(azureml_model_deployment="green").body == b"green"
    assert shop.client.ask(azureml_model_deployment="red").status == 404
    failed = shop.client.ask(x_want="418")
    assert (failed.status, failed.headers["ms-azureml-model-error-statuscode"]) == (424, "418")


def test_an_endpoint_with_a_name_of_its_own_is_reached_by_it_as_well(shop):
    blue = shop.world.instance("blue")
    public = shop.public([NAME, "shop.example.com"])
    shop.apply(public, entry("blue", blue, live_percent=100), hostname="shop.example.com")
    assert shop.client.ask("/score", host="shop.example.com").body == b"blue"
    assert shop.client.ask("/score", host="shop.example.com", key=None).status == 401
    assert shop.client.ask("/shop/score").body == b"blue"
    assert shop.client.ask("/score").status == 404


def test_an_endpoint_that_is_not_public_answers_on_the_machine_only(shop):
    blue = shop.world.instance("blue")
    shop.apply(shop.public(), entry("blue", blue, live_percent=100), public=False)
    assert shop.client.ask("/shop/score").status == 404
    assert shop.world.ask("/score").body == b"blue"


def test_an_endpoint_that_nobody_can_describe_stays_public_as_it_was(shop):
    blue = shop.world.instance("blue")
    public = shop.public([NAME, "shop.example.com"])
    shop.apply(public, entry("blue", blue, live_percent=100), hostname="shop.example.com")
    shop.world.gateway.apply(Description((), public=public), keep=["shop"])
    assert shop.client.ask("/shop/score").body == b"blue"
    assert shop.client.ask("/score", host="shop.example.com").body == b"blue"
    shop.world.gateway.apply(Description((), public=public))
    assert shop.client.ask("/shop/score").status == 404


# --- Protocols -------------------------------------------------------------------------------------------------------


def test_plain_http_is_sent_to_tls_with_its_method_and_challenges_to_whom_they_are_for(shop):
    blue = shop.world.instance("blue")
    shop.apply(shop.public(challenge=("127.0.0.1", int(blue.address))), entry("blue", blue, live_percent=100))
    for method in ("GET", "POST"):
        reply = plain(shop.http_port, "/shop/score?x=1", method=method)
        assert reply.status == 308
        assert reply.headers["location"] == f"https://127.0.0.1:{shop.https_port}/shop/score?x=1"
    assert plain(shop.http_port, "/.well-known/acme-challenge/token", method="GET").body == b"blue"
    shop.apply(shop.public(), entry("blue", blue, live_percent=100))
    assert plain(shop.http_port, "/.well-known/acme-challenge/token", method="GET").status == 308


def handshake(port, least, most, protocols=()):
    """Versions of TLS from ``least`` to ``most``, as a client that is made to accept anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = least, most
    context.set_alpn_protocols(list(protocols))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, context.wrap_socket(plain) as wrapped:
        return wrapped.version(), wrapped.cipher()[0], wrapped.selected_alpn_protocol()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_protocols_are_refused_and_new_ones_spoken(shop):
    shop.apply(shop.public(), entry("blue", shop.world.instance("blue"), live_percent=100))
    version = ssl.TLSVersion
    for old in (version.TLSv1, version.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(shop.https_port, old, old)
    spoken, cipher, protocol = handshake(shop.https_port, version.TLSv1_2, version.TLSv1_2, ["h2", "http/1.1"])
    assert (spoken, protocol) == ("TLSv1.2", "h2")
    assert cipher.startswith("ECDHE-"), "forward secrecy"
    assert handshake(shop.https_port, version.TLSv1_2, version.TLSv1_3, ["http/1.1"])[::2] == ("TLSv1.3", "http/1.1")


@pytest.mark.parametrize(
    "cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA"]
)
def test_weak_ciphers_are_refused(shop, cipher):
    shop.apply(shop.public(), entry("blue", shop.world.instance("blue"), live_percent=100))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", shop.https_port), timeout=20) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_another_client_speaks_http_2(shop):
    shop.apply(shop.public(hsts_s=3600), entry("blue", shop.world.instance("blue"), live_percent=100))
    command = ["curl", "-s", "--http2", "--cacert", str(shop.client.authority), "-D", "-", "-d", "{}"]
    command += ["-H", f"authorization: Bearer {ONE}", "--resolve", f"{NAME}:{shop.https_port}:127.0.0.1"]
    command += [f"https://{NAME}:{shop.https_port}/shop/score"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    head, _, body = said.stdout.partition("\n\n")
    assert head.startswith("HTTP/2 200")
    assert "strict-transport-security: max-age=3600" in head
    assert body == "blue"


# --- What changes ----------------------------------------------------------------------------------------------------


def test_certificates_and_endpoints_change_under_load_without_a_failed_request(shop):
    blue, green = (shop.world.instance(label) for label in ("blue", "green"))
    offers = [shop.public() for _ in range(4)]
    serials = [pair.check(one.certificate.encode(), one.key.encode()).serial for one in offers]
    shop.apply(offers[0], entry("blue", blue, live_percent=100))
    with shop.client.load() as result:
        for index, public in enumerate(offers[1:]):
            shop.apply(public, entry("blue", blue, live_percent=50), entry("green", green, live_percent=50))
            assert shop.client.ask().headers["serial"] == serials[index + 1], "when apply returns, it is shown"
            shop.apply(public, entry("blue", blue, live_percent=100))
    assert result["errors"] == []
    assert set(result["statuses"]) == {"200"}, result
    assert len(result["serials"]) >= 3, "clients have seen them change"


def test_a_pair_that_does_not_match_is_refused_and_the_old_one_goes_on(shop):
    deployment = entry("blue", shop.world.instance("blue"), live_percent=100)
    first, second = shop.public(), shop.public()
    shop.apply(first, deployment)
    with pytest.raises(Rejected, match=r"sds\.json"):
        shop.apply(replace(first, key=second.key), deployment)
    serial = pair.check(first.certificate.encode(), first.key.encode()).serial
    assert shop.client.ask().headers["serial"] == serial
    written = json.loads((shop.world.folder / "gateway" / "sds.json").read_text())
    assert written["resources"][0]["tls_certificate"]["private_key"]["inline_string"] == first.key


def test_the_key_is_in_files_of_the_owner_only_and_in_no_log(shop):
    public = shop.public()
    shop.apply(public, entry("blue", shop.world.instance("blue"), live_percent=100))
    shop.client.ask()
    line = public.key.splitlines()[2]
    found = [path for path in (shop.world.folder / "gateway").iterdir() if path.is_file() and line in path.read_text()]
    assert [path.name for path in found] == ["sds.json"]
    assert found[0].stat().st_mode & 0o077 == 0
    shop.apply(None, entry("blue", shop.world.instance("blue"), live_percent=100))
    assert not found[0].exists(), "who offers nothing keeps no key"
    with pytest.raises(OSError, match="refused"):
        shop.client.ask()


def test_a_port_that_somebody_has_is_told_and_the_endpoint_goes_on(shop):
    deployment = entry("blue", shop.world.instance("blue"), live_percent=100)
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(PortBusy) as caught:
            shop.apply(shop.public(https_port=other.getsockname()[1]), deployment)
        assert caught.value.port == other.getsockname()[1]
    assert shop.world.ask("/score").body == b"blue"
    shop.apply(shop.public(), deployment)
    assert shop.client.ask().body == b"blue"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"https_port": 0}, "0 is no port"),
        ({"bind": "prod.example.com"}, "no IP address"),
        ({"challenge": ("127.0.0.1", 70000)}, "70000 is no port"),
    ],
)
def test_what_cannot_be_offered_is_refused_before_anything_is_written(shop, more, said):
    with pytest.raises(DescriptionError, match=said):
        shop.apply(shop.public(**more))


def test_names_of_hosts_are_full_names_and_one_endpoint_has_each(shop):
    with pytest.raises(DescriptionError, match="no full name"):
        shop.apply(shop.public(), hostname="shop")
    both = [EndpointEntry(name, free_port(), KeyAuth(ONE, TWO), hostname="a.example.com") for name in ("shop", "till")]
    with pytest.raises(DescriptionError, match=r"host name a\.example\.com appears 2 times"):
        Description(tuple(both), public=shop.public())
