"""Certificates of a host: what a server cannot use is refused before anything changes; the rest appears at once."""

import datetime as dt
import os
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.home import Home
from sandbox.hosts import certificate, pair
from sandbox.hosts.certificate import Pair
from sandbox.hosts.production import Production
from sandbox.model.errors import SandboxError
from tests.support.certificates import authority, pem_of

PROD = Production("prod")


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home")).make()


@pytest.fixture(scope="module")
def ours():
    return authority()


def refusal(chain, key, **more):
    with pytest.raises(SandboxError) as caught:
        pair.check(chain, key, **more)
    assert caught.value.code == "E172"
    assert caught.value.fix
    return f"{caught.value.what}: {caught.value.why}"


# --- What can be used ------------------------------------------------------------------------------------------------


def test_a_good_pair_tells_what_it_is(ours):
    facts = pair.check(*ours.issue(["shop.example.com", "www.example.com"], days=30))
    assert facts.names == ("shop.example.com", "www.example.com")
    assert facts.issuer == "an authority for tests"
    assert not facts.signs_itself
    assert facts.days_left() == 29
    assert facts.shown == "shop.example.com, www.example.com"


def test_a_pair_that_signs_itself_is_good_for_names_and_addresses(tmp_path):
    chain, key = pair.make(["prod.example.com", "10.0.0.1", "::1", "prod.example.com"])
    facts = pair.check(chain, key)
    assert facts.names == ("prod.example.com", "10.0.0.1", "::1")
    assert facts.signs_itself
    (tmp_path / "c").write_bytes(chain)
    (tmp_path / "k").write_bytes(key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "c", tmp_path / "k")


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())])
def test_keys_that_are_used_for_tls_are_taken(ours, key):
    assert pair.check(*ours.issue(["a.example.com"], key=key)).names == ("a.example.com",)


# --- What is refused -------------------------------------------------------------------------------------------------


def test_what_a_server_cannot_use_is_refused_with_its_reason(ours):
    chain, key = ours.issue(["a.example.com"])
    other_chain, other_key = ours.issue(["a.example.com"])
    assert "belong together" in refusal(chain, other_key)
    assert "no certificate" in refusal(b"", key)
    assert "no certificate" in refusal(key, key)
    assert "cannot be read" in refusal(chain, chain)
    assert "cannot be read" in refusal(chain, b"\x00")
    assert "has a password" in refusal(chain, pem_of(load_pem_private_key(key, None), b"secret"))
    assert "belong together" in refusal(ours.chain + chain, key)
    assert "not in order" in refusal(chain.removesuffix(ours.chain) + other_chain, key)
    assert "for no name" in refusal(*ours.issue([]))


def test_keys_that_are_too_weak_or_of_another_kind_are_refused(ours):
    assert "RSA of 1024 bits" in refusal(*ours.issue(["a"], key=rsa.generate_private_key(65537, 1024)))
    assert "secp521r1" in refusal(*ours.issue(["a"], key=ec.generate_private_key(ec.SECP521R1())))
    assert "kind that is not used" in refusal(*ours.issue(["a"], key=ed25519.Ed25519PrivateKey.generate()))


def test_one_that_has_ended_or_has_not_begun_is_refused_but_looked_at_where_it_serves_already(ours):
    ended = ours.issue(["a.example.com"], days=-1, began_days_ago=10)
    assert "has ended" in refusal(*ended)
    assert pair.check(*ended, expired=True).days_left() < 0
    assert "not valid yet" in refusal(*ours.issue(["a.example.com"], began_days_ago=-2))


# --- Where it lies ---------------------------------------------------------------------------------------------------


def test_where_there_is_none_one_is_made_once_that_signs_itself(home):
    first = certificate.ensure(home, PROD, ["prod.example.com"])
    assert certificate.ensure(home, PROD, ["other.example.com"]) == first
    assert pair.check(first.chain, first.key).names == ("prod.example.com",)
    path = certificate.folder(home, PROD)
    assert os.stat(os.path.join(path, "tls.key")).st_mode & 0o077 == 0
    assert os.stat(path).st_mode & 0o077 == 0


def test_a_new_pair_takes_the_place_of_the_old_one_and_a_bad_one_does_not(home, ours):
    first, second = Pair(*ours.issue(["a"])), Pair(*ours.issue(["b"]))
    for each in (first, second):
        certificate.install(home, PROD, each)
        assert certificate.read(certificate.folder(home, PROD)) == each
    with pytest.raises(SandboxError, match="belong together"):
        certificate.install(home, PROD, Pair(first.chain, second.key))
    assert certificate.read(certificate.folder(home, PROD)) == second
    for _ in range(3):
        certificate.install(home, PROD, first)
    kept = [name for name in os.listdir(certificate.folder(home, PROD)) if name.startswith("pair-")]
    assert len(kept) == 2, "the one that serves and the one before it"


def test_plain_files_do_as_well_and_links_take_their_place(home, ours):
    path = certificate.folder(home, PROD)
    os.makedirs(path)
    first = Pair(*ours.issue(["a"]))
    for name, content in (("tls.crt", first.chain), ("tls.key", first.key)):
        with open(os.path.join(path, name), "wb") as file:
            file.write(content)
    assert certificate.ensure(home, PROD, []) == first
    second = Pair(*ours.issue(["b"]))
    certificate.install(home, PROD, second)
    assert certificate.read(path) == second


def put(home, **texts):
    path = certificate.folder(home, PROD)
    os.makedirs(path, exist_ok=True)
    for name, content in texts.items():
        with open(os.path.join(path, f"tls.{name}"), "wb") as file:
            file.write(content)
    return path


@pytest.mark.parametrize("there", ["crt", "key"])
def test_half_a_pair_is_never_replaced_by_one_that_signs_itself(home, ours, there):
    chain, key = ours.issue(["a"])
    path = put(home, **{there: chain if there == "crt" else key})
    with pytest.raises(SandboxError, match="half a certificate"):
        certificate.ensure(home, PROD, ["a"])
    assert os.listdir(path) == [f"tls.{there}"]
    assert say(home)[0] == "broken"
    put(home, crt=chain, key=key)
    assert certificate.ensure(home, PROD, []) == Pair(chain, key)


def test_links_that_lead_out_of_what_a_container_sees_are_kept(home):
    path = put(home)
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"/etc/letsencrypt/live/nowhere/{name}", os.path.join(path, name))
    with pytest.raises(SandboxError, match="half a certificate"):
        certificate.ensure(home, PROD, ["a"])
    assert sorted(os.listdir(path)) == ["tls.crt", "tls.key"]


@pytest.mark.parametrize("lost", ["tls.crt", "tls.key"])
def test_a_pair_of_ours_whose_last_link_is_missing_is_found_again(home, ours, lost):
    found = Pair(*ours.issue(["a"]))
    certificate.install(home, PROD, found)
    os.unlink(os.path.join(certificate.folder(home, PROD), lost))
    assert certificate.ensure(home, PROD, []) == found


def test_what_is_no_text_is_refused_and_not_an_error_of_ours(home, ours):
    chain, key = ours.issue(["a"])
    put(home, crt="# Müller\n".encode("latin-1") + chain, key=key)
    with pytest.raises(SandboxError, match="E172"):
        certificate.ensure(home, PROD, [])
    assert say(home)[0] == "broken"


# --- What is said of it ----------------------------------------------------------------------------------------------


def say(home):
    (found,) = certificate.findings(home, PROD)
    assert (found.verdict == "good") == (not found.fix)
    return found.verdict, found.text


def test_the_doctor_hears_what_it_is_and_when_it_ends(home, ours):
    assert say(home) == ("missing", "no certificate yet; the gateway makes one that signs itself")
    certificate.ensure(home, PROD, ["prod"])
    assert "signs itself" in say(home)[1]
    certificate.install(home, PROD, Pair(*ours.issue(["prod.example.com"], days=90)))
    verdict, text = say(home)
    assert verdict == "good"
    assert text.startswith("certificate for prod.example.com by an authority for tests, until 2")
    certificate.install(home, PROD, Pair(*ours.issue(["prod.example.com"], days=10.5)))
    assert say(home) == ("missing", "certificate for prod.example.com ends in 10 days")
    (later,) = certificate.findings(home, PROD, dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=11))
    assert later.verdict == "broken"
    assert "clients refuse it" in later.text


def test_the_doctor_hears_of_files_that_cannot_be_used(home, ours):
    path = certificate.folder(home, PROD)
    os.makedirs(path)
    for name in ("tls.crt", "tls.key"):
        with open(os.path.join(path, name), "w") as file:
            file.write("what is this")
    verdict, text = say(home)
    assert verdict == "broken"
    assert "no certificate" in text
    with pytest.raises(SandboxError):
        certificate.ensure(home, PROD, [])
