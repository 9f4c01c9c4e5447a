"""Commands for a host: what may be said there, which words and which input travel; what a look at a host means."""

import datetime as dt

import pytest

from sandbox.cli import catalog, there
from sandbox.cli.front import split
from sandbox.cli.main import main
from sandbox.cli.parser import parser, program
from sandbox.cli.session import Session
from sandbox.home import Home
from sandbox.hosts import checks, known, production, site
from sandbox.hosts.known import Host
from sandbox.hosts.production import Production
from sandbox.model.errors import SandboxError, UsageError

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"}
AMD = ("linux", "amd64")


def session(*words):
    line = split(words, catalog.ALONE)
    group = catalog.group(line.group)
    verb = group.verb("" if line.group in catalog.ALONE else line.verb)
    return Session(group.name, verb, parser(program(group, verb), verb).parse_args(list(line.rest)))


# --- The flag --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "host", "rest"),
    [
        (["--host", "prod", "status"], "prod", ["status"]),
        (["--host=prod", "status", "-o", "json"], "prod", ["status", "-o", "json"]),
        (["--debug", "--host", "prod", "status"], "prod", ["--debug", "status"]),
        (["-o", "json", "--host", "prod", "status"], "prod", ["-o", "json", "status"]),
        (["serve", "score.py", "--host", "0.0.0.0"], None, ["serve", "score.py", "--host", "0.0.0.0"]),
        (["status"], None, ["status"]),
    ],
)
def test_the_flag_is_taken_from_before_the_command_alone(words, host, rest):
    assert there.taken(words) == (host, rest)


def test_the_flag_without_a_name_is_a_wrong_command_line(capsys):
    assert main(["--host"]) == 2
    assert "needs the name of a host" in capsys.readouterr().err


def test_a_host_that_nobody_knows_is_not_found(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    assert main(["--host", "prod", "status"]) == 3
    assert "no host 'prod'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["online-endpoint", "create", "-n", "shop"], "sandbox promote"),
        (["online-deployment", "create", "-f", "x.yml"], "sandbox promote"),
        (["up", "."], "sandbox promote"),
        (["seal", "-n", "blue", "-e", "shop"], "sandbox promote"),
        (["promote", "shop", "--to", "prod"], "--to"),
        (["validate", "x.yml"], "files and folders"),
        (["host", "list"], "known here"),
        (["agent", "start"], "Docker starts again"),
        (["doctor"], "sandbox host doctor"),
        (["model", "list"], "in its images"),
    ],
)
def test_what_means_nothing_on_a_host_is_refused_with_the_reason(words, why, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    known.add(Home(str(tmp_path)), Host("prod", "unix:///nobody/there.sock"))
    assert main(["--host", "prod", *words]) == 2
    said = capsys.readouterr().err
    assert "E164" in said
    assert why in said


@pytest.mark.parametrize("words", [["online-endpoint", "show"], ["status", "--nonsense"]])
def test_a_wrong_command_line_is_told_before_anybody_is_asked(words, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    known.add(Home(str(tmp_path)), Host("prod", "unix:///nobody/there.sock"))
    with pytest.raises(SystemExit) as ended:
        main(["--host", "prod", *words])
    assert ended.value.code == 2
    assert "usage: sandbox" in capsys.readouterr().err


def test_a_host_whose_engine_does_not_run_is_told(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    known.add(Home(str(tmp_path)), Host("prod", f"unix://{tmp_path}/none.sock"))
    assert main(["--host", "prod", "status"]) == 1
    said = capsys.readouterr().err
    assert "error[E155] prod: no Docker engine was found" in said
    assert f"docker -H unix://{tmp_path}/none.sock version" in said


# --- What travels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["--request-file {}", "--request-file={}", "-r {}", "-r{}", "--request {}", "--req={}"]
)
def test_the_file_of_a_flag_travels_as_standard_input(form, tmp_path):
    path = tmp_path / "request.json"
    path.write_bytes(b'{"data": 1}')
    words = ["online-endpoint", "invoke", "-n", "shop", *form.format(path).split(" ")]
    data, sent = there._input(session(*words), "prod", words)
    assert data == b'{"data": 1}'
    assert str(path) not in " ".join(sent)
    made = session(*sent)
    assert (made.arguments.name, made.arguments.request_file) == ("shop", "/dev/stdin")


def test_a_command_without_files_travels_as_it_is():
    words = ["online-endpoint", "update", "-n", "shop", "--traffic", "blue=90 green=10"]
    assert there._input(session(*words), "prod", words) == (None, words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["online-deployment", "update", "-f", "x.yml"], "names files of this machine"),
        (["online-endpoint", "delete", "-n", "shop", "--no-wait"], "nothing of ours goes on there"),
        (["tui", "--web"], "nobody sees its browser"),
    ],
)
def test_flags_that_mean_nothing_on_a_host_are_refused(words, why):
    with pytest.raises(UsageError) as caught:
        there._input(session(*words), "prod", words)
    assert (caught.value.code, caught.value.exit_code) == ("E164", 2)
    assert why in caught.value.why


def test_a_file_that_is_not_there_is_told():
    words = ["online-endpoint", "invoke", "-n", "shop", "-r", "/nobody/there.json"]
    with pytest.raises(SandboxError) as caught:
        there._input(session(*words), "prod", words)
    assert caught.value.code == "E016"


# --- A look at a host ------------------------------------------------------------------------------------------------


def looked(info=None, version=None, theirs=AMD, at=NOW):
    told = {"SystemTime": "2026-01-01T12:00:00.123456789Z", "Runtimes": {"runc": {}}, **(info or {})}
    return {each.name: each for each in checks.judge(told, {**VERSION, **(version or {})}, AMD, theirs, (at, at))}


def test_a_host_that_is_fit_is_told_so():
    found = looked({"LiveRestoreEnabled": True})
    assert {each.verdict for each in found.values()} == {"good"}
    assert not checks.broken(list(found.values()))


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "good"), (4, "good"), (30, "missing"), (-30, "missing"), (600, "broken"), (-600, "broken")],
)
def test_a_clock_that_is_wrong_is_noticed(seconds, verdict):
    assert looked(at=NOW + dt.timedelta(seconds=seconds))["Clock"].verdict == verdict


def test_a_clock_in_another_zone_is_right():
    assert looked({"SystemTime": "2026-01-01T14:00:00.1+02:00"})["Clock"].verdict == "good"


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"version": {"ApiVersion": "1.40"}}, "Engine"),
        ({"theirs": ("linux", "arm64")}, "Architecture"),
        ({"info": {"SecurityOptions": ["name=seccomp", "name=rootless"]}}, "Rootless"),
    ],
)
def test_what_cannot_be_a_host_is_broken(more, name):
    found = looked(**more)
    assert [each.name for each in checks.broken(list(found.values()))] == [name]
    assert found[name].fix


def test_newer_engines_are_new_enough():
    assert looked(version={"ApiVersion": "1.100"})["Engine"].verdict == "good"


def test_gpus_are_seen():
    assert "offered to containers" in looked({"Runtimes": {"nvidia": {}}})["GPU"].detail


# --- On the host -----------------------------------------------------------------------------------------------------


def test_ports_that_somebody_has_are_found():
    import socket

    with socket.socket() as taken, socket.socket(socket.AF_INET6) as other:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other.bind(("::1", 0))
        other.listen()
        ports = (taken.getsockname()[1], other.getsockname()[1])
        assert set(ports) <= set(site.listening())
        wanted = Production("prod", *ports)
        [found] = site._ports(wanted, serving=False)
        assert found.verdict == "broken"
        assert str(ports[0]) in found.detail
        [ours] = site._ports(wanted, serving=True)
        assert ours.verdict == "good"
    assert not set(ports) & set(site.listening())


def test_settings_that_are_not_said_stay_as_they_are():
    before = Production("prod", 8080, 8443, "127.0.0.1", image="sha256:1")
    now = site.merged(before, {"https_port": 9443, "bind": None, "host": "prod"}, "sha256:2")
    assert now == Production("prod", 8080, 9443, "127.0.0.1", image="sha256:2")
    assert site.merged(None, {"host": "prod"}, "") == Production("prod")
    with pytest.raises(SandboxError) as caught:
        site.merged(before, {"https_port": 8080}, "")
    assert caught.value.code == "E170"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--https-port", "99999"], "--https-port 99999 cannot be"),
        (["--http-port", "65536"], "--http-port 65536 cannot be"),
        (["--bind", "nonsense"], "--bind nonsense cannot be"),
        (["--acme", "nobody"], "fix: --acme 127.0.0.1:8402"),
    ],
)
def test_a_flag_that_cannot_be_is_told_by_its_name_before_the_host_is_asked(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    assert main(["host", "add", "prod", "unix:///nobody/there.sock", *words]) == 2
    told = capsys.readouterr().err
    assert "E170" in told
    assert said in told
    assert "production.json" not in told


def test_flags_that_can_be_are_sent_to_the_host(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    words = ["--https-port", "80", "--http-port", "65535", "--bind", "::1"]
    assert main(["host", "add", "prod", "unix:///nobody/there.sock", *words]) == 1
    assert "E155" in capsys.readouterr().err


def test_a_bad_certificate_is_told_before_the_host_is_asked(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    known.add(Home(str(tmp_path)), Host("prod", "unix:///nobody/there.sock"))
    (tmp_path / "bad.pem").write_text("nonsense")
    pair = ["--cert", str(tmp_path / "bad.pem"), "--key", str(tmp_path / "bad.pem")]
    for words in (["certificate", "prod"], ["add", "prod"]):
        assert main(["host", *words, *pair]) == 1
        assert "E172" in capsys.readouterr().err


def test_the_gateway_is_made_of_the_image_of_the_commands(tmp_path):
    home = Home(str(tmp_path)).make()
    site.adopt(home, "sha256:2")
    assert production.read(home) is None  # nobody has made it one of production
    production.write(home, Production("prod", image="sha256:1"))
    site.adopt(home, "sha256:2")
    assert production.read(home) == Production("prod", image="sha256:2")
