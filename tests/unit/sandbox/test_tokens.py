"""Tokens: what stands in them, who may sign them, how keys change, and where foreign keys come from."""

import http.server
import json
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest

from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.store import tokens, tokens_issuer
from sandbox.store.tokens_issuer import Issuer

SPAWN = multiprocessing.get_context("spawn")
NOW = 1_700_000_000.9


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home"))


def checked(token, issuer, **options):
    """Check a token as somebody who knows the public keys only."""
    keys = jwt.PyJWKSet.from_json(issuer.jwks)
    kid = jwt.get_unverified_header(token.access_token)["kid"]
    found = [key for key in keys.keys if key.key_id == kid]
    if not found:
        raise jwt.InvalidKeyError
    return jwt.decode(
        token.access_token,
        found[0],
        algorithms=["ES256"],
        audience=issuer.audience,
        issuer=issuer.issuer,
        options={"verify_exp": False, "verify_nbf": False, **options},
    )


@pytest.mark.parametrize(("mode", "lifetime"), [("aml_token", 12 * 3600), ("aad_token", 3600)])
def test_a_token_says_for_whom_it_is_and_how_long(home, mode, lifetime):
    token = tokens.issue(home, "Shop", mode, now=NOW)
    claims = checked(token, tokens.public(home, "shop"))
    assert claims["iat"] == claims["nbf"] == 1_700_000_000
    assert claims["exp"] == token.expiry_utc == 1_700_000_000 + lifetime
    assert token.refresh_after_utc == 1_700_000_000 + lifetime * 3 // 4
    assert (claims["endpoint"], claims["mode"]) == ("shop", mode)
    assert claims["aud"] == tokens.audience("shop") != tokens.audience("other")
    assert claims["jti"] != checked(tokens.issue(home, "shop", mode), tokens.public(home, "shop"))["jti"]


def test_get_credentials_prints_what_azure_prints(home):
    token = tokens.issue(home, "shop", "aml_token", now=NOW)
    assert tokens.as_azure(token) == {
        "accessToken": token.access_token,
        "expiryTimeUtc": 1_700_043_200,
        "refreshAfterTimeUtc": 1_700_032_400,
        "tokenType": "Bearer",
    }
    token = tokens.issue(home, "shop", "aad_token", now=NOW)
    assert tokens.as_azure(token) == {"accessToken": token.access_token, "expiryTimeUtc": 1_700_003_600}


def test_a_token_of_one_endpoint_is_nothing_to_another(home):
    token = tokens.issue(home, "shop", "aml_token")
    with pytest.raises(jwt.InvalidKeyError):
        checked(token, tokens.public(home, "other"))
    with pytest.raises(jwt.InvalidAudienceError):
        checked(token, Issuer(tokens.ISSUER, tokens.audience("other"), tokens.public(home, "shop").jwks))


@pytest.mark.parametrize("lifetime", [59, 30 * 86400 + 1, 0, -1])
def test_a_lifetime_has_bounds(home, lifetime):
    with pytest.raises(SandboxError, match="E097") as caught:
        tokens.issue(home, "shop", "aml_token", lifetime_s=lifetime)
    assert caught.value.exit_code == 2
    assert tokens.issue(home, "shop", "aml_token", lifetime_s=60, now=NOW).expiry_utc == 1_700_000_060


def test_only_public_halves_are_published_and_nothing_secret_is_printed(home):
    token = tokens.issue(home, "shop", "aml_token")
    published = json.loads(tokens.public(home, "shop").jwks)["keys"]
    assert [set(key) for key in published] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]
    assert token.access_token not in f"{token} {token!r}"
    below = [Path(home.root), *Path(home.root).rglob("*")]
    assert [path for path in below if stat.S_IMODE(os.lstat(path).st_mode) & 0o077] == []


def test_keys_change_with_an_overlap(home):
    first = tokens.issue(home, "shop", "aml_token")
    before = tokens.public(home, "shop")
    tokens.announce(home, "shop")
    tokens.announce(home, "shop")
    announced = tokens.public(home, "shop")
    assert len(json.loads(announced.jwks)["keys"]) == 2
    checked(tokens.issue(home, "shop", "aml_token"), before)  # still the old key
    tokens.rotate(home, "shop")
    second = tokens.issue(home, "shop", "aml_token")
    checked(second, announced)  # what was published in time knows the new key
    for token in (first, second):
        checked(token, tokens.public(home, "shop"))
    tokens.rotate(home, "shop")
    assert len(json.loads(tokens.public(home, "shop").jwks)["keys"]) == 2
    checked(second, tokens.public(home, "shop"))
    with pytest.raises(jwt.InvalidKeyError):
        checked(first, tokens.public(home, "shop"))


def test_a_deleted_endpoint_takes_its_tokens_with_it(home):
    token = tokens.issue(home, "shop", "aml_token")
    tokens.trust(home, "shop", Issuer("i", "a", "{}"))
    tokens.remove(home, "shop")
    tokens.remove(home, "shop")
    with pytest.raises(jwt.InvalidKeyError):
        checked(token, tokens.public(home, "shop", "aad_token"))


def test_publishing_imports_no_cryptography(home):
    tokens.public(home, "shop")
    program = (
        "import sys\nfrom sandbox.home import Home\nfrom sandbox.store import keys, tokens\n"
        f"assert tokens.public(Home({home.root!r}), 'shop').jwks\n"
        "print(sorted({'jwt', 'cryptography', 'urllib.request', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_packages_the_extra_is_named(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(SandboxError, match="E001") as caught:
        tokens.public(home, "shop")
    assert "endpoint-sandbox[sandbox]" in caught.value.fix


@pytest.mark.parametrize("content", ["[]", '{"current": 1, "trusted": {"issuer": 5}}', '{"current": {"private": "x"}}'])
def test_a_file_of_nonsense_is_made_anew(home, content):
    tokens.public(home, "shop")
    Path(home.secrets, "tokens", "shop.json").write_text(content)
    assert tokens.trusted(home, "shop") is None
    checked(tokens.issue(home, "shop", "aml_token"), tokens.public(home, "shop"))


def publish(root, place):
    place.put(tokens.public(Home(root), "shop").jwks)


def test_commands_at_once_make_one_key(home):
    place = SPAWN.Queue()
    workers = [SPAWN.Process(target=publish, args=(home.root, place)) for _ in range(4)]
    for worker in workers:
        worker.start()
    seen = {place.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert seen == {tokens.public(home, "shop").jwks}


# --- Issuers elsewhere -----------------------------------------------------------------------------------------------

RSA = {"kty": "RSA", "kid": "a", "use": "sig", "n": "qqqq", "e": "AQAB", "x5c": ["MII..."], "issuer": "https://x/"}
TAKEN = {"kty": "RSA", "kid": "a", "use": "sig", "n": "qqqq", "e": "AQAB"}


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.pages.get(self.path)
        if isinstance(found, str):
            self.send_response(302)
            self.send_header("location", found)
            self.end_headers()
            return
        self.send_response(200 if found is not None else 404)
        self.end_headers()
        self.wfile.write(found if isinstance(found, bytes) else json.dumps(found).encode())

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(pages):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        server.pages = pages
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_tenants_keys_come_from_a_file_a_text_or_an_address(tmp_path):
    text = json.dumps({"keys": [RSA, {"kty": "oct", "k": "c2VjcmV0"}, {**RSA, "use": "enc"}, {"kty": "RSA"}, 5]})
    (tmp_path / "keys.json").write_text(text)
    with served({"/keys": json.loads(text)}) as address:
        for source in (text, str(tmp_path / "keys.json"), f"{address}/keys"):
            found = tokens_issuer.fetch("https://issuer/", "api://me", source)
            assert (found.issuer, found.audience) == ("https://issuer/", "api://me")
            assert json.loads(found.jwks) == {"keys": [TAKEN]}


def test_an_issuer_says_where_its_keys_are():
    pages = {"/t/keys": {"keys": [RSA]}}
    with served(pages) as address:
        pages["/t/v2.0/.well-known/openid-configuration"] = {"jwks_uri": f"{address}/t/keys"}
        for issuer in (f"{address}/t/v2.0", f"{address}/t/v2.0/"):
            properties = {"sandbox.token_issuer": issuer}
            found = tokens_issuer.of_properties(properties)
            assert (found.issuer, found.audience) == (issuer, "https://ml.azure.com")
            assert json.loads(found.jwks) == {"keys": [TAKEN]}
        pages["/other/.well-known/openid-configuration"] = {}
        with pytest.raises(SandboxError, match="E098"):
            tokens_issuer.fetch(f"{address}/other", "me")
    assert tokens_issuer.of_properties({"tags": "x"}) is None


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("no/such/file", "cannot be read"),
        ('{"keys": {}}', "holds no JWKS"),
        ('{"keys": []}', "holds no public key"),
        ("{broken", "holds no JWKS"),
        ("http://issuer.example/keys", "no https address"),
        ("ftp://issuer.example/keys", "no https address"),
        ("HERE/missing", "cannot be read"),
        ("HERE/large", "larger than"),
        ("HERE/bytes", "cannot be read"),
        ("HERE/away", "no https address"),
    ],
)
def test_what_is_no_set_of_keys_is_refused(source, says):
    pages = {"/large": b" " * (tokens_issuer.LARGEST + 1), "/bytes": b"\xff\xfe", "/away": "http://issuer.example/k"}
    with served(pages) as address, pytest.raises(SandboxError, match=says) as caught:
        tokens_issuer.fetch("https://issuer/", "me", source.replace("HERE", address))
    assert caught.value.code == "E098"


def test_an_issuer_and_an_audience_are_needed():
    for issuer, audience in (("", "me"), ("https://issuer/", "")):
        with pytest.raises(SandboxError, match="E098"):
            tokens_issuer.fetch(issuer, audience, '{"keys": []}')


def test_a_trusted_tenant_signs_alone(home):
    foreign = Issuer("https://sts.windows.net/t/", "https://ml.azure.com", '{"keys": []}')
    local = tokens.public(home, "shop", "aad_token")
    tokens.trust(home, "shop", foreign)
    assert tokens.public(home, "shop", "aad_token") == foreign == tokens.trusted(home, "shop")
    assert tokens.public(home, "shop", "aml_token") == local
    with pytest.raises(SandboxError, match="E097") as caught:
        tokens.issue(home, "shop", "aad_token")
    assert "az account get-access-token" in caught.value.fix
    assert checked(tokens.issue(home, "shop", "aml_token"), local)
    tokens.trust(home, "shop", None)
    assert tokens.public(home, "shop", "aad_token") == local
