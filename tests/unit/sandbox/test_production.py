"""The settings of a host: read as they were written, and refused where they cannot be."""

import json
import os

import pytest

from sandbox.home import Home
from sandbox.hosts import production
from sandbox.hosts.production import Production
from sandbox.model.errors import SandboxError


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path)).make()


def test_a_home_without_the_file_is_none_of_production(home):
    assert production.read(home) is None


def test_what_was_written_is_read_and_is_for_its_owner_only(home):
    made = Production("prod", 8080, 8443, "127.0.0.1", "tls", "[::1]:8402", "/run/docker.sock", "sha256:1")
    production.write(home, made)
    assert production.read(home) == made
    assert made.challenge == ("::1", 8402)
    assert os.stat(home.at("production.json")).st_mode & 0o077 == 0


def test_the_name_of_the_host_is_enough(home):
    with open(home.at("production.json"), "w") as file:
        file.write('{"host": "prod"}')
    found = production.read(home)
    assert (found.http_port, found.https_port, found.bind, found.challenge) == (80, 443, "0.0.0.0", None)
    assert found.certificate_folder == "certificates"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"https_port": 0}, "https_port is 0, which is no port"),
        ({"http_port": 443}, "are both 443"),
        ({"http_port": "80"}, "http_port is '80'"),
        ({"https_port": True}, "https_port is True"),
        ({"bind": "prod.example.com"}, "no IP address"),
        ({"certificate": "/etc/ssl"}, "no folder below"),
        ({"certificate": "a/../../b"}, "no folder below"),
        ({"socket": "docker.sock"}, "no absolute path"),
        ({"acme_challenge": "localhost:80"}, "an IP address and a port"),
        ({"acme_challenge": "127.0.0.1"}, "an IP address and a port"),
        ({"port": 1}, "nothing is called 'port'"),
        ({"host": None}, "the name of the host"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(home, keys, said):
    with open(home.at("production.json"), "w") as file:
        json.dump({"host": "prod", **keys}, file)
    with pytest.raises(SandboxError) as caught:
        production.read(home)
    assert caught.value.code == "E170"
    assert said in caught.value.why


def test_every_reason_is_told_at_once():
    with pytest.raises(SandboxError) as caught:
        Production("prod", http_port=-1, bind="x")
    assert len(caught.value.why.splitlines()) == 2
