"""Tokens at the door: what is issued here opens a real gateway, and nothing else does."""

import sys
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.gateway.description import Description, EndpointEntry, TokenAuth
from sandbox.home import Home
from sandbox.store import tokens, tokens_issuer
from tests.support.gateways import ask, entry, free_port, world

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with world(tmp_path_factory.mktemp("t")) as made:
        made.blue = made.instance("blue")
        yield made


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home"))


def auth(issuer):
    return TokenAuth(issuer.issuer, issuer.audience, issuer.jwks)


def open_to(shop, issuer):
    shop.apply(entry("blue", shop.blue, live_percent=100), auth=auth(issuer))


def status(shop, token):
    return shop.ask(key=token.access_token if isinstance(token, tokens.Token) else token).status


@pytest.mark.parametrize("mode", ["aml_token", "aad_token"])
def test_a_token_opens_its_endpoint(shop, home, mode):
    open_to(shop, tokens.public(home, "shop", mode))
    token = tokens.issue(home, "shop", mode)
    reply = shop.ask(key=token.access_token)
    assert (reply.status, reply.body) == (200, b"blue")
    assert "authorization" not in shop.ask("/headers", key=token.access_token).json()
    assert status(shop, tokens.issue(home, "shop", mode, lifetime_s=60)) == 200


def test_anything_else_does_not(shop, home):
    open_to(shop, tokens.public(home, "shop"))
    before = shop.blue.count()
    good = tokens.issue(home, "shop", "aml_token").access_token
    head, claims, signature = good.split(".")
    other = tokens.issue(home, "other", "aml_token").access_token
    longer = jwt.utils.base64url_encode(
        jwt.utils.base64url_decode(claims).replace(b'"endpoint":"shop"', b'"endpoint":"else"')
    ).decode()
    unsigned = jwt.encode({"iss": tokens.ISSUER, "aud": tokens.audience("shop"), "exp": time.time() + 60}, "", "none")
    wrong = {
        "none at all": None,
        "no token": "something-else-0123456789",
        "of another endpoint": other,
        "changed": f"{head}.{longer}.{signature}",
        "signature of another": f"{head}.{claims}.{other.rpartition('.')[2]}",
        "cut": good[:-4],
        "without signature": unsigned,
        "expired": tokens.issue(home, "shop", "aml_token", now=time.time() - 13 * 3600),
        "of tomorrow": tokens.issue(home, "shop", "aml_token", now=time.time() + 86400),
    }
    assert {what: status(shop, token) for what, token in wrong.items()} == dict.fromkeys(wrong, 401)
    assert b"expired" in shop.ask(key=wrong["expired"].access_token).body
    assert shop.blue.count() == before


def test_two_endpoints_of_one_gateway_take_their_own_tokens_only(shop, home):
    other = free_port()
    made = [
        EndpointEntry(name, port, auth(tokens.public(home, name)), (entry("blue", shop.blue, live_percent=100),))
        for name, port in (("shop", shop.port), ("other", other))
    ]
    shop.gateway.apply(Description(tuple(made)))
    mine, theirs = (tokens.issue(home, name, "aml_token").access_token for name in ("shop", "other"))
    assert [ask(shop.port, key=key).status for key in (mine, theirs)] == [200, 401]
    assert [ask(other, key=key).status for key in (mine, theirs)] == [401, 200]


def test_signing_keys_change_without_a_refused_request(shop, home):
    open_to(shop, tokens.public(home, "shop"))
    first = tokens.issue(home, "shop", "aml_token")
    with shop.load(first.access_token) as result:
        tokens.announce(home, "shop")
        open_to(shop, tokens.public(home, "shop"))
        tokens.rotate(home, "shop")
        second = tokens.issue(home, "shop", "aml_token")
        assert status(shop, second) == 200
        open_to(shop, tokens.public(home, "shop"))
        assert (status(shop, first), status(shop, second)) == (200, 200)
    assert (list(result["statuses"]), result["errors"]) == (["200"], [])
    tokens.rotate(home, "shop")
    open_to(shop, tokens.public(home, "shop"))
    assert (status(shop, first), status(shop, second)) == (401, 200)


def test_a_tenants_keys_open_it_instead(shop, home, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "t", "use": "sig"}
    file = tmp_path / "keys.json"
    file.write_text(jwt.utils.force_bytes(str({"keys": [public]}).replace("'", '"')).decode())
    issuer = tokens_issuer.fetch("https://sts.windows.net/t/", "https://ml.azure.com", str(file))
    tokens.trust(home, "shop", issuer)
    open_to(shop, tokens.public(home, "shop", "aad_token"))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    claims = {"iss": issuer.issuer, "aud": issuer.audience, "exp": int(time.time()) + 600}
    assert status(shop, jwt.encode(claims, pem, "RS256", headers={"kid": "t"})) == 200
    assert status(shop, jwt.encode({**claims, "aud": "https://else"}, pem, "RS256", headers={"kid": "t"})) == 401
    assert status(shop, tokens.issue(home, "shop", "aml_token")) == 401
