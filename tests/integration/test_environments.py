"""Environments that are really built, by venv and pip and by uv, from wheels made here."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox import files
from sandbox.environment import installers, server, shelf, surroundings
from sandbox.environment.installers import Site, WithPip, WithUv
from sandbox.environment.interpreter import prepare
from sandbox.environment.materials import lay_out
from sandbox.home import Home
from sandbox.model.deployment import CodeConfiguration, ManagedDeployment
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet
from tests.support import wheels

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv.exe" if sys.platform == "win32" else "uv")
DEADLINE_S = 60.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder of wheels, the only place where pip and uv may look."""
    folder = tmp_path_factory.mktemp("packages")
    wheels.wheel(folder, "colours", "1.2.3", {"colours.py": "NAMES = ['red']\n"})
    wheels.wheel(folder, "colours", "2.0", {"colours.py": "NAMES = ['red', 'blue']\n"})
    wheels.wheel(folder, "paint", "1.0", {"paint.py": ""}, requires=("colours<2",))
    wheels.repacked(folder, "flask", "3.0.99")
    wheels.source(folder, "compiled", "1.0", wheels.FAIL)
    return folder


@pytest.fixture(autouse=True)
def offline(packages, monkeypatch):
    """Nothing but the wheels of the test; uv only where a test asks for it."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(packages))
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if not os.path.exists(os.path.join(folder, UV.name))]
    monkeypatch.setenv("PATH", os.pathsep.join(without))


@pytest.fixture
def with_uv(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / UV.name).symlink_to(UV)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home")).make()


def conda(*dependencies, pip=()):
    return Environment(image="image", conda={"dependencies": [*dependencies, *([{"pip": list(pip)}] if pip else [])]})


def ask(python, program):
    done = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=False, cwd=os.path.dirname(python)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SEEN = """
import flask, importlib.metadata, inference_http, json, colours, waitress
print(json.dumps([importlib.metadata.version("flask"), flask.__file__, inference_http.__file__, waitress.__file__]))
"""


def judge(home, interpreter):
    """The user's pins win, the server comes from its own folder."""
    version, flask, ours, waitress = ask(interpreter.python, SEEN)
    assert version == "3.0.99"
    assert "site-packages" in flask
    assert os.path.dirname(os.path.dirname(ours)).startswith(os.path.join(home.environments, "server-"))
    assert os.path.dirname(os.path.dirname(waitress)) == os.path.dirname(os.path.dirname(ours))


def test_with_venv_and_pip_the_users_flask_wins_and_the_server_answers(home, tmp_path):
    events = []
    interpreter = prepare(home, conda(pip=["colours==1.2.3", "flask==3.0.99"]), events.append)
    judge(home, interpreter)
    assert (interpreter.python_path, interpreter.warnings) == ((), ())
    assert [event.state for event in events if event.state != "line"] == ["begin", "done"]
    assert any("Successfully installed colours-1.2.3" in event.text for event in events)

    events.clear()
    assert prepare(home, conda(pip=["colours==1.2.3", "flask==3.0.99"]), events.append) == interpreter
    assert [event.state for event in events] == ["note"], "built once"
    (listed,) = shelf.built(home)
    assert (listed.key, listed.packages) == (interpreter.key, ("colours==1.2.3", "flask==3.0.99"))
    assert listed.python_version.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert listed.size > 10_000

    code = tmp_path / "code"
    code.mkdir()
    (code / "score.py").write_text("import colours\ndef init(): pass\ndef run(data): return colours.NAMES\n")
    deployment = ManagedDeployment("blue", "shop", code_configuration=CodeConfiguration(str(code), "score.py"))
    found = lay_out(home, deployment, str(tmp_path / "set"), link_code=False, report=quiet)
    with serving(interpreter, found) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/score", b"{}") as answer:
        assert json.load(answer) == ["red"]

    (seen,) = shelf.find(home, interpreter.key).servers
    os.utime(seen, (1, 1))
    assert shelf.prune(home, [interpreter.key]) == []
    assert os.path.isdir(seen)
    assert [one.key for one in shelf.prune(home, [])] == [interpreter.key]
    assert sorted(os.listdir(home.environments)) == ["locks"], "the server's folder, which nobody sees now, is gone too"


@contextlib.contextmanager
def serving(interpreter, found):
    """Run the server as the process backend does."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keep = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "SYSTEMROOT"}}
    environ = {**keep, "AML_APP_ROOT": found.app_root, "AZUREML_ENTRY_SCRIPT": found.entry_script}
    words = [interpreter.python, "-m", "inference_http", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        words, env=environ, cwd=found.app_root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        until(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, process.stdout.read().decode()
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def until(true):
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_with_uv_the_same_comes_out_and_pips_settings_count(home, with_uv):
    events = []
    interpreter = prepare(home, conda(pip=["colours==1.2.3", "flask==3.0.99"]), events.append)
    judge(home, interpreter)
    assert any("+ colours==1.2.3" in event.text for event in events), "uv did it, from the folder that pip was told"


def test_of_commands_that_want_the_same_one_builds_and_the_others_wait(home, with_uv):
    events, made = [], []

    def build():
        made.append(prepare(home, conda(pip=["colours"]), events.append))

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert [event.state for event in events if event.state in {"begin", "done"}] == ["begin", "done"]
    assert made == [made[0]] * 3


def test_who_waits_long_says_for_what(home, with_uv, monkeypatch):
    key = prepare(home, conda(pip=["colours"]), quiet).key
    monkeypatch.setattr(files, "LOCK_S", 0.1)
    told = threading.Event()
    events = []

    def report(event):
        events.append(event)
        told.set()

    with shelf.lock(home, key):
        waiting = threading.Thread(target=prepare, args=(home, conda(pip=["colours"]), report))
        waiting.start()
        assert told.wait(DEADLINE_S)
    waiting.join(DEADLINE_S)
    assert events[0].text == "another command builds this environment; waiting for it"
    assert events[-1].text.endswith("built before, Python " + shelf.find(home, key).python_version)


def test_the_servers_packages_come_by_pip_also_where_uv_made_the_environment(tmp_path, with_uv):
    site = Site(str(tmp_path), surroundings.of_tools(), lambda _: None, io.StringIO(), "the log")
    python = WithUv(str(UV)).make(site, sys.executable, str(tmp_path / "env"))
    WithPip().install_to(site, python, ["paint"], str(tmp_path / "target"))
    assert {"paint.py", "colours.py"} <= set(os.listdir(tmp_path / "target"))


def test_a_newer_server_is_seen_by_environments_that_were_built_before(home, with_uv, monkeypatch):
    interpreter = prepare(home, conda(pip=["colours"]), quiet)
    before = server.attached(shelf.find(home, interpreter.key).site_packages)
    monkeypatch.setattr(server, "_SCHEME", "another source")
    assert prepare(home, conda(pip=["colours"]), quiet) == interpreter
    record = shelf.find(home, interpreter.key)
    after = server.attached(record.site_packages)
    assert after != before
    assert record.servers == (before, after), "instances of the old one still run from it"
    os.utime(before, (1, 1))
    shelf.prune(home, [interpreter.key])
    assert os.path.isdir(before)


def test_a_package_beside_which_the_server_does_not_load_is_named(home, with_uv, packages):
    wheels.wheel(packages, "werkzeug", "0.1", {"werkzeug/__init__.py": ""})
    with pytest.raises(SandboxError, match="E078") as caught:
        prepare(home, conda(pip=["werkzeug==0.1"]), quiet)
    assert "werkzeug" in caught.value.what
    assert shelf.built(home) == []
    assert leftovers(home) == []


def test_an_environment_whose_python_is_gone_is_built_again(home, with_uv):
    first = prepare(home, conda(pip=["colours"]), quiet)
    os.unlink(first.python)
    assert shelf.built(home) == []
    second = prepare(home, conda(pip=["colours"]), quiet)
    assert second.key == first.key
    assert os.path.exists(second.python)
    assert [name for name in os.listdir(home.environments) if name.startswith(f"{first.key}-")] == [
        os.path.basename(os.path.dirname(os.path.dirname(os.path.dirname(second.python))))
    ]


def leftovers(home):
    """Folders of builds."""
    with contextlib.suppress(FileNotFoundError):
        names = (name for name in os.listdir(home.environments) if not name.startswith("server-") and name != "locks")
        return [name for name in names if os.path.isdir(os.path.join(home.environments, name))]
    return []


# --- Interrupted ------------------------------------------------------------------------------------------------------

BUILDING = """
import sys
from sandbox.environment.interpreter import prepare
from sandbox.home import Home
from sandbox.model.environment import Environment
from sandbox.model.progress import quiet
try:
    prepare(Home(sys.argv[1]).make(), Environment(image="image", conda={"dependencies": [{"pip": ["endless"]}]}), quiet)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def building(home, packages, tmp_path, with_uv):
    """A command in the middle of a build, with the processes of the build and its child."""
    mark = tmp_path / "mark"
    made = wheels.source(packages, "endless", "1.0", wheels.HANG.format(mark=str(mark)))
    process = subprocess.Popen([sys.executable, "-c", BUILDING, home.root], cwd=ROOT)
    pids = []
    try:
        until(lambda: (mark.exists() and len(mark.read_text().split()) == 2) or process.poll() is not None)
        pids = [int(word) for word in mark.read_text().split()]
        yield process, pids
    finally:
        process.kill()
        process.wait()
        made.unlink()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ctrl_c_ends_the_tools_with_their_children_and_removes_the_draft(home, building):
    process, pids = building
    assert len(leftovers(home)) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 130
    assert [pid for pid in pids if runs(pid)] == []
    assert leftovers(home) == []


def test_a_killed_build_is_never_taken_for_a_finished_one(home, building, packages, tmp_path):
    process, pids = building
    process.kill()
    process.wait()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    (draft,) = leftovers(home)
    assert shelf.built(home) == []
    wheels.wheel(packages, "endless", "1.1", {"endless.py": ""})
    try:
        prepare(home, conda(pip=["endless"]), quiet)
    finally:
        (packages / "endless-1.1-py3-none-any.whl").unlink()
    assert len(shelf.built(home)) == 1
    assert draft not in leftovers(home)


# --- What goes wrong --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An empty environment made by venv, to fail in."""
    folder = tmp_path_factory.mktemp("bare")
    site = Site(str(folder), surroundings.of_tools(), lambda _: None, io.StringIO(), "the log")
    return WithPip().make(site, sys.executable, str(folder / "env"))


FAILURES = [
    ("E073", ["colours==9"], "no version of colours==9 fits"),
    ("E073", ["nowhere-to-be-found"], "no version of nowhere-to-be-found fits"),
    ("E074", ["colours==2.0", "paint==1.0"], "contradict"),
    ("E075", ["compiled==1.0"], "compiled"),
]


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize(("code", "lines", "what"), FAILURES, ids=lambda value: str(value)[:24])
def test_failures_are_told_as_what_they_are(bare, tmp_path, code, lines, what, tool, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    file = tmp_path / "requirements.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    said, log = [], io.StringIO()
    site = Site(str(tmp_path), surroundings.of_tools(), said.append, log, "the log", ("Python 3.8 was asked for",))
    with pytest.raises(SandboxError, match=code) as caught:
        (WithPip() if tool == "pip" else WithUv(str(UV))).install(site, bare, str(file))
    assert what in caught.value.what
    assert any("rror" in line.lower() and line[2:] in said for line in caught.value.why.splitlines()), "in its words"
    assert "Python 3.8 was asked for" in caught.value.why
    assert "the log" in caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_without_a_network_that_is_said_and_no_credential_is_shown(bare, tmp_path, tool, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:s3cret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    file = tmp_path / "requirements.txt"
    file.write_text("--extra-index-url https://token-abc@127.0.0.1:9/simple\nnumpy\n")
    said, log = [], io.StringIO()
    site = Site(str(tmp_path), surroundings.of_tools(), said.append, log, "the log")
    with pytest.raises(SandboxError, match="E076") as caught:
        (WithPip() if tool == "pip" else WithUv(str(UV))).install(site, bare, str(file))
    shown = "\n".join([*said, log.getvalue(), caught.value.what, caught.value.why])
    assert "s3cret" not in shown
    assert "token-abc" not in shown


def test_a_tool_that_is_not_there_is_said(tmp_path):
    site = Site(str(tmp_path), {}, lambda _: None, io.StringIO(), "the log")
    with pytest.raises(SandboxError, match="E077"):
        WithUv(str(tmp_path / "nothing")).make(site, sys.executable, str(tmp_path / "env"))


# --- conda ------------------------------------------------------------------------------------------------------------

# The tool cannot be installed from PyPI; what it is asked for is recorded, and an environment appears.
MICROMAMBA = f"""#!{sys.executable}
import json, shutil, subprocess, sys
place = sys.argv[sys.argv.index("-p") + 1]
shutil.copy(sys.argv[sys.argv.index("-f") + 1], "{{record}}")
print("Transaction starting", sys.argv[1:3])
subprocess.run([{str(sys.executable)!r}, "-m", "venv", place], check=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script that stands for the tool")
def test_conda_installs_what_only_conda_has_and_pip_the_rest(home, tmp_path, monkeypatch):
    folder, record = tmp_path / "bin", tmp_path / "asked.json"
    folder.mkdir()
    tool = folder / "micromamba"
    tool.write_text(MICROMAMBA.replace("{record}", str(record)))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    events = []
    environment = conda("numpy=1.26", "ffmpeg>=6", pip=["colours==1.2.3", "flask==3.0.99"])
    interpreter = prepare(home, environment, events.append)
    judge(home, interpreter)
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert json.loads(record.read_text()) == {
        "channels": ["conda-forge"],
        "dependencies": [f"python={minor}", "numpy=1.26", "ffmpeg>=6", "pip"],
    }
    assert any("Transaction starting ['create', '-y']" in event.text for event in events)


def test_without_conda_the_packages_that_only_it_has_are_named(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installers.conda(os.environ) is None
    with pytest.raises(SandboxError, match="E072") as caught:
        prepare(home, conda("ffmpeg>=6", "numpy=1.26", "r-base"), quiet)
    assert "ffmpeg>=6, r-base" in caught.value.what
    assert "micromamba" in caught.value.fix
