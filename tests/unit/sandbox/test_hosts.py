"""Hosts: what may be said of one, where it is kept, and what the last words of ssh mean."""

import io
import os
import signal
import socket

import pytest
import requests

from sandbox.home import Home
from sandbox.hosts import frames, known, reach, refusals, tunnel
from sandbox.hosts.known import Host
from sandbox.image import engine, lost
from sandbox.model.errors import NotFound, SandboxError


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path)).make()


def test_a_host_is_found_as_it_was_added_and_is_for_its_owner_only(home):
    made = Host("prod", "ssh://me@prod.example:2222", "/srv/sandbox", "/run/docker.sock", "127.0.0.1:5000/team")
    known.add(home, made)
    known.add(home, Host("next", "unix:///run/next.sock"))
    assert known.find(home, "prod") == made
    assert [each.name for each in known.every(home)] == ["next", "prod"]
    assert os.stat(home.at("hosts", "prod.json")).st_mode & 0o077 == 0
    assert known.remove(home, "prod") == made
    assert [each.name for each in known.every(home)] == ["next"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"name": "prod", "url": 1}', '{"url": "unix:///run/docker.sock"}', "3"])
def test_a_file_that_describes_no_host_is_told(home, text):
    path = home.at("hosts", "prod.json")
    os.makedirs(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(SandboxError) as caught:
        known.find(home, "prod")
    assert caught.value.code == "E004"
    assert "sandbox host add prod again" in caught.value.fix


@pytest.mark.parametrize("name", ["prod", "../prod", ""])
def test_a_host_that_was_never_added_is_not_found(home, name):
    with pytest.raises(NotFound) as caught:
        known.find(home, name)
    assert (caught.value.code, caught.value.exit_code) == ("E151", 3)
    assert known.every(home) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Prod"}, "small letters"),
        ({"name": "-x"}, "small letters"),
        ({"url": "ssh://"}, "names no host"),
        ({"url": "ssh://me:secret@prod"}, "a password has no place"),
        ({"url": "ssh://prod:0"}, "names no host"),
        ({"url": "ssh://prod:99999"}, "out of range"),
        ({"url": "ssh://-oProxyCommand=true"}, "no name for ssh"),
        ({"url": "ssh://-oX@prod"}, "no name for ssh"),
        ({"url": "ssh://prod?x=1"}, "names no host"),
        ({"url": "tcp://prod:2375"}, "none of the forms"),
        ({"url": "unix://relative"}, "absolute path"),
        ({"url": "me@10.213.4.2"}, "say ssh://me@10.213.4.2"),
        ({"url": ""}, "none of the forms"),
        ({"folder": "state"}, "no absolute path"),
        ({"folder": "/"}, "no absolute path"),
        ({"folder": "/a/../b"}, "no absolute path"),
        ({"socket": "/run/a:b"}, "no absolute path"),
        ({"registry": "https://registry.example"}, "without https://"),
        ({"registry": "--help"}, "without https://"),
        ({"registry": "registry.example/a b"}, "without https://"),
        ({"registry": "ann:secret@registry.example"}, "docker login"),
    ],
)
def test_what_cannot_be_a_host_is_refused_with_the_reason(fields, said):
    with pytest.raises(SandboxError) as caught:
        Host(**{"name": "prod", "url": "ssh://prod", **fields})
    assert caught.value.code == "E150"
    assert ("another name" in caught.value.fix) == ("name" in fields)
    assert said in caught.value.why


def test_the_socket_is_that_of_the_address_where_it_names_one():
    assert known.socket_of("unix:///run/other.sock") == "/run/other.sock"
    assert known.socket_of("ssh://prod/run/user/1000/docker.sock") == "/run/user/1000/docker.sock"
    assert known.socket_of("ssh://prod") == known.socket_of("ssh://prod/") == known.socket_of("prod") == known.SOCKET


@pytest.mark.parametrize(
    ("said", "code", "fix"),
    [
        ("Host key verification failed.", "E153", "ssh -p 2222 me@prod once"),
        ("@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@\nHost key ...", "E153", "ssh-keygen -R"),
        ("me@prod: Permission denied (publickey).", "E154", "ssh-copy-id"),
        ("Received disconnect from 10.0.0.1: Too many authentication failures", "E154", "ssh-add"),
        ("ssh: Could not resolve hostname prod: Name or service not known", "E152", "ssh -p 2222 me@prod"),
        ("ssh: connect to host prod port 2222: Connection refused", "E152", "ssh -p 2222 me@prod"),
        ("", "E152", "ssh -p 2222 me@prod"),
    ],
)
def test_the_last_words_of_ssh_become_an_error_with_a_way_out(said, code, fix):
    found = refusals.of_ssh(Host("prod", "ssh://me@prod:2222"), said)
    assert found.code == code
    assert fix in found.fix
    assert found.why


@pytest.mark.parametrize(
    ("state", "why", "fix"), [("missing", "is not there", "--socket"), ("denied", "permission denied", "usermod")]
)
def test_an_engine_that_may_not_be_asked_is_told_with_a_way_out(state, why, fix):
    found = refusals.of_socket(Host("prod", "ssh://prod", socket="/run/x.sock"), state)
    assert found.code == "E155"
    assert found.why == f"/run/x.sock{': ' if state == 'denied' else ' '}{why}"
    assert fix in found.fix


def test_an_address_without_ssh_is_no_context_and_is_told_so():
    with pytest.raises(SandboxError, match="E111") as caught:
        reach.locate(Host("prod", "10.213.4.2"))
    assert "sandbox host add prod ssh://10.213.4.2" in caught.value.fix


@pytest.mark.parametrize(
    ("url", "by_hand"),
    [
        ("ssh://me@prod:2222", "ssh -p 2222 me@prod docker version"),
        ("unix:///run/other.sock", "docker -H unix:///run/other.sock version"),
        ("far", "docker --context far version"),
    ],
)
def test_what_helps_against_an_engine_that_does_not_answer_needs_no_host_that_is_known(url, by_hand):
    error = refusals.of_engine(Host("prod", url), SandboxError("E110", "it does not answer"))
    assert (error.code, error.fix.partition(": ")[2]) == ("E155", by_hand)


def test_an_engine_that_takes_connections_and_says_nothing_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "FIRST_S", 0.2)
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with pytest.raises(SandboxError, match="E155") as caught:
            reach.engine(Host("prod", f"unix://{path}"))
    assert "does not answer" in caught.value.what
    assert "not a word in 0.2 s" in caught.value.why


def test_connections_that_break_are_told_from_other_failures():
    inner = requests.exceptions.ConnectionError("aborted")
    inner.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    found = lost.explained("prod", inner)
    assert found.code == "E156"
    assert "Connection reset by peer" in found.why
    assert "goes on" in found.fix
    assert lost.explained("prod", ValueError("other")) is None


def test_ssh_is_given_what_the_address_says_and_asks_for_nothing():
    words = tunnel.words(Host("prod", "ssh://me@prod:2222", ssh_config="/etc/other"), "-L", "a:b", script="echo it's")
    assert words[:3] == ["ssh", "-F", "/etc/other"]
    assert words[-3:] == ["--", "prod", "sh -c 'echo it'\"'\"'s'"]
    assert "BatchMode=yes" in words
    assert words[words.index("-p") + 1] == "2222"
    bare = tunnel.words(Host("prod", "ssh://prod"), script="true")
    assert "-p" not in bare  # the port is that of the user's own configuration


def test_frames_are_read_as_they_were_written_however_they_come():
    sent = frames.frame(frames.INPUT, b"x" * 200_000) + frames.size(24, 80) + frames.frame(frames.END)
    source = io.BytesIO(sent)

    def trickle(size):
        return source.read(min(size, 1000))

    assert frames.read(trickle) == (frames.INPUT, b"x" * 200_000)
    kind, content = frames.read(trickle)
    assert (kind, frames.sized(content)) == (frames.SIZE, (24, 80))
    assert frames.read(trickle) == (frames.END, b"")
    assert frames.read(trickle) is None


def test_a_frame_that_is_cut_is_the_end():
    assert frames.read(io.BytesIO(frames.frame(frames.INPUT, b"abc")[:-1]).read) is None


def test_a_proxy_that_outlives_ssh_and_keeps_its_words_open_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tunnel, "ENDING_S", 0.5)
    proxy, config = tmp_path / "proxy", tmp_path / "config"
    proxy.write_text(f"sleep 600 </dev/null >/dev/null &\necho $! >{tmp_path}/pid\nexit 1\n")
    config.write_text(f"Host prod.example\n  ProxyCommand sh {proxy}\n")
    try:
        with pytest.raises(SandboxError) as caught:
            tunnel.Tunnel(Host("prod", "ssh://prod.example", ssh_config=str(config)))
        assert caught.value.code in {"E152", "E153", "E154"}
        pid = int((tmp_path / "pid").read_text())
        os.kill(pid, 0)  # it is still there
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
