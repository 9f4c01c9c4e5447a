"""The gateway of a host, as a container on a second engine: what it may do, what is exposed, what loses no request."""

import contextlib
import json
import os
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.hosts import known, pair, run
from sandbox.model.errors import SandboxError
from sandbox.ops.hosts import Pair
from tests.support.production_host import NAME, production
from tests.support.second_engine import until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SLOW_S = 4


@pytest.fixture(scope="module")
def site(second, tmp_path_factory):
    """A host that serves one endpoint; ``slow`` is answered after a few seconds."""
    folder = second.folder / "gateway-of-a-host"
    with production(tmp_path_factory.mktemp("site"), second, str(folder)) as made:
        made.deploy(
            "1",
            each=f"if data == 'slow': __import__('time').sleep({SLOW_S})\n    data = 'who' if data == 'slow' else data",
        )
        made.promote()
        yield made


@pytest.fixture(scope="module")
def key(site):
    return site.key()


@contextlib.contextmanager
def client_of(site):
    with contextlib.closing(site.engine.client()) as client:
        yield client


def gateways(site, **more):
    with client_of(site) as client:
        found = client.containers(filters={"label": "endpoint-sandbox.gateway"}, **more)
        return sorted(found, key=lambda each: each["Labels"]["endpoint-sandbox.gateway-made"])


def inside(site, *words, user="10001"):
    """Run words in the container of the gateway; return exit code and output."""
    with client_of(site) as client:
        made = client.exec_create(gateways(site)[-1]["Id"], list(words), user=user)["Id"]
        said = client.exec_start(made).decode()
        return client.exec_inspect(made)["ExitCode"], said


def fine(result):
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, []), result
    assert result["requests"] > 0


def serial(site):
    """Which certificate the host shows to a client."""
    context = ssl.create_default_context(cadata=site.trusted.chain.decode())
    with (
        socket.create_connection((site.engine.ip, 443), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as wrapped,
    ):
        return wrapped.getpeercert()["serialNumber"].lower().lstrip("0")


def issued(site, **more):
    chain, secret = site.trusted.issue([NAME], **more)
    return Pair(chain.decode(), secret.decode()), pair.check(chain, secret, expired=True).serial


# --- What it may do --------------------------------------------------------------------------------------------------


def test_its_processes_are_a_user_who_may_listen_on_low_ports_and_nothing_else(site):
    code, said = inside(
        site, "sh", "-c", "cat /proc/1/status; for p in $(cat /proc/1/task/1/children); do cat /proc/$p/status; done"
    )
    assert code == 0, said
    rows = [line.split() for line in said.splitlines()]
    found = {name: [row[1:] for row in rows if row[:1] == [f"{name}:"]] for name in ("Name", "Uid", "Gid", "Groups")}
    assert len(found["Name"]) == 2
    assert found["Uid"] == found["Gid"] == [["10001"] * 4] * 2
    assert found["Groups"] == [[], []]
    rights = {row[0]: row[1] for row in rows if row and row[0].startswith("Cap")}
    assert rights == dict.fromkeys(("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"), "0000000000000400")
    assert [row[1] for row in rows if row[:1] == ["NoNewPrivs:"]] == ["1", "1"]
    assert [row[1] for row in rows if row[:1] == ["Seccomp:"]] == ["2", "2"]


def test_its_root_is_read_only_and_it_sees_its_own_part_of_the_state_alone(site):
    code, said = inside(site, "touch", "/x", user="0")
    assert code != 0
    assert "Read-only" in said
    with client_of(site) as client:
        found = client.inspect_container(gateways(site)[-1]["Id"])
    host = found["HostConfig"]
    mounts = {each["Destination"]: (each["Source"], each["RW"]) for each in found["Mounts"]}
    assert mounts == {
        f"{site.state}/gateway": (f"{site.state}/gateway", True),
        f"{site.state}/certificates": (f"{site.state}/certificates", False),
        "/dev/shm": (f"{site.state}/gateway/shm", True),
    }
    assert (host["ReadonlyRootfs"], host["Privileged"], host["RestartPolicy"]["Name"]) == (
        True,
        False,
        "unless-stopped",
    )
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert host["PidsLimit"] > 0
    code, said = inside(site, "ls", site.state, f"{site.state}/gateway")
    assert sorted(said.split(":")[1].split()[:2]) == ["certificates", "gateway"], said
    shown = json.dumps(found)
    secret = Path(site.state, "certificates", "tls.key").read_text().splitlines()[2]
    assert secret not in shown


def test_from_outside_there_are_two_ports_and_no_admin(site, key):
    said = site.engine.execute("cat", "/proc/net/tcp").stdout + site.engine.execute("cat", "/proc/net/tcp6").stdout
    rows = [line.split() for line in said.splitlines()]
    listening = [row[1].split(":") for row in rows if len(row) > 3 and row[3] == "0A"]
    public = {
        int(port, 16)
        for address, port in listening
        if address != "0100007F" and not address.startswith("0" * 24 + "01")
    }
    assert public - {2222} == {80, 443}, "and ssh, which the tests come in by"
    port = json.loads(site.there("status", "-o", "json"))["endpoints"][0]["port"]
    assert int(port) in {int(each, 16) for _, each in listening}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((site.engine.ip, int(port)), timeout=20)
    folder = os.stat(f"{site.state}/gateway")
    admin = os.stat(f"{site.state}/gateway/admin.sock")
    assert (folder.st_uid, stat.S_IMODE(folder.st_mode)) == (10001, 0o700)
    assert (admin.st_uid, stat.S_IMODE(admin.st_mode)) == (10001, 0o600)
    for path in ("/stats", "/config_dump", "/quitquitquit"):
        assert site.ask(key, path=path)[0] == 404


def test_old_protocols_are_refused_by_two_kinds_of_clients_and_plain_http_is_sent_to_tls(site):
    address = f"{site.engine.ip}:443"
    for version, works in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        words = ["openssl", "s_client", "-connect", address, version, "-cipher", "ALL:@SECLEVEL=0", "-alpn", "h2"]
        done = subprocess.run(words, input="", capture_output=True, text=True, check=False, timeout=60)
        assert ("ALPN protocol: h2" in done.stdout) == works, (version, done.stdout[-500:], done.stderr[-500:])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((site.engine.ip, 443), timeout=20) as plain, context.wrap_socket(plain) as wrapped:
        assert wrapped.version() == "TLSv1.2"
    with socket.create_connection((site.engine.ip, 80), timeout=20) as plain:
        plain.sendall(f"POST /shop/score HTTP/1.1\r\nhost: {NAME}\r\ncontent-length: 0\r\n\r\n".encode())
        head = plain.recv(4096).decode()
    assert head.startswith("HTTP/1.1 308")
    assert f"location: https://{NAME}/shop/score\r\n" in head


# --- What changes ----------------------------------------------------------------------------------------------------


def test_a_new_certificate_is_shown_at_once_and_a_bad_one_never(site, key):
    good, wanted = issued(site)
    other, _ = issued(site)
    ended, _ = issued(site, days=-1, began_days_ago=5)
    with site.load(key, each=5) as result:
        site.box.api.hosts.certify("prod", good)
        assert serial(site) == wanted, "when the command ends"
        for bad, said in ((Pair(good.chain, other.key), "belong together"), (ended, "has ended")):
            with pytest.raises(SandboxError, match=said) as raised:
                site.box.api.hosts.certify("prod", bad)
            assert raised.value.code == "E172"
        assert serial(site) == wanted
    fine(result)
    assert wanted in [each.lower().lstrip("0") for each in result["serials"]]


def by_hand(site, found):
    """Files as a program on the host writes them that renews certificates and knows nothing of us."""
    for name, text in (("tls.crt", found.chain), ("tls.key", found.key)):
        draft = Path(site.state, "certificates", f"{name}.new")
        draft.write_text(text)
        os.chown(draft, 10001, 10001)
        draft.replace(Path(site.state, "certificates", name))


def test_files_that_appear_on_the_host_are_taken_without_a_command_if_they_can_be_used(site, key):
    good, wanted = issued(site)
    other, _ = issued(site)
    with site.load(key, each=5) as result:
        by_hand(site, good)
        until(lambda: serial(site) == wanted, "the new certificate is shown")
        by_hand(site, Pair(good.chain, other.key))
        until(lambda: b"belong together" in logs(site), "the bad one is complained about")
        assert serial(site) == wanted
        last, wanted = issued(site)
        site.box.api.hosts.certify("prod", last)
        assert serial(site) == wanted
    fine(result)


def logs(site):
    with client_of(site) as client:
        return client.logs(gateways(site)[-1]["Id"])


def other_image(site, *lines):
    """The program as another image, as a new version is one, with changes; and the id of its own."""
    own = gateways(site)[-1]["ImageID"]
    done = subprocess.run(
        ["docker", "-H", site.engine.url, "build", "-q", "-"],
        input="\n".join([f"FROM {own}", f"LABEL test={time.time()}", *lines]),
        capture_output=True, text=True, check=True, env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    return done.stdout.strip(), own


def upgrade(site, image):
    """What `sandbox host add` of another version does: it is sent to a container of its image."""
    host = known.find(site.box.api.home, "prod")
    lines = []
    said = {"host": host.name, "socket": host.socket, "production": {}, "force": True}
    code = run.run(host, ["host-prepare"], stdin=json.dumps(said).encode(), image=image, on_line=lines.append)
    return code, "\n".join(lines)


def test_a_new_image_takes_the_place_of_the_gateway_and_no_connection_is_refused(site, key):
    before = gateways(site)[-1]
    other, own = other_image(site)
    slow = subprocess.Popen(  # under way while the gateway is replaced, longer than that takes
        [
            "curl", "-s", "--cacert", str(site.folder / "ca.pem"), "--resolve", f"{NAME}:443:{site.engine.ip}",
            "-H", f"authorization: Bearer {key}", "-d", '{"data": "slow"}', f"https://{NAME}/shop/score",
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with site.load(key, each=3, connections=3) as result:
        assert upgrade(site, other)[0] == 0
        now = gateways(site)[-1]
        assert (now["ImageID"], now["Id"] != before["Id"]) == (other, True)
        assert site.version(key) == "1"
        assert upgrade(site, own)[0] == 0  # while the first still ends what it began
        assert gateways(site)[-1]["ImageID"] == own
    assert slow.communicate(timeout=60)[0]
    fine(result)
    with client_of(site) as client:
        kept = {
            each["Id"]: client.inspect_container(each["Id"])["HostConfig"]["RestartPolicy"]["Name"]
            for each in gateways(site)
        }
    assert [name for name in kept.values() if name == "unless-stopped"] == ["unless-stopped"], "the others end"
    assert kept[gateways(site)[-1]["Id"]] == "unless-stopped"


def test_an_image_that_does_not_work_leaves_the_gateway_as_it_is(site, key):
    broken, own = other_image(site, "RUN rm -r /opt/sandbox/env/lib/python3*/site-packages/envoy")
    with site.load(key) as result:
        code, said = upgrade(site, broken)
        assert code == 1, said
        assert "Envoy is missing" in json.loads(said)["error"]["why"]
        assert gateways(site)[-1]["ImageID"] == own
        assert upgrade(site, own)[0] == 0
    fine(result)
    assert site.version(key) == "1"


def test_an_envoy_that_cannot_take_over_is_started_when_the_other_has_ended(site, key):
    place = "/opt/sandbox/program/sandbox/hosts"
    other, own = other_image(
        site,
        f"RUN sed -i 's/return (said.stdout or said.stderr).strip()/return \"another way\"/' {place}/inside_gateway.py"
        f" && rm {place}/__pycache__/inside_gateway.*",
    )
    assert upgrade(site, other)[0] == 0
    assert [each["ImageID"] for each in gateways(site)] == [other], "the others were ended for it"
    assert site.version(key) == "1"
    with site.load(key) as result:
        assert upgrade(site, own)[0] == 0
    fine(result)


def test_its_logs_stay_small_while_nobody_says_a_command(site, key):
    folder = Path(site.state, "gateway")
    with site.load(key) as result:
        with (folder / "access.log").open("ab") as log:
            log.truncate(17 * 2**20)
        until((folder / "access.log.1").exists, "the large one is set aside")
        until(lambda: (folder / "access.log").stat().st_size > 0, "requests go into the new one")
    fine(result)
    assert stat.S_IMODE((folder / "access.log").stat().st_mode) == 0o600
    assert (folder / "access.log").stat().st_size < 2**20
    (folder / "access.log.1").unlink()


# --- What comes back -------------------------------------------------------------------------------------------------


def answers(site, key):
    try:
        return site.ask(key)[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("kill", [False, True], ids=["restart", "power cut"])
def test_after_an_engine_restart_or_a_power_cut_requests_pass_again_without_a_command(site, key, kill):
    site.engine.restart(kill=kill)
    site.engine.start_sshd()  # it is in the network whose processes end
    until(lambda: answers(site, key), "requests pass again")
    assert site.version(key) == "1"
    assert json.loads(site.there("status", "-o", "json"))["gateway"] is not None


def test_a_gateway_that_is_killed_is_started_again_by_the_engine(site, key):
    with client_of(site) as client:
        found = client.inspect_container(gateways(site)[-1]["Id"])
        os.kill(found["State"]["Pid"], 9)
        until(lambda: client.inspect_container(found["Id"])["RestartCount"] == found["RestartCount"] + 1, "it is back")
    until(lambda: answers(site, key), "requests pass again")
    site.there("online-endpoint", "update", "-n", "shop", "--set", "tags.killed=yes")
    assert gateways(site)[-1]["Id"] == found["Id"]
