"""Commands on a host, as a user says them: by ssh, with exit codes, input, signals and terminals as they are here."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from sandbox.hosts import known, pair, reach, run
from sandbox.hosts.known import Host
from sandbox.image import ship
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet
from tests.support import small_images
from tests.support.second_engine import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]  # the first one builds the image of the program

ROOT = Path(__file__).parents[2]


def command(home, *words):
    return [sys.executable, "-m", "sandbox.cli.main", *words], {**os.environ, "SANDBOX_HOME": str(home.root)}


def say(home, *words, code=0, **more):
    """Run a command of ours; return what it prints on standard output."""
    line, environment = command(home, *words)
    done = subprocess.run(
        line, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110, **more
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def commands_of(second):
    """Containers of commands that are there."""
    with contextlib.closing(second.client()) as client:
        return client.containers(all=True, filters={"label": run.COMMAND})


# --- What comes back -------------------------------------------------------------------------------------------------


def test_the_same_command_answers_for_the_host(prod, second):
    home, _ = prod
    found = json.loads(say(home, "--host", "prod", "status", "-o", "json").stdout)
    assert found["home"] == second.state
    assert found["endpoints"] == []
    until(lambda: not commands_of(second), "the container of the command is gone")


def test_errors_and_exit_codes_are_those_of_the_command(prod):
    home, _ = prod
    done = say(home, "--host", "prod", "online-endpoint", "show", "-n", "nobody", code=3)
    assert "E050" in done.stderr
    assert done.stdout == ""
    assert "cancelled" in say(home, "--host", "prod", "image", "prune", code=1).stderr


def test_a_file_of_this_machine_is_what_the_command_reads_there(prod, tmp_path):
    home, _ = prod
    path = tmp_path / "connection.yml"
    path.write_text(
        "name: feast\ntype: custom\ntarget: https://feast.example\ncredentials:\n  type: api_key\n  key: s3cr3t\n"
    )
    say(home, "--host", "prod", "connection", "create", "-f", str(path))
    shown = json.loads(say(home, "--host", "prod", "connection", "show", "-n", "feast").stdout)
    assert shown["target"] == "https://feast.example"
    assert "s3cr3t" not in json.dumps(shown)
    say(home, "--host", "prod", "connection", "delete", "-n", "feast", "--yes")
    assert json.loads(say(home, "--host", "prod", "connection", "list").stdout or "[]") == []


def test_lines_come_one_by_one_and_the_two_streams_apart(prod):
    _, host = prod
    lines, errors = [], []
    code = run.run(host, ["online-endpoint", "show", "-n", "x"], on_line=lines.append, on_error=errors.append)
    assert code == 3
    assert lines == []
    assert errors[0].startswith("ERROR: (E050)")


# --- Whoever said it is gone -----------------------------------------------------------------------------------------


def test_a_command_ends_when_the_one_who_said_it_is_killed(prod, second):
    home, _ = prod
    line, environment = command(home, "--host", "prod", "tui", "--read-only")
    reader, writer = pty.openpty()
    with subprocess.Popen(
        line, env=environment, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, start_new_session=True
    ) as process:
        os.close(writer)
        seen = _read_until(reader, b"\x1b[?1049h")  # the terminal UI draws
        assert b"on prod" in seen
        assert len(commands_of(second)) == 1
        process.kill()
    os.close(reader)
    until(lambda: not commands_of(second), "the command on the host has ended")


def test_a_command_in_a_terminal_hears_its_keys(prod, second):
    home, _ = prod
    line, environment = command(home, "--host", "prod", "image", "prune")
    reader, writer = pty.openpty()
    with subprocess.Popen(
        line, env=environment, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, start_new_session=True
    ) as process:
        os.close(writer)
        _read_until(reader, b"(y/n)")
        os.write(reader, b"n\n")
        said = _read_until(reader, b"cancelled")
        assert process.wait(60) == 1
    os.close(reader)
    assert b"Operation cancelled" in said


def test_ctrl_c_reaches_the_command_and_its_code_comes_back(prod, second):
    home, _ = prod
    line, environment = command(home, "--host", "prod", "image", "prune")
    reader, writer = pty.openpty()
    with subprocess.Popen(
        line, env=environment, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, start_new_session=True
    ) as process:
        os.close(writer)
        _read_until(reader, b"(y/n)")
        os.write(reader, b"\x03")
        assert process.wait(60) == 130
    os.close(reader)
    until(lambda: not commands_of(second), "the command on the host has ended")


def _read_until(reader, sign):
    seen = b""
    while sign not in seen:
        try:
            data = os.read(reader, 65536)
        except OSError as error:  # it has ended
            raise AssertionError(seen) from error
        assert data, seen
        seen += data
    return seen


# --- Making a host known ---------------------------------------------------------------------------------------------


def test_a_host_is_looked_at_and_prepared(prod, second, tmp_path):
    home, host = prod
    chain, key = pair.make(["prod.example", second.ip])
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    ports = ["--http-port", "8080", "--https-port", "8443"]
    done = json.loads(say(home, "host", "add", "prod", *ports, "-o", "json").stdout)
    assert done["host"]["url"] == host.url  # what was not said stays
    assert (done["production"]["http_port"], done["production"]["https_port"]) == (8080, 8443)
    assert done["production"]["image"].startswith("sha256:")
    assert {each["name"] for each in done["checks"]} >= {"Engine", "Architecture", "Clock", "Ports", "Images"}
    files = ["--cert", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem")]
    assert "prod.example" in say(home, "host", "certificate", "prod", *files).stdout
    shown = say(home, "host", "doctor", "prod").stdout
    assert "prod.example" in shown
    settings = json.loads(Path(second.state, "production.json").read_text())
    assert (settings["host"], settings["http_port"], settings["socket"]) == ("prod", 8080, second.socket)
    secret = key.decode().splitlines()[1]
    assert secret not in json.dumps(commands_of(second))
    assert (os.stat(second.state).st_uid, os.stat(second.state).st_mode & 0o077) == (10001, 0)


def test_a_port_that_is_taken_is_told_and_the_host_stays_as_it_was(prod, second):
    home, _ = prod
    settings = Path(second.state, "production.json")
    before = settings.read_text() if settings.exists() else ""
    listen = (
        "import socket, sys; s = socket.create_server(('0.0.0.0', 8099)); print('ready', flush=True); sys.stdin.read()"
    )
    words = ["nsenter", f"--net=/run/netns/{second.namespace}", "--", sys.executable, "-c", listen]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        done = say(home, "host", "add", "prod", "--https-port", "8099", code=1)
        assert "E165" in done.stderr
        assert "8099 taken by another program" in done.stderr
        other.stdin.close()
    assert (settings.read_text() if settings.exists() else "") == before


def test_a_host_is_forgotten_and_keeps_what_it_has(prod, second):
    home, host = prod
    known.add(home, Host("other", host.url, host.folder, host.socket, ssh_config=host.ssh_config))
    assert "other" in say(home, "host", "list").stdout
    say(home, "host", "remove", "other")
    assert "other" not in say(home, "host", "list").stdout
    assert os.path.isdir(second.state)


# --- Ways that do not lead there -------------------------------------------------------------------------------------


def refusal(host):
    with pytest.raises(SandboxError) as caught:
        reach.engine(host)
    return caught.value


def other(host, **fields):
    import dataclasses

    return dataclasses.replace(host, **fields)


def config(second, tmp_path, **changes):
    text = Path(second.ssh_config).read_text()
    for key, value in changes.items():
        text = "".join(f"  {key} {value}\n" if key in line else f"{line}\n" for line in text.splitlines())
    path = tmp_path / "config"
    path.write_text(text)
    return str(path)


def test_a_host_whose_key_nobody_knows_is_not_talked_to(prod, second, tmp_path):
    _, host = prod
    found = refusal(other(host, ssh_config=config(second, tmp_path, UserKnownHostsFile="/dev/null")))
    assert found.code == "E153"
    assert "does not know the key" in found.what


def test_a_host_whose_key_has_changed_is_not_talked_to(prod, second, tmp_path):
    _, host = prod
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "new")], check=True)
    kind, key = (tmp_path / "new.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[{second.ip}]:2222 {kind} {key}\n")
    found = refusal(other(host, ssh_config=config(second, tmp_path, UserKnownHostsFile=tmp_path / "known")))
    assert found.code == "E153"
    assert "another one than before" in found.what
    assert "ssh-keygen -R" in found.fix


def test_a_login_that_is_refused_is_told_and_nobody_is_asked(prod, second, tmp_path):
    _, host = prod
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "new")], check=True)
    found = refusal(other(host, ssh_config=config(second, tmp_path, IdentityFile=tmp_path / "new")))
    assert found.code == "E154"
    assert "ssh-copy-id" in found.fix


def test_a_host_without_an_engine_is_told(prod):
    _, host = prod
    found = refusal(other(host, socket="/nobody/here.sock"))
    assert (found.code, "/nobody/here.sock is not there" in found.why) == ("E155", True)


def test_a_host_that_is_down_is_told(prod, second):
    _, host = prod
    found = refusal(other(host, url=f"ssh://root@{second.ip}:2223"))
    assert found.code == "E152"
    assert "Connection refused" in found.why


def test_an_alias_of_ssh_brings_its_port_and_its_user(prod, second, tmp_path):
    _, host = prod
    path = tmp_path / "config"
    alias = f"Host far\n  HostName {second.ip}\n  Port 2222\n  User root\n"
    path.write_text(alias + Path(second.ssh_config).read_text())
    far = other(host, url="ssh://far", ssh_config=str(path))
    with contextlib.closing(reach.engine(far)) as client:
        assert client.ping()
    reach.leave(far)


def test_a_context_of_docker_is_a_host(second, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    subprocess.run(
        ["docker", "context", "create", "prod", "--docker", f"host={second.url}"], check=True, capture_output=True
    )
    with contextlib.closing(reach.engine(Host("prod", "prod"))) as client:
        assert client.info()["DockerRootDir"] == str(second.folder / "data")
    assert refusal(Host("prod", "nobody")).code == "E111"


def test_no_connection_outlives_its_process(prod, second):
    home, _ = prod
    line, environment = command(home, "--host", "prod", "status")
    with subprocess.Popen(line, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        until(lambda: _ssh_of(process.pid), "ssh runs")
        process.send_signal(signal.SIGKILL)
    until(lambda: not _ssh_of(process.pid), "ssh has ended")


def _ssh_of(pid):
    """Command lines of ssh that a process has started."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
            found += [line] if line.startswith("ssh\0") and f"endpoint-sandbox-ssh-{pid}-" in line else []
    return found


# --- What is left of shipping ----------------------------------------------------------------------------------------


def test_prune_removes_what_was_shipped_and_nobody_needs(prod, second, engine):
    home, _ = prod
    say(home, "host", "add", "prod", "--https-port", "8443", "--http-port", "8080")
    tag = f"endpoint-sandbox-test/small-prune{os.getpid()}:1"
    old = small_images.load(engine, [small_images.layer("a", b"1" * 100)], tag, kind="sealed")
    with contextlib.closing(second.client()) as client:
        ship.ship(engine, client, old, quiet)
        bystander = small_images.load(client, [small_images.layer("b", b"2" * 100)], f"{tag}-theirs", kind="sealed")
        done = say(home, "--host", "prod", "prune", "--yes")
        images = client.images(quiet=True)
        assert old not in images
        assert bystander in images  # it was not shipped
        assert json.loads(Path(second.state, "production.json").read_text())["image"] in images
        small_images.clear(client)
    small_images.clear(engine)
    assert "sealed" in done.stdout


def test_a_connection_that_breaks_gives_the_terminal_back(prod, second):
    home, _ = prod
    line, environment = command(home, "--host", "prod", "tui", "--read-only")
    reader, writer = pty.openpty()
    before = termios.tcgetattr(writer)
    with subprocess.Popen(
        line, env=environment, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, start_new_session=True
    ) as process:
        _read_until(reader, b"\x1b[?1049h")
        second.cut_ssh()
        said = _read_until(reader, b"E156")
        assert process.wait(60) == 1
        assert b"the connection to prod broke" in said + _rest(reader, b"broke", said)
    assert termios.tcgetattr(writer) == before
    os.close(writer)
    os.close(reader)
    until(lambda: not commands_of(second), "the command on the host has ended")


def _rest(reader, sign, seen):
    return b"" if sign in seen else _read_until(reader, sign)
