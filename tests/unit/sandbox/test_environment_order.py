"""What is built for an environment, with which Python, and what it is told."""

import errno
import io
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from sandbox.environment import (
    command,
    failures,
    interpreter,
    order,
    pythons,
    requirements,
    server,
    shelf,
    surroundings,
)
from sandbox.environment.installers import WithUv
from sandbox.environment.interpreter import prepare
from sandbox.environment.shelf import Record
from sandbox.home import Home
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home")).make()


@pytest.fixture(autouse=True)
def nothing_else(tmp_path, monkeypatch):
    """Of the machine's Pythons and conda only what a test puts there."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))


def pretend(path, version):
    """Make an interpreter that says that it has a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"path": str(path), "version": [*version, 1], "tag": f"cpython-{version[0]}{version[1]}-x", "packages": "p"}
    path.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    path.chmod(0o755)
    return path


# --- Without building ------------------------------------------------------------------------------------------------


def test_without_an_environment_the_interpreter_that_runs_us_runs_it(home):
    assert prepare(home, None, quiet) == interpreter.Interpreter(sys.executable)


def test_an_image_alone_cannot_be_had_and_that_is_said(home):
    found = prepare(home, Environment(image="mcr.microsoft.com/x:1"), quiet)
    assert (found.python, found.key) == (sys.executable, "")
    assert "mcr.microsoft.com/x:1 cannot be used without Docker" in found.warnings[0]


ROUTE = Route(5001, "/")


@pytest.mark.parametrize(
    "environment",
    [
        Environment(build=Build("/somewhere")),
        Environment(image="x", inference_config=InferenceConfig(ROUTE, ROUTE, ROUTE)),
        Environment(image="x", conda={"dependencies": []}, build=Build("/somewhere")),
    ],
)
def test_what_needs_docker_says_so(home, environment):
    with pytest.raises(SandboxError, match="E070") as caught:
        prepare(home, environment, quiet)
    assert "--backend docker" in caught.value.fix


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "E079"), (errno.EACCES, "E077")])
def test_a_home_that_cannot_be_written_is_said(home, monkeypatch, number, code):
    def draft(*_):
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(shelf, "draft", draft)
    with pytest.raises(SandboxError, match=code) as caught:
        prepare(home, Environment(conda={"dependencies": []}), quiet)
    assert "somewhere" in caught.value.why


# --- The key ---------------------------------------------------------------------------------------------------------


def key(*dependencies, **more):
    return order.make(Environment(conda=more), {"dependencies": list(dependencies), **more}).key


def test_the_same_content_has_the_same_key_and_another_content_another(tmp_path):
    same = {
        key("numpy=1.26"),
        key("numpy=1.26", name="other"),
        key("numpy==1.26.*"),
        key(f"python={OWN}", "numpy=1.26"),
    }
    assert len(same) == 1, "what comes out is the same"
    others = {key("numpy=1.27"), key("numpy"), key({"pip": ["numpy==1.26.5"]}), key()}
    assert len(others) == 4
    assert same & others == set()


def test_local_wheels_and_constraints_count_by_their_content(tmp_path):
    wheel, limits = tmp_path / "x-1-py3-none-any.whl", tmp_path / "limits.txt"
    wheel.write_bytes(b"one")
    limits.write_text("numpy<2")
    environment = Environment(conda_file=str(tmp_path / "conda.yml"))
    conda = {"dependencies": [{"pip": [f"./{wheel.name}", "-c limits.txt"]}]}
    first = order.make(environment, conda).key
    assert order.make(environment, conda).key == first
    wheel.write_bytes(b"two")
    second = order.make(environment, conda).key
    limits.write_text("numpy<3")
    assert len({first, second, order.make(environment, conda).key}) == 3


# --- Which Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["", f"={OWN}", f"=={OWN}.99", ">=3.8", "=3"])
def test_ours_does_where_it_fits(asked):
    assert pythons.choose(asked) == pythons.Choice(pythons.ours())


def test_the_probe_of_an_interpreter_and_what_we_say_of_ourselves_agree():
    own, found = pythons.ours(), pythons.probe(sys.executable)
    assert (found.version, found.tag, found.path, found.packages) == (own.version, own.tag, own.path, own.packages)


other = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand for interpreters")
OTHER = (3, 12) if OWN != "3.12" else (3, 13)
OTHER_TEXT = f"{OTHER[0]}.{OTHER[1]}"


@other
@pytest.mark.parametrize("place", [f"bin/python{OTHER_TEXT}", f"pyenv/versions/{OTHER_TEXT}.4/bin/python"])
def test_another_is_found_on_path_and_with_pyenv(tmp_path, place):
    path = pretend(tmp_path / place, OTHER)
    choice = pythons.choose(f"={OTHER_TEXT}")
    assert (choice.python.path, choice.python.minor, choice.fits, choice.warning) == (str(path), OTHER, True, "")


@other
def test_another_is_found_with_uv(tmp_path):
    path = pretend(tmp_path / "managed/python", OTHER)
    uv = tmp_path / "bin/uv"
    uv.write_text(f"#!/bin/sh\n[ \"$*\" = 'python find --no-python-downloads {OTHER_TEXT}' ] && echo {path}\n")
    uv.chmod(0o755)
    assert pythons.choose(f"={OTHER_TEXT}").python.path == str(path)


@other
def test_a_shim_that_does_not_start_is_passed_over(tmp_path):
    shim = tmp_path / f"bin/python{OTHER_TEXT}"
    shim.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2; exit 127\n")
    shim.chmod(0o755)
    path = pretend(tmp_path / f"pyenv/versions/{OTHER_TEXT}.4/bin/python", OTHER)
    assert pythons.choose(f"={OTHER_TEXT}").python.path == str(path)


def test_one_that_is_not_here_is_replaced_by_ours_with_a_warning():
    choice = pythons.choose(f"={OTHER_TEXT}")
    assert (choice.python, choice.fits) == (pythons.ours(), False)
    assert choice.warning.startswith(f"Python {OTHER_TEXT} was asked for, {OWN} is used: it was not found")
    assert f"uv python install {OTHER_TEXT}" in choice.warning


@other
def test_one_that_the_server_does_not_run_on_is_replaced_by_the_nearest(tmp_path):
    pretend(tmp_path / "bin/python3.8", (3, 8))
    assert pythons.choose("=3.8").python == pythons.ours()
    if sys.version_info >= (3, 11):
        pretend(tmp_path / "bin/python3.10", (3, 10))
        assert pythons.choose("=3.8").python.minor == (3, 10)
    assert "the server runs on 3.10 to 3.14" in pythons.choose("=3.8").warning


@other
def test_conda_brings_a_python_that_is_not_here(tmp_path):
    tool = tmp_path / "bin/conda"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    found = order.make(Environment(), {"dependencies": [f"python={OTHER_TEXT}", "numpy=1.26", {"pip": ["six"]}]})
    assert (found.conda.path, found.python, found.warnings) == (str(tool), OTHER_TEXT, ())
    assert found.dependencies == (f"python={OTHER_TEXT}", "numpy=1.26", "pip")
    assert found.lines == ("six",)
    assert order.make(Environment(), {"dependencies": ["numpy"]}).conda is None, "and is not asked without need"
    assert order.make(Environment(), {"dependencies": ["ffmpeg"]}).dependencies == (f"python={OWN}", "ffmpeg", "pip")


def test_the_bounds_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={pythons.OLDEST[0]}.{pythons.OLDEST[1]}"
    newest = f"Programming Language :: Python :: {pythons.NEWEST[0]}.{pythons.NEWEST[1]}"
    assert [line for line in project["classifiers"] if " :: 3." in line][-1] == newest
    assert sorted(project["dependencies"]) == sorted(server.DEPENDENCIES)


# --- Requirements ----------------------------------------------------------------------------------------------------


def test_files_are_read_and_paths_are_absolute(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/r.txt").write_text("# comment\nsix==1.16  # why\nnumpy \\\n  >=1\n-r deeper.txt\n./local\n")
    (tmp_path / "more/deeper.txt").write_text("-e .\n")
    (tmp_path / "more/local").mkdir()
    (tmp_path / "x.whl").write_text("")
    lines = [
        "flask",
        "-r more/r.txt",
        "x.whl[extra]",
        "-f .",
        "--pre",
        "a @ https://h/a.whl",
        "--index-url=https://h/s",
    ]
    assert requirements.read(lines, str(tmp_path)) == [
        "flask",
        "six==1.16",
        "numpy    >=1",
        f"-e {tmp_path / 'more'}",
        str(tmp_path / "more/local"),
        f"{tmp_path / 'x.whl'}[extra]",
        f"-f {tmp_path}",
        "--pre",
        "a @ https://h/a.whl",
        "--index-url=https://h/s",
    ]


def test_addresses_stay_addresses(tmp_path):
    lines = ["-r https://h/r.txt", "-c https://h/c.txt", "git+https://h/x@main", "-e git+https://h/x#egg=x"]
    read = requirements.read(lines, str(tmp_path))
    assert read[:3] == lines[:3]
    assert requirements.state(read) == []


@pytest.mark.parametrize(
    ("text", "hint"), [("-r nowhere.txt", "cannot be read"), ("-r r.txt", "too deep"), ("-r bytes", "cannot be read")]
)
def test_files_that_are_missing_or_include_themselves_are_named(tmp_path, text, hint):
    (tmp_path / "r.txt").write_text("-r r.txt")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(SandboxError, match="E071") as caught:
        requirements.read([text], str(tmp_path))
    assert hint in caught.value.what


def test_a_constraints_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(SandboxError, match="E071"):
        requirements.state(requirements.read(["-c nowhere.txt"], str(tmp_path)))


# --- What tools are told ---------------------------------------------------------------------------------------------


def test_tools_are_not_led_astray():
    told = surroundings.of_tools({"PATH": "p", "PYTHONPATH": "x", "VIRTUAL_ENV": "y", "PIP_TARGET": "z", "HOME": "h"})
    assert (told["PATH"], told["HOME"], told["PIP_NO_INPUT"]) == ("p", "h", "1")
    assert told.keys() & {"PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET"} == set()


PIP = """\
:env:.index-url='https://me:secret@env/simple'
global.index-url='https://global/simple'
global.extra-index-url='\\nhttps://a/simple\\nhttps://b/simple'
install.find-links='/w1 /w2'
install.trusted-host='h'
freeze.timeout='10'
"""


def test_uv_is_told_what_pip_is_told(tmp_path):
    told = surroundings.of_uv({"PATH": "p", "XDG_CONFIG_HOME": str(tmp_path)}, PIP)
    assert {name: value for name, value in told.items() if name.startswith("UV_")} == {
        "UV_INDEX_URL": "https://me:secret@env/simple",
        "UV_EXTRA_INDEX_URL": "https://a/simple https://b/simple",
        "UV_FIND_LINKS": "/w1,/w2",
        "UV_INSECURE_HOST": "h",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_uv_was_told_itself_wins(tmp_path):
    environ = {"UV_INDEX_URL": "https://own", "XDG_CONFIG_HOME": str(tmp_path)}
    assert surroundings.of_uv(environ, PIP) == environ
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv/uv.toml").write_text("")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert surroundings.of_uv(environ, PIP) == environ


@pytest.mark.parametrize(
    ("line", "understood"),
    [("numpy", True), ("--extra-index-url https://h", True), ("-e /x", True), ("--index-url=https://h", True),
     ("--pre", False), ("--use-pep517", False), ("--trusted-host h", False)],
)  # fmt: skip
def test_options_that_uv_leaves_out_are_left_to_pip(line, understood):
    assert WithUv.understands([line]) is understood


@other
def test_a_tool_is_ended_with_its_children_when_somebody_stops_listening(tmp_path):
    def say(line):
        raise KeyboardInterrupt

    log = io.StringIO()
    words = ["/bin/sh", "-c", "sleep 600 & echo $$ $! https://me:secret@h/x; wait"]
    with pytest.raises(KeyboardInterrupt):
        command.run(words, cwd=str(tmp_path), environ={"PATH": "/usr/bin:/bin"}, say=say, log=log)
    shell, child, address = log.getvalue().splitlines()[-1].split()
    assert address == "https://***@h/x"
    deadline = time.monotonic() + 30
    while any(runs(pid) for pid in (int(shell), int(child))):  # killed; the kernel takes a moment over the orphan
        assert time.monotonic() < deadline, (shell, child)
        time.sleep(0.01)


def runs(pid):
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_does_not_start_or_says_something_else_is_no_python(tmp_path):
    assert pythons.probe(str(tmp_path / "nothing")) is None
    assert pythons.probe("/bin/echo") is None


# --- What they say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "package"),
    [
        (("ERROR: Could not find a version that satisfies the requirement numpy==9 (from versions: 1.0)\n"
         "ERROR: No matching distribution found for numpy==9"), "E073", "numpy==9"),
        (("WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('...: Failed to establish"
         " a new connection: [Errno 111] Connection refused')': /simple/numpy/\n"
         "ERROR: No matching distribution found for numpy"), "E076", ""),
        ("ERROR: 401 Client Error: Unauthorized for url: https://h/simple/x/", "E076", ""),
        ("error: Failed to fetch: `https://pypi.org/simple/six/`\n  cause: dns error", "E076", ""),
        (("ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\n"
         "ERROR: ResolutionImpossible: for help visit ..."), "E074", ""),
        (("error: No solution found when resolving dependencies\n cause: Because flask==3.0.0 depends on werkzeug>=3"
         " and you require werkzeug==2.0.0, ..."), "E074", ""),
        (("error: No solution found when resolving dependencies\n cause: Because only numpy<=2.5 is available and you"
         " require numpy==99.*, ..."), "E073", "numpy"),
        ("error: No solution found\n cause: Because nope was not found in the package registry", "E073", "nope"),
        ("  error: command 'gcc' failed: No such file or directory\nERROR: Failed building wheel for pandas", "E075",
         "pandas"),
        ("error: Failed to build `uwsgi==2.0.1`\n  cause: The build backend returned an error", "E075", "uwsgi==2.0.1"),
        ("Collecting numba\n  Downloading numba.tar.gz\nerror: metadata-generation-failed", "E075", "numba"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "E079", ""),
        ("The virtual environment was not created successfully because ensurepip is not available.", "E084", ""),
        ("PackagesNotFoundError: The following packages are not available from current channels:\n - nope", "E073", ""),
        (("error    libmamba Could not solve for environment specs\n└─ nope does not exist (perhaps a typo or a missing"
         " channel)."), "E073", ""),
        ("LibMambaUnsatisfiableError: Encountered problems while solving", "E074", ""),
        ("something nobody has seen before", "E077", ""),
    ],
)  # fmt: skip
def test_what_the_output_means(text, code, package):
    error = failures.explain("pip", text.splitlines(), ("a hint",), "the.log")
    assert error.code == code
    assert package in error.what
    assert error.why.splitlines()[0] == "a hint"
    assert error.why.splitlines()[-1] == "all of it: the.log"
    shown = error.why.splitlines()[2:-1]
    assert 1 <= len(shown) <= 6
    assert {line.strip() for line in shown} <= {line.strip() for line in text.splitlines()}


def test_the_lines_that_say_what_is_wrong_are_shown_and_long_lists_are_cut():
    versions = ", ".join(f"1.{number}" for number in range(100))
    lines = [f"Collecting {number}" for number in range(50)]
    lines += [f"ERROR: Could not find a version that satisfies the requirement six==9 (from versions: {versions})"]
    lines += ["ERROR: No matching distribution found for six==9", "", "[notice] A new release of pip is available"]
    assert failures.explain("pip", lines, (), "the.log").why.splitlines() == [
        "pip said:",
        (
            "  ERROR: Could not find a version that satisfies the requirement six==9 "
            "(from versions: ... 1.95, 1.96, 1.97, 1.98, 1.99)"
        ),
        "  ERROR: No matching distribution found for six==9",
        "all of it: the.log",
    ]
    unclear = [f"line {number}" for number in range(50)]
    assert failures.explain("conda", unclear, (), "the.log").why.count("line ") == 12


# --- The shelf -------------------------------------------------------------------------------------------------------


def put(home, name, *, python=sys.executable, used=None):
    folder = shelf.draft(home, name)
    record = Record(folder, python, "3.11.7", "tag", folder, 5, 1.0, ("numpy",))
    shelf.save(home, name, record)
    if used is not None:
        os.utime(os.path.join(home.environments, f"{name}.json"), (used, used))
    return record


def test_the_shelf_lists_what_is_finished_and_stands(home):
    put(home, "old", used=10)
    put(home, "new", used=20)
    put(home, "broken", python="/nowhere/python")
    shelf.draft(home, "draft")
    assert [(one.key, one.last_used, one.size, one.packages) for one in shelf.built(home)] == [
        ("new", 20, 5, ("numpy",)),
        ("old", 10, 5, ("numpy",)),
    ]


def test_a_record_of_another_version_of_us_does_not_count(home):
    put(home, "one")
    path = os.path.join(home.environments, "one.json")
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**record, "more": 1}, file)
    assert shelf.find(home, "one") is None


def test_a_draft_removes_what_a_killed_build_left_and_nothing_that_is_used(home):
    dead, alive, other_key = shelf.draft(home, "one"), put(home, "two"), shelf.draft(home, "three")
    shelf.draft(home, "one")
    shelf.draft(home, "two")
    assert not os.path.exists(dead)
    assert os.path.isdir(alive.folder)
    assert os.path.isdir(other_key)
    assert stat.S_IMODE(os.stat(alive.folder).st_mode) == 0o700


def test_prune_takes_what_is_not_kept_and_what_is_long_dead(home):
    kept, gone = put(home, "kept"), put(home, "gone")
    young, dead = shelf.draft(home, "young"), shelf.draft(home, "dead")
    log = shelf.log_path(home, "failed")
    with open(log, "w", encoding="utf-8") as file:
        file.write("output")
    os.utime(dead, (1, 1))
    os.utime(log, (1, 1))
    assert [one.key for one in shelf.prune(home, ["kept"])] == ["gone"]
    assert [os.path.exists(path) for path in (kept.folder, gone.folder, young, dead, log)] == [
        True, False, True, False, False,
    ]  # fmt: skip
    assert [one.key for one in shelf.built(home)] == ["kept"]


def test_an_empty_home_has_nothing_built(home):
    assert shelf.built(home) == []
    assert shelf.prune(home, []) == []


# --- The server's folder ---------------------------------------------------------------------------------------------


def test_the_server_is_copied_without_byte_code_and_once(home):
    own = pythons.ours()

    def install(folder):
        raise AssertionError("our own packages are there")

    folder = server.place(home, own, install)
    names = set(os.listdir(folder))
    assert names >= {"inference_http", "flask", "waitress", "watchdog", "debugpy", "werkzeug"}
    assert "__pycache__" not in os.listdir(os.path.join(folder, "inference_http"))
    before = os.stat(folder).st_ino
    assert server.place(home, own, install) == folder
    assert os.stat(folder).st_ino == before
    assert os.path.basename(folder).startswith(f"server-{own.tag}-")


def test_for_another_python_the_dependencies_are_installed(home):
    foreign = pythons.Python("/x", (3, 12, 0), "cpython-312-moon", "/y")
    asked = []
    folder = server.place(home, foreign, asked.append)
    assert len(asked) == 1
    assert os.listdir(folder) == ["inference_http"]


def test_a_server_that_could_not_be_installed_leaves_nothing(home):
    def install(folder):
        raise SandboxError("E076", "no network")

    with pytest.raises(SandboxError, match="E076"):
        server.place(home, pythons.Python("/x", (3, 12, 0), "cpython-312-moon", "/y"), install)
    assert os.listdir(home.environments) == []


def test_attaching_is_undone(tmp_path):
    packages = str(tmp_path / "site-packages")
    assert server.attached(packages) is None
    server.attach(packages, "/one")
    server.attach(packages, "/two")
    assert server.attached(packages) == "/two"
    server.detach(packages, "/one")
    assert server.attached(packages) == "/one"
    server.detach(packages, None)
    assert os.listdir(packages) == []
