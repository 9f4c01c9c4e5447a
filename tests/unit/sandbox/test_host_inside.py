"""The first processes of our containers on a host: what they give up, what they own, what they say."""

import itertools
import json
import os
import resource
import subprocess
import sys

import pytest

from sandbox.gateway import public
from sandbox.gateway.bootstrap import bootstrap
from sandbox.gateway.folder import Folder
from sandbox.gateway.offered import Public
from sandbox.hosts import gateway_container, inside, inside_gateway, privileges, renewal
from sandbox.model.errors import SandboxError
from tests.support.certificates import authority

ROOT = os.geteuid() == 0
BECOME = """
import os, sys
from sandbox.hosts import privileges
keep = [privileges.NET_BIND_SERVICE] if os.geteuid() == 0 else []
user = privileges.USER if os.geteuid() == 0 else os.getuid()
privileges.become(user, user, [4242] if keep else [], keep)
print(open("/proc/self/status").read())
if keep:
    try:
        os.setuid(0)
    except PermissionError:
        print("Root: never again")
os.execv("/bin/cat", ["cat", "/proc/self/status"])
"""


ENDED = """
import os
from sandbox.hosts.inside_gateway import ended
for words in ("exit 7", "kill -9 $$"):
    child, code = os.posix_spawn("/bin/sh", ["sh", "-c", words], {}), None
    while code is None:
        code = ended(child)
    print(code)
print(ended(child))
"""


def status(text):
    rows = [line.partition(":") for line in text.splitlines()]
    return {key: value.split() for key, _, value in rows}


def test_a_process_gives_up_everything_but_what_it_keeps_also_for_what_it_starts():
    said = subprocess.run([sys.executable, "-c", BECOME], capture_output=True, text=True, check=True).stdout
    halves = said.split("Name:")[1:]
    assert len(halves) == 2
    kept = "0000000000000400" if ROOT else "0000000000000000"
    for half in halves:
        found = status(half)
        assert set(found["Uid"]) == {str(privileges.USER if ROOT else os.getuid())}
        assert [found[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == [[kept]] * 4
        assert found["NoNewPrivs"] == ["1"]
        if ROOT:
            assert (found["CapBnd"], found["Groups"]) == ([kept], ["4242"])
    assert ("Root: never again" in said) == ROOT


def test_what_a_container_was_not_given_is_said(monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(privileges, "_set_capabilities", refused)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SandboxError) as caught:
        privileges.become(12345, 12345)
    assert caught.value.code == "E171"
    assert "SETPCAP" in caught.value.fix


# --- The state folder and the socket ---------------------------------------------------------------------------------


def test_a_folder_that_root_has_restored_becomes_the_users_and_private(tmp_path, monkeypatch):
    changed = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "lchown", lambda path, user, group: changed.append((path, user, group)))
    monkeypatch.setattr(os, "chown", lambda path, user, group: changed.append((path, user, group)))
    (tmp_path / "endpoints").mkdir()
    (tmp_path / "endpoints" / "shop.json").write_text("{}")
    os.chmod(tmp_path, 0o755)
    inside.own(str(tmp_path))
    assert [path for path, *_ in changed] == [
        str(tmp_path / "endpoints" / "shop.json"), str(tmp_path / "endpoints"), str(tmp_path),
    ]  # fmt: skip
    assert {each[1:] for each in changed} == {(10001, 10001)}
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("folder", ["", "relative", "/nowhere/at/all"])
def test_a_container_without_a_state_folder_says_so(folder, monkeypatch, capfd):
    monkeypatch.setenv("SANDBOX_HOME", folder)
    assert inside.main(["status"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error[E171] the container sees no state folder")
    assert "\n  fix: " in said
    assert "Traceback" not in said


def test_the_group_of_the_engines_socket_is_what_its_user_needs(tmp_path):
    path = tmp_path / "docker.sock"
    path.touch()
    assert inside.groups_for(str(path)) == [path.stat().st_gid]
    assert inside.groups_for("") == []
    with pytest.raises(SandboxError, match="does not see the engine's socket"):
        inside.groups_for(str(tmp_path / "missing"))


def test_a_socket_that_only_root_may_use_is_told(tmp_path, monkeypatch):
    path = tmp_path / "docker.sock"
    path.touch(0o600)
    inside.usable(str(path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SandboxError) as caught:
        inside.usable(str(path))
    assert "with mode 600" in caught.value.why
    assert "chmod 660" in caught.value.fix


# --- The gateway's container -----------------------------------------------------------------------------------------


def test_envoy_is_started_so_that_it_can_hand_over(tmp_path):
    words = inside_gateway.command("/envoy", Folder(str(tmp_path)), 3)
    assert words[0] == "/envoy"
    assert "--disable-hot-restart" not in words
    pairs = dict(itertools.pairwise(words))
    assert (pairs["--restart-epoch"], pairs["--socket-mode"]) == ("3", "600")
    assert pairs["--socket-path"].startswith(str(tmp_path))
    longest = len(f"{'x' * 90}/h_udp_parent_0".encode())
    assert longest <= 107, "the sockets of a folder with the longest path still have addresses"


def test_the_number_of_connections_has_a_limit_that_fits_its_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = inside_gateway.connections_possible()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert 0 < most <= 20_000
    config = inside_gateway.limited(bootstrap("/gateway"), most)
    (monitor,) = config["overload_manager"]["resource_monitors"]
    assert monitor["typed_config"]["max_active_downstream_connections"] == str(most)
    assert config["admin"] == bootstrap("/gateway")["admin"]


def test_the_exit_code_of_envoy_is_told_as_a_shell_does():
    said = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["7", "137", "None"]


def test_a_gateway_whose_folder_is_not_there_says_so(capfd):
    assert inside_gateway.main(["/nowhere/gateway", "/nowhere/certificates"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error[E173] the gateway cannot begin")
    assert "Traceback" not in said


def test_a_container_is_described_by_what_makes_it_another_one():
    made = gateway_container.container("sha256:1", "/state/gateway", "/state/certificates")
    assert made["command"][1:] == ["-m", "sandbox.hosts.inside_gateway", "/state/gateway", "/state/certificates"]
    assert made == gateway_container.container("sha256:1", "/state/gateway", "/state/certificates")
    assert made != gateway_container.container("sha256:2", "/state/gateway", "/state/certificates")
    assert json.dumps(made)


# --- New certificates ------------------------------------------------------------------------------------------------


@pytest.fixture
def renewing(tmp_path):
    folder, certificates = Folder(str(tmp_path / "gateway")), tmp_path / "certificates"
    folder.make()
    certificates.mkdir()
    ours = authority()

    def put(chain, key):
        for name, content in (("tls.crt", chain), ("tls.key", key)):
            (certificates / f"{name}.new").write_bytes(content)
            (certificates / f"{name}.new").replace(certificates / name)

    first = ours.issue(["a.example.com"])
    put(*first)
    folder.publish("sds.json", [public.certificate(Public(first[0].decode(), first[1].decode()))])
    return folder, renewal.Renewal(folder, str(certificates)), put, ours


def served(folder):
    return folder.published("sds.json").resources[0]["tls_certificate"]["certificate_chain"]["inline_string"].encode()


def test_what_appears_in_the_folder_is_published_once(renewing):
    folder, watch, put, ours = renewing
    version = folder.published("sds.json").version
    assert watch.look()
    assert folder.published("sds.json").version == version, "nothing is new"
    assert not watch.look()
    second = ours.issue(["a.example.com"])
    put(*second)
    assert watch.look()
    assert served(folder) == second[0]
    assert folder.published("sds.json").version != version
    assert not watch.look()


def test_a_certificate_waits_for_the_lock_and_the_gateway_does_not(renewing):
    folder, watch, put, ours = renewing
    assert watch.look()
    second = ours.issue(["a.example.com"])
    put(*second)
    with Folder(folder.path).alone():
        assert not watch.look()
        assert served(folder) != second[0]
    assert watch.look()
    assert served(folder) == second[0]


def test_what_is_no_text_ends_no_gateway(renewing, capfd):
    folder, watch, put, ours = renewing
    before = served(folder)
    chain, key = ours.issue(["a.example.com"])
    for odd in ("# Müller\n".encode("latin-1") + chain, chain.replace(b"MII", b"MIA", 1), b"\x30\x82\x01"):
        put(odd, key)
        assert watch.look()
        assert served(folder) == before
    assert capfd.readouterr().err.count("stays as it is") == 3


def test_what_cannot_be_used_is_said_once_and_the_old_one_stays(renewing, capfd):
    folder, watch, put, ours = renewing
    before = served(folder)
    put(ours.issue(["a.example.com"])[0], ours.issue(["a.example.com"])[1])
    assert watch.look()
    assert not watch.look()
    assert served(folder) == before
    assert capfd.readouterr().err.count("belong together") == 1
