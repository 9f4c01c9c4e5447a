"""Which engine is meant: as the docker command decides, and what is said when it does not answer."""

import hashlib
import json
import socket

import pytest

from sandbox.image import address, engine
from sandbox.image.address import Address
from sandbox.model.errors import SandboxError


@pytest.fixture
def config(tmp_path):
    """A folder of the docker command with two contexts, one of them by TLS; "colima" is current."""
    for name, url in (("colima", "unix:///colima.sock"), ("host", "tcp://host:2376")):
        digest = hashlib.sha256(name.encode()).hexdigest()
        meta = tmp_path / "contexts" / "meta" / digest / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": url, "SkipTLSVerify": False}}}))
    tls = tmp_path / "contexts" / "tls" / digest / "docker"
    tls.mkdir(parents=True)
    (tls / "ca.pem").write_text("")
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
    return tmp_path


def test_a_variable_beats_a_context_and_a_named_context_the_current_one(config):
    environ = {"DOCKER_CONFIG": str(config), "HOME": str(config)}
    assert address.find(environ) == Address("unix:///colima.sock", "context colima (docker context use)", "colima")
    named = address.find({**environ, "DOCKER_CONTEXT": "host"})
    assert (named.url, named.context) == ("tcp://host:2376", "host")
    assert named.tls is not None
    assert named.tls.ca.endswith("ca.pem")
    assert (named.tls.certificate, named.tls.verify) == ("", True)
    plain = address.find({**environ, "DOCKER_CONTEXT": "host", "DOCKER_HOST": "tcp://other:1"})
    assert (plain.url, plain.source) == ("tcp://other:1", "DOCKER_HOST")
    assert address.find({**environ, "DOCKER_CONTEXT": "default"}).context == "default"


def test_a_context_that_does_not_exist_is_an_error_and_never_the_local_engine(config):
    with pytest.raises(SandboxError) as raised:
        address.find({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "nosuch"})
    assert (raised.value.code, "nosuch" in raised.value.what) == ("E111", True)
    assert "DOCKER_CONTEXT" in raised.value.why


def test_a_context_that_is_damaged_is_named(config):
    digest = hashlib.sha256(b"colima").hexdigest()
    (config / "contexts" / "meta" / digest / "meta.json").write_text("{")
    with pytest.raises(SandboxError, match="colima"):
        address.find({"DOCKER_CONFIG": str(config)})


@pytest.mark.parametrize("place", [".docker/run/docker.sock", ".colima/default/docker.sock"])
def test_sockets_of_other_products_are_found_where_the_usual_one_is_not(tmp_path, monkeypatch, place):
    monkeypatch.setattr(address, "USUAL", str(tmp_path / "usual.sock"))
    environ = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    assert address.find(environ).url == f"unix://{tmp_path}/usual.sock"
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(path.parent)  # the address of a socket is short
        listener.bind(path.name)
        assert address.find(environ).url == f"unix://{path}"


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("unix:///no/such/socket", "E110", "was found"),
        ("tcp://127.0.0.1:9", "E110", "does not run"),
        ("foo://x", "E111", "as it is described"),
    ],
)
def test_what_keeps_us_from_an_engine_is_said_with_the_way_on(url, code, said):
    with pytest.raises(SandboxError) as raised:
        engine.connect({"DOCKER_HOST": url})
    assert (raised.value.code, said in raised.value.what) == (code, True)
    assert url in raised.value.why
    assert "DOCKER_HOST" in raised.value.why
    found = engine.facts({"DOCKER_HOST": url})
    assert (found.version, found.url) == ("", url)
    assert said in found.error
    if code == "E110":
        assert "--backend process" in raised.value.fix


def test_who_may_not_use_the_socket_is_told_to_join_the_group():
    error = engine.refusal(Address("unix:///x", "the usual socket"), PermissionError(13, "Permission denied"))
    assert (error.code, "group" in error.fix or "usermod" in error.fix) == ("E112", True)
