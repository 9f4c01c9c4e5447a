"""What a client sees of the gateway: a real Envoy before real instances."""

import concurrent.futures
import hashlib
import json
import os
import socket
import sys
import time
from dataclasses import replace

import pytest

from sandbox.gateway.description import DeploymentEntry, SocketUpstream, TokenAuth
from sandbox.model.serving import Probe, RequestSettings
from tests.support.gateways import ONE, THREE, TWO, ask, entry, world

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One gateway for all: each test applies what it needs."""
    with world(tmp_path_factory.mktemp("g")) as made:
        made.blue, made.green = made.instance("blue"), made.instance("green")
        yield made


def blue(shop, share=100, **more):
    return entry("blue", shop.blue, live_percent=share, **more)


def green(shop, share=0, **more):
    return entry("green", shop.green, live_percent=share, **more)


# --- Who answers -----------------------------------------------------------------------------------------------------


def test_a_request_reaches_the_deployment_with_the_traffic(shop):
    shop.apply(blue(shop), green(shop))
    reply = shop.ask()
    assert (reply.status, reply.body) == (200, b"blue")
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert int(reply.headers["ms-azureml-model-time"]) >= 0


@pytest.mark.parametrize("name", ["green", "Green"])
def test_the_header_names_a_deployment_whatever_its_traffic(shop, name):
    shop.apply(blue(shop), green(shop))
    assert shop.ask(azureml_model_deployment=name).body == b"green"


@pytest.mark.parametrize("name", ["nobody", "", "blue,green"])
def test_an_unknown_deployment_is_404_and_the_answer_names_the_known_ones(shop, name):
    shop.apply(blue(shop), green(shop))
    reply = shop.ask(azureml_model_deployment=name)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    assert reply.json()["error"]["message"].endswith("it has: blue, green")


def test_without_traffic_the_answer_says_so_and_naming_still_works(shop):
    shop.apply(blue(shop, 0), green(shop))
    reply = shop.ask()
    assert reply.status == 404
    assert "no deployment with traffic" in reply.json()["error"]["message"]
    assert shop.ask(azureml_model_deployment="blue").body == b"blue"


def test_any_path_and_method_reaches_the_instance_and_the_host_header_does_not_matter(shop):
    shop.apply(blue(shop))
    for method, path in [("GET", "/"), ("PUT", "/v2/models/x?q=1"), ("DELETE", "/a//b/%2e"), ("PATCH", "/score")]:
        assert shop.ask(path, method=method, host="models.example:99").body == b"blue"


def test_two_endpoints_have_nothing_in_common_but_the_gateway(shop):
    from sandbox.gateway.description import Description, EndpointEntry, KeyAuth
    from tests.support.gateways import free_port

    other = free_port()
    first = shop.describe(blue(shop)).endpoints[0]
    second = EndpointEntry("other", other, KeyAuth(THREE, THREE), (green(shop, 100),))
    shop.gateway.apply(Description((first, second)))
    assert shop.ask(x_sandbox_endpoint="other").body == b"blue"
    assert ask(other, key=THREE).body == b"green"
    assert ask(other, key=ONE).status == 401
    shop.apply(blue(shop))
    with pytest.raises(OSError, match="refused"):
        ask(other, key=THREE)
    assert shop.ask().body == b"blue"


# --- Who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "key_auth_bad_header_forbidden"),
        ("Basic abc", "key_auth_bad_header_forbidden"),
        ("{Bearer x}", "key_auth_bad_header_forbidden"),
        ("Bearer wrong", "key_auth_access_denied"),
    ],
)
def test_without_a_key_there_is_azures_401(shop, header, text):
    shop.apply(blue(shop))
    before = shop.blue.count()
    reply = shop.ask(key=None, **({"authorization": header} if header else {}))
    assert (reply.status, reply.body.decode(), reply.headers["content-type"]) == (401, text, "text/plain")
    assert shop.blue.count() == before


def test_both_keys_open_the_endpoint_and_neither_reaches_the_model(shop):
    shop.apply(blue(shop))
    for key in (ONE, TWO):
        seen = shop.ask("/headers", key=key).json()
        assert "authorization" not in seen
        assert not [name for name in seen if name.startswith(("x-envoy", "x-sandbox"))]


def test_keys_are_in_no_log_and_in_no_file_of_others(shop):
    shop.apply(blue(shop))
    shop.ask("/score?key=in-a-query-0123456789")
    shop.ask(key="a-wrong-key-0123456789")
    time.sleep(1.2)
    folder = shop.folder / "gateway"
    logs = (folder / "envoy.log").read_text() + (folder / "access.log").read_text()
    for secret in (ONE, TWO, "in-a-query", "a-wrong-key"):
        assert secret not in logs
    assert oct(os.stat(folder).st_mode)[-3:] == "700"
    others = [path.name for path in folder.iterdir() if os.stat(path).st_mode & 0o077]
    assert others == []
    with open(f"/proc/{shop.gateway.running().pid}/cmdline", "rb") as file:
        assert ONE.encode() not in file.read()


def signed(claims, secret=b"0123456789abcdef0123456789abcdef", kid="k"):
    import base64
    import hmac

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(json.dumps({"alg": "HS256", "kid": kid}).encode()) + b"." + part(json.dumps(claims).encode())
    return (head + b"." + part(hmac.digest(secret, head, "sha256"))).decode()


def jwks(secret=b"0123456789abcdef0123456789abcdef"):
    import base64

    value = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return json.dumps({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": value}]})


def test_tokens_open_an_endpoint_until_they_expire_or_the_keys_change(shop):
    claims = {"iss": "sandbox", "aud": "shop", "exp": time.time() + 60}
    shop.apply(blue(shop), auth=TokenAuth("sandbox", "shop", jwks()))
    assert shop.ask(key=signed(claims)).body == b"blue"
    assert "authorization" not in shop.ask("/headers", key=signed(claims)).json()
    for wrong in ({"iss": "other"}, {"aud": "other"}, {"exp": time.time() - 3600}):
        reply = shop.ask(key=signed(claims | wrong))
        assert (reply.status, reply.headers["content-type"]) == (401, "text/plain"), wrong
    assert shop.ask(key=None).status == 401
    assert shop.ask(f"/score?access_token={signed(claims)}", key=None).status == 401
    assert b"expired" in shop.ask(key=signed(claims | {"exp": time.time() - 3600})).body
    new = b"another-secret-0123456789abcdef0"
    shop.apply(blue(shop), auth=TokenAuth("sandbox", "shop", jwks(new)))
    assert shop.ask(key=signed(claims)).status == 401
    assert shop.ask(key=signed(claims, new)).status == 200
    shop.apply(blue(shop))
    assert shop.ask().status == 200


# --- Azure's statuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 422, 429, 500, 503])
def test_whatever_the_model_answers_but_200_is_424_with_its_body_and_the_reason(shop, status):
    shop.apply(blue(shop))
    reply = shop.ask(x_want=str(status))
    assert reply.status == 424
    assert reply.body == (b"" if status in (204, 304) else b"blue")
    assert reply.headers["ms-azureml-model-error-statuscode"] == str(status)
    assert reply.headers["ms-azureml-model-error-reason"] == "model_error"


@pytest.mark.parametrize("status", [201, 204, 404, 500])
def test_a_raw_endpoint_keeps_the_models_status(shop, status):
    shop.apply(blue(shop), status_mapping="raw")
    reply = shop.ask(x_want=str(status))
    assert reply.status == status
    assert "ms-azureml-model-error-reason" not in reply.headers


def test_a_model_that_takes_too_long_is_408_and_another_has_its_own_limit(shop):
    slow = blue(shop, requests=RequestSettings(300, 50))
    shop.apply(slow, green(shop))
    began = time.monotonic()
    reply = shop.ask(x_sleep="0.9")
    assert (reply.status, reply.json()["error"]["code"]) == (408, 408)
    assert time.monotonic() - began < 0.8
    assert shop.ask(x_sleep="0.9", azureml_model_deployment="green").status == 200
    assert shop.ask(x_sleep="0.9", x_envoy_upstream_rq_timeout_ms="5000").status == 408


def test_too_many_requests_are_429_at_once(shop):
    shop.apply(replace(blue(shop), requests=RequestSettings(5000, 2)))
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: shop.ask(x_sleep="0.5"), range(10)))
    assert sorted(reply.status for reply in replies) == [200] * 4 + [429] * 6
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.body == b""
    assert refused.headers["ms-azureml-model-error-reason"] == "too_many_pending_request"
    assert refused.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(("mapping", "status"), [("azure", 424), ("raw", 503)])
def test_a_deployment_without_instances_is_not_ready(shop, mapping, status):
    shop.apply(DeploymentEntry("blue", (), 100), status_mapping=mapping)
    reply = shop.ask()
    assert (reply.status, reply.headers["ms-azureml-model-error-reason"]) == (status, "model_not_ready")


def test_ids_are_passed_on_and_come_back(shop):
    shop.apply(blue(shop))
    seen = shop.ask("/headers", x_request_id="mine", x_ms_client_request_id="yours")
    assert (seen.json()["x-request-id"], seen.headers["x-request-id"]) == ("mine", "mine")
    assert seen.json()["x-ms-client-request-id"] == "yours"
    refused = shop.ask(key=None, x_request_id="mine", x_ms_client_request_id="yours")
    assert (refused.headers["x-request-id"], refused.headers["x-ms-client-request-id"]) == ("mine", "yours")
    assert len(shop.ask().headers["x-request-id"]) == 36


# --- Streams ---------------------------------------------------------------------------------------------------------


def pieces(shop, **headers):
    """Return (seconds, bytes) of what arrives of a streamed answer, and its first line."""
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as connection:
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        text = f"GET /stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ONE}\r\nconnection: close\r\n{extra}\r\n"
        connection.sendall(text.encode())
        began, found = time.monotonic(), []
        while data := connection.recv(65536):
            found.append((time.monotonic() - began, data))
        return found


@pytest.mark.parametrize("status", [200, 500])
def test_a_streamed_answer_arrives_as_it_is_made_also_when_its_status_is_mapped(shop, status):
    shop.apply(blue(shop), green(shop, mirror_percent=50))
    found = pieces(shop, x_want=status)
    first = next(moment for moment, data in found if b"one" in data)
    last = next(moment for moment, data in found if b"six" in data)
    assert first < 0.25
    assert last - first > 0.5
    assert found[0][1].startswith(b"HTTP/1.1 200" if status == 200 else b"HTTP/1.1 424")


def test_a_stream_may_go_on_longer_than_the_limit_where_the_limit_is_for_silence(shop):
    shop.apply(blue(shop, requests=RequestSettings(400, 50)))
    assert b"six" not in b"".join(data for _, data in pieces(shop))
    shop.apply(blue(shop, stream_idle_ms=500))
    assert b"six" in b"".join(data for _, data in pieces(shop))
    assert shop.ask(x_sleep="0.9").status == 408


@pytest.mark.parametrize("mirror", [0, 50])
def test_a_large_body_arrives_whole(shop, mirror):
    shop.apply(blue(shop), green(shop, mirror_percent=mirror))
    body = os.urandom(2**20) * 30
    reply = shop.ask("/echo", body=body)
    assert reply.json() == [len(body), hashlib.sha256(body).hexdigest()]
    chunked = shop.ask("/echo", body=iter([body[:7], body[7:]]))
    assert chunked.json() == reply.json()


@pytest.mark.parametrize("mirror", [0, 50])
def test_a_websocket_goes_through_and_needs_a_key(shop, mirror):
    shop.apply(blue(shop), green(shop, mirror_percent=mirror))

    def upgrade(key):
        connection = socket.create_connection(("127.0.0.1", shop.port), timeout=5)
        text = f"GET /upgrade HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        connection.sendall(f"{text}connection: upgrade\r\nupgrade: websocket\r\n\r\n".encode())
        return connection, connection.recv(65536)

    denied, answer = upgrade("wrong")
    denied.close()
    assert b" 401 " in answer
    connection, answer = upgrade(ONE)
    with connection:
        assert answer.startswith(b"HTTP/1.1 101")
        for word in (b"ping", b"pong"):
            connection.sendall(word)
            assert connection.recv(100) == word


# --- Instances -------------------------------------------------------------------------------------------------------


def test_an_instance_may_listen_on_a_socket(shop):
    path = str(shop.folder / "i.sock")
    shop.instance("sock", path)
    shop.apply(DeploymentEntry("blue", (SocketUpstream(path),), 100, readiness=Probe()))
    assert shop.ask().body == b"sock"


def test_an_instance_that_is_not_ready_gets_no_requests(shop):
    ready, unready = shop.instance("ready"), shop.instance("late")
    mark = shop.folder / "late.unready"
    mark.touch()
    probe = Probe(period=1, timeout=1)
    shop.apply(entry("blue", ready, unready, live_percent=100, readiness=probe, readiness_path="/ready"))
    assert {shop.ask().body for _ in range(20)} == {b"ready"}
    assert shop.gateway.stats().live["shop", "blue"].healthy == 1
    mark.unlink()
    deadline = time.monotonic() + 10
    while shop.ask().body != b"late":
        assert time.monotonic() < deadline
    mark.touch()
    deadline = time.monotonic() + 10  # a probe each second, later on a busy machine
    while {shop.ask().body for _ in range(20)} != {b"ready"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {shop.ask().body for _ in range(40)} == {b"ready"}, "and it stays so"


# --- Counted ---------------------------------------------------------------------------------------------------------


def test_live_requests_and_copies_are_counted_apart(shop):
    shop.apply(blue(shop), green(shop, mirror_percent=50))
    before, instance = shop.gateway.stats(), shop.green.count()
    for number in range(100):
        shop.ask(x_want="500" if number < 10 else "200")
    shop.ask(azureml_model_deployment="green")
    time.sleep(1.3)
    after = shop.gateway.stats()
    live = after.live["shop", "blue"], before.live["shop", "blue"]
    assert live[0].requests - live[1].requests == 100
    assert live[0].answered["5xx"] - live[1].answered.get("5xx", 0) == 10
    assert after.live["shop", "green"].requests - before.live["shop", "green"].requests == 1
    copies = after.mirror["shop", "green"].requests - before.mirror["shop", "green"].requests
    assert 25 <= copies <= 75
    assert shop.green.count() == {"live": instance["live"] + 1, "copies": instance["copies"] + copies}
    assert 0 < live[0].quantile(0.5) <= live[0].quantile(0.99)
