"""The watcher on real folders: what editors, git and build tools do to files, and what comes out as one change."""

import errno
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

import pytest

from inference_http.watch import events, tree
from inference_http.watch import watcher as watcher_module
from inference_http.watch.rules import Rules, silent_file_system
from inference_http.watch.watcher import Watcher, version_of

CODE = ("*.py", "*.json", "*.yaml")
QUIET_S = 0.35  # nothing has been told for that long: nothing will be
DEBOUNCE_S = 0.08  # more than in use: a machine with other things to do pauses a test in the midst of its burst


class Told:
    """The calls of on_change, and the patience to wait for them."""

    def __init__(self):
        self.calls = []
        self.at = []
        self._changed = threading.Condition()

    def __call__(self, paths):
        with self._changed:
            self.at.append(time.perf_counter())
            self.calls.append(paths)
            self._changed.notify_all()

    def wait(self, number=1, timeout=10.0):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= number, timeout), self.calls
        return self.calls[number - 1]

    def only(self, timeout=10.0):
        """The one call, and no second one."""
        paths = self.wait(1, timeout)
        time.sleep(QUIET_S)
        assert len(self.calls) == 1, self.calls
        return paths

    def nothing(self):
        time.sleep(QUIET_S)
        assert self.calls == []


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "code"
    root.mkdir()
    (root / "score.py").write_text("x = 1\n")
    (root / "lib").mkdir()
    (root / "lib" / "deep.py").write_text("y = 1\n")
    return root


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def start(folder, told):
    started = []

    def make(roots=None, include=CODE, exclude=(), poll=None, models=(), debounce_s=DEBOUNCE_S):
        roots, models = [str(root) for root in roots or [folder]], [str(model) for model in models]
        watcher = Watcher(roots, include, exclude, poll, on_change=told, models=models, debounce_s=debounce_s)
        started.append(watcher)
        watcher.start()
        return watcher

    yield make
    for watcher in started:
        watcher.stop()


def paths(*names):
    return sorted(str(name) for name in names)


# --- What is a change, and how many ----------------------------------------------------------------------------------


@pytest.mark.parametrize("poll", [None, True])
def test_a_save_is_one_change(start, folder, told, poll):
    watcher = start(poll=poll)
    assert (watcher.kind, watcher.reason) == (("polling", "asked for") if poll else ("events", None))
    (folder / "score.py").write_text("x = 2\n")
    assert told.only() == paths(folder / "score.py")


@pytest.mark.parametrize("poll", [None, True])
def test_a_deleted_and_a_new_file_are_changes(start, folder, told, poll):
    start(poll=poll)
    (folder / "lib" / "deep.py").unlink()
    (folder / "lib" / "other.py").write_text("z = 1\n")
    assert told.only() == paths(folder / "lib" / "deep.py", folder / "lib" / "other.py")


@pytest.mark.parametrize("poll", [None, True])
def test_a_touch_is_no_change(start, folder, told, poll):
    start(poll=poll)
    os.utime(folder / "score.py")
    (folder / "score.py").write_text("x = 1\n")
    told.nothing()


def test_a_burst_of_saves_is_one_change(start, folder, told):
    start()
    for number in range(8):
        (folder / "score.py").write_text(f"x = {number}\n")
        time.sleep(0.005)
    assert told.only() == paths(folder / "score.py")


def test_a_file_that_comes_and_goes_within_a_burst_is_no_change(start, folder, told):
    start()
    (folder / "score.py").rename(folder / "kept")
    (folder / "kept").rename(folder / "score.py")
    (folder / "brief.py").write_text("")
    (folder / "brief.py").unlink()
    told.nothing()


def test_a_file_that_is_written_slowly_is_told_when_it_is_complete(start, folder, told):
    start()
    with open(folder / "big.json", "w") as file:
        for _ in range(20):
            file.write("x" * 1000)
            file.flush()
            time.sleep(0.008)
    assert told.only() == paths(folder / "big.json")
    assert len(told.calls) == 1


def test_a_file_that_is_written_for_ever_holds_up_the_others_for_a_while_only(start, folder, told, monkeypatch):
    monkeypatch.setattr(watcher_module, "SETTLE_LIMIT_S", 0.3)
    start()
    (folder / "score.py").write_text("x = 2\n")
    began = time.perf_counter()
    with open(folder / "log.json", "w") as file:
        while not told.calls and time.perf_counter() - began < 5:
            file.write("x" * 100)
            file.flush()
            (folder / "lib" / "deep.py").write_text(f"y = {time.perf_counter()}\n")
            time.sleep(0.005)
    assert str(folder / "score.py") in told.calls[0]
    assert told.at[0] - began < 2


def test_changes_while_a_change_is_acted_on_are_told_afterwards(folder):
    calls, slow = Told(), threading.Event()

    def act(found):
        calls(found)
        slow.wait(5)

    watcher = Watcher([str(folder)], CODE, on_change=act)
    watcher.start()
    try:
        (folder / "score.py").write_text("x = 2\n")
        calls.wait(1)
        (folder / "lib" / "deep.py").write_text("y = 2\n")
        time.sleep(0.1)
        slow.set()
        assert calls.wait(2) == paths(folder / "lib" / "deep.py")
    finally:
        slow.set()
        watcher.stop()


def test_a_failing_reload_does_not_end_the_watching(folder, caplog):
    calls = Told()

    def act(found):
        calls(found)
        raise RuntimeError("the reload failed")

    watcher = Watcher([str(folder)], CODE, on_change=act)
    watcher.start()
    try:
        (folder / "score.py").write_text("x = 2\n")
        calls.wait(1)
        (folder / "score.py").write_text("x = 3\n")
        assert calls.wait(2) == paths(folder / "score.py")
    finally:
        watcher.stop()
    assert "the reload failed" in caplog.text


# --- Editors ---------------------------------------------------------------------------------------------------------


def save_by_rename(file, text):
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.write_text(text)
    temporary.replace(file)


def save_as_vim(file, text):
    probe = file.with_name("4913")
    probe.write_text("")
    probe.unlink()
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def save_as_pycharm(file, text):
    new, old = file.with_name(f"{file.name}___jb_tmp___"), file.with_name(f"{file.name}___jb_old___")
    new.write_text(text)
    file.rename(old)
    new.rename(file)
    old.unlink()


def save_as_emacs(file, text):
    lock, autosave = file.with_name(f".#{file.name}"), file.with_name(f"#{file.name}#")
    lock.symlink_to("user@host.1234")
    autosave.write_text(text)
    file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)
    autosave.unlink()
    lock.unlink()


@pytest.mark.parametrize("save", [save_by_rename, save_as_vim, save_as_pycharm, save_as_emacs])
@pytest.mark.parametrize("include", [CODE, ("*",)])
def test_every_editors_way_to_save_is_one_change_of_one_file(start, folder, told, save, include):
    start(include=include)
    save(folder / "score.py", "x = 2\n")
    assert told.only() == paths(folder / "score.py")


@pytest.mark.parametrize(
    "name",
    ["4913", ".score.py.swp", "score.py~", ".#score.py", "#score.py#", "score.py___jb_tmp___", "score.py.tmp", "a.pyc"],
)
def test_files_of_editors_are_no_change(start, folder, told, name):
    start(include=("*",))
    (folder / name).write_text("whatever")
    told.nothing()


# --- Many files at once ----------------------------------------------------------------------------------------------


def git(folder, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_a_git_checkout_of_many_files_is_one_change(start, folder, told):
    git(folder, "init", "-q", "-b", "main")
    for branch in ("main", "other"):
        for number in range(150):
            (folder / "lib" / f"module_{number:03}.py").write_text(f"{branch} = {number}\n")
        if branch == "other":
            git(folder, "checkout", "-q", "-b", "other")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", branch)
    start()
    git(folder, "checkout", "-q", "main")
    assert told.only() == paths(*(folder / "lib").glob("module_*.py"))


def test_a_checkout_under_way_is_waited_for(start, folder, told):
    (folder / ".git").mkdir()
    start()
    (folder / ".git" / "index.lock").write_text("")
    (folder / "score.py").write_text("x = 2\n")
    time.sleep(0.2)
    assert told.calls == []
    (folder / "lib" / "deep.py").write_text("y = 2\n")
    (folder / ".git" / "index.lock").unlink()
    assert told.only() == paths(folder / "lib" / "deep.py", folder / "score.py")


def test_the_last_events_of_a_checkout_may_be_late(start, folder, told, monkeypatch):
    dispatch = events.Events.dispatch

    def late(self, event):
        if str(event.src_path).endswith("deep.py"):
            time.sleep(0.03)
        dispatch(self, event)

    monkeypatch.setattr(events.Events, "dispatch", late)
    monkeypatch.setattr(watcher_module, "AFTER_GIT_S", 0.25)
    (folder / ".git").mkdir()
    start()
    (folder / ".git" / "index.lock").write_text("")
    (folder / "score.py").write_text("x = 2\n")
    time.sleep(0.2)
    (folder / "lib" / "deep.py").write_text("y = 2\n")
    (folder / ".git" / "index.lock").unlink()
    assert told.only() == paths(folder / "lib" / "deep.py", folder / "score.py")


def test_a_lock_that_git_left_behind_delays_nothing(start, folder, told):
    (folder / ".git").mkdir()
    (folder / ".git" / "index.lock").write_text("")
    os.utime(folder / ".git" / "index.lock", (time.time() - 60, time.time() - 60))
    start()
    began = time.perf_counter()
    (folder / "score.py").write_text("x = 2\n")
    told.wait()
    assert told.at[0] - began < 1


def test_renaming_a_folder_is_one_change(start, folder, told):
    start()
    (folder / "lib").rename(folder / "library")
    assert told.only() == paths(folder / "lib" / "deep.py", folder / "library" / "deep.py")
    (folder / "library" / "deep.py").write_text("y = 3\n")
    assert told.wait(2) == paths(folder / "library" / "deep.py")


def test_a_folder_that_is_moved_in_is_one_change_and_watched_from_then_on(start, folder, told, tmp_path):
    start()
    outside = tmp_path / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "sub" / "new.py").write_text("n = 1\n")
    outside.rename(folder / "inside")
    assert told.only() == paths(folder / "inside" / "sub" / "new.py")
    (folder / "inside" / "sub" / "new.py").write_text("n = 2\n")
    assert told.wait(2) == paths(folder / "inside" / "sub" / "new.py")


def test_new_folders_beside_an_environment_are_watched(start, folder, told):
    (folder / ".venv").mkdir()
    start()
    (folder / "fresh" / "sub").mkdir(parents=True)
    (folder / "fresh" / "sub" / "new.py").write_text("n = 1\n")
    assert told.only() == paths(folder / "fresh" / "sub" / "new.py")


def test_a_root_that_is_replaced_is_watched_again(start, folder, told, monkeypatch):
    monkeypatch.setattr(watcher_module, "SLOW_LOOK_S", 0.2)
    watcher = start()
    shutil.rmtree(folder)
    assert told.wait(1) == paths(folder / "lib" / "deep.py", folder / "score.py")
    folder.mkdir()
    (folder / "score.py").write_text("x = 5\n")
    assert told.wait(2) == paths(folder / "score.py")
    (folder / "score.py").write_text("x = 6\n")
    assert told.wait(3) == paths(folder / "score.py")
    assert watcher.kind == "events"


# --- What is not looked at -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [".venv", "node_modules", ".git", "__pycache__", "lib/__pycache__", "site-packages"])
@pytest.mark.parametrize("before", [True, False])
def test_environments_repositories_and_caches_are_never_looked_at(start, folder, told, name, before):
    if before:
        (folder / name / "deep").mkdir(parents=True)
    start(include=("*",))
    (folder / name / "deep").mkdir(parents=True, exist_ok=True)
    for number in range(5):
        (folder / name / "deep" / f"{number}.py").write_text("")
        (folder / name / f"{number}.py").write_text("")
    told.nothing()


def test_an_environment_is_known_by_its_content_and_costs_no_watches(start, folder, told):
    for name in ("my environment", "conda"):
        (folder / name / "lib").mkdir(parents=True)
    (folder / "my environment" / "pyvenv.cfg").write_text("")
    (folder / "conda" / "conda-meta").mkdir()
    watcher = start()
    (folder / "my environment" / "lib" / "a.py").write_text("")
    (folder / "conda" / "lib" / "a.py").write_text("")
    told.nothing()
    assert watcher._tree.survey.observed == {str(folder): False, str(folder / "lib"): True}


def test_an_environment_made_later_is_taken_out_of_the_watches(start, folder, told):
    watcher = start()
    assert watcher._tree.survey.observed == {str(folder): True}
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text("")
    (folder / "env" / "bin").mkdir()
    (folder / "env" / "bin" / "activate_this.py").write_text("")
    told.nothing()
    assert watcher._tree.survey.observed == {str(folder): False, str(folder / "lib"): True}


@pytest.mark.parametrize("pattern", ["lib", "lib/", "lib/*", "deep.*", "./lib/deep.py"])
def test_excluded_files_are_no_change(start, folder, told, pattern):
    start(exclude=(pattern,))
    (folder / "lib" / "deep.py").write_text("y = 2\n")
    told.nothing()


def test_only_included_files_are_a_change(start, folder, told):
    start(include=("*.yaml", "lib/*.txt"))
    (folder / "score.py").write_text("x = 2\n")
    (folder / "notes.txt").write_text("")
    told.nothing()
    (folder / "lib" / "words.txt").write_text("")
    (folder / "a.yaml").write_text("")
    assert told.only() == paths(folder / "a.yaml", folder / "lib" / "words.txt")


def test_a_model_folder_is_watched_with_all_files(start, tmp_path, told, monkeypatch):
    monkeypatch.setattr(tree, "HASH_LIMIT", 1000)
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights.bin").write_bytes(b"x" * 5000)
    start([model], include=("*",))
    (model / "weights.bin").write_bytes(b"x" * 5000)  # too large to compare: its time tells
    assert told.only() == paths(model / "weights.bin")


@pytest.mark.parametrize("inside", [True, False])
def test_every_file_of_a_model_counts_and_of_the_code_only_what_is_code(start, folder, told, tmp_path, inside):
    model = (folder if inside else tmp_path) / "model"
    (model / "deep").mkdir(parents=True)
    start(models=[model])
    (folder / "output.txt").write_text("what the script itself writes is no reason to load it again")
    (folder / "output.csv").write_text("")
    told.nothing()
    (model / "deep" / "weights.bin").write_bytes(b"x")
    assert told.only() == paths(model / "deep" / "weights.bin")
    (model / "deep" / "weights.bin").write_bytes(b"y")
    (folder / "score.py").write_text("x = 2\n")
    assert told.wait(2) == paths(model / "deep" / "weights.bin", folder / "score.py")


def test_a_tree_of_data_is_not_walked_to_its_end(start, folder, told, monkeypatch, caplog):
    monkeypatch.setattr(tree, "FOLDER_LIMIT", 10)
    for number in range(30):
        (folder / "lib" / f"{number:02}").mkdir()
    watcher = start()
    assert "more than" in caplog.text
    assert "--reload-exclude" in caplog.text
    watcher.add_files([str(folder / "lib" / "deep.py")])
    (folder / "score.py").write_text("x = 2\n")
    assert told.wait(1) == paths(folder / "score.py")
    (folder / "lib" / "deep.py").write_text("y = 2\n")
    assert told.wait(2) == paths(folder / "lib" / "deep.py")


# --- Links and files elsewhere ---------------------------------------------------------------------------------------


def test_linked_folders_are_watched_where_they_are(start, folder, told, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "common.py").write_text("c = 1\n")
    (folder / "common").symlink_to(shared)
    (folder / "loop").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    start()
    (shared / "common.py").write_text("c = 2\n")
    (tmp_path / "unrelated.py").write_text("")
    assert told.only() == paths(shared / "common.py")


def test_a_linked_file_changes_with_its_target_and_with_the_link(start, folder, told, tmp_path):
    targets = tmp_path / "targets"
    targets.mkdir()
    (targets / "one.py").write_text("1\n")
    (targets / "two.py").write_text("2\n")
    (folder / "linked.py").symlink_to(targets / "one.py")
    start()
    (targets / "one.py").write_text("1.1\n")
    assert told.wait(1) == paths(folder / "linked.py")
    (folder / "linked.tmp").symlink_to(targets / "two.py")
    (folder / "linked.tmp").replace(folder / "linked.py")
    assert told.wait(2) == paths(folder / "linked.py")
    (targets / "two.py").write_text("2.2\n")
    assert told.wait(3) == paths(folder / "linked.py")


def test_a_config_map_is_switched_by_one_link(start, tmp_path, told):
    root = tmp_path / "mounted"
    for name, text in (("..one", "x = 1\n"), ("..two", "x = 2\n")):
        (root / name).mkdir(parents=True)
        (root / name / "score.py").write_text(text)
    (root / "..data").symlink_to("..one")
    (root / "score.py").symlink_to("..data/score.py")
    start([root], exclude=("..one", "..two", "..data"))
    (root / "..data_tmp").symlink_to("..two")
    (root / "..data_tmp").replace(root / "..data")
    assert told.only() == paths(root / "score.py")


def test_a_root_that_is_a_link_may_be_switched(start, tmp_path, told, monkeypatch):
    monkeypatch.setattr(watcher_module, "SLOW_LOOK_S", 0.2)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "score.py").write_text(f"x = '{name}'\n")
    (tmp_path / "current").symlink_to("one")
    watcher = start([tmp_path / "current"])
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(tmp_path / "current")
    assert told.wait(1) == paths(tmp_path / "one" / "score.py", tmp_path / "two" / "score.py")
    (tmp_path / "two" / "score.py").write_text("x = 3\n")
    assert told.wait(2) == paths(tmp_path / "two" / "score.py")
    assert watcher.kind == "events"


def test_files_that_the_script_imported_from_elsewhere_can_be_added(start, folder, told, tmp_path):
    package = tmp_path / "elsewhere"
    package.mkdir()
    (package / "used.py").write_text("u = 1\n")
    (package / "unused.py").write_text("n = 1\n")
    watcher = start()
    for _ in range(2):
        watcher.add_files([str(package / "used.py"), str(folder / "score.py")])
    (package / "unused.py").write_text("n = 2\n")
    told.nothing()
    (package / "used.py").write_text("u = 2\n")
    assert told.only() == paths(package / "used.py")


def test_adding_a_file_hides_no_change_of_another_one(start, folder, told, tmp_path):
    (tmp_path / "used.py").write_text("u = 1\n")
    watcher = start(poll=True)
    (folder / "score.py").write_text("x = 2\n")
    watcher.add_files([str(tmp_path / "used.py")])
    assert told.only() == paths(folder / "score.py")


def test_an_added_file_counts_whatever_the_patterns_say_but_not_when_excluded(start, folder, told):
    (folder / "rules.txt").write_text("1")
    watcher = start(exclude=("lib",))
    watcher.add_files([str(folder / "rules.txt"), str(folder / "lib" / "deep.py")])
    (folder / "lib" / "deep.py").write_text("y = 2\n")
    told.nothing()
    (folder / "rules.txt").write_text("2")
    assert told.only() == paths(folder / "rules.txt")


# --- Where events do not arrive --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("overlay / overlay rw 0 0\n", None),
        ("overlay / overlay rw 0 0\n/run/host_mark/Users /code fakeowner rw 0 0\n", "fakeowner"),
        ("grpcfuse /code fuse.grpcfuse rw 0 0\n", "fuse.grpcfuse"),
        ("C:\\134 /mnt/c 9p rw 0 0\nnone /code virtiofs rw 0 0\n", "virtiofs"),
        ("server:/a /code nfs4 rw 0 0\n/dev/sda1 /code/inner ext4 rw 0 0\n", "nfs4"),
        ("server:/a /code/in\\040ner cifs rw 0 0\n", None),
        ("server:/a /cod nfs rw 0 0\n/dev/sda1 / ext4 rw 0 0\n", None),
        ("short line\n", None),
    ],
)
def test_file_systems_without_events_are_known(tmp_path, monkeypatch, mounts, kind):
    monkeypatch.setattr(sys, "platform", "linux")
    table = tmp_path / "mounts"
    table.write_text(mounts)
    reason = silent_file_system(["/code/project"], str(table))
    assert reason == (f"/code/project is on {kind}, which does not tell of all changes" if kind else None)
    assert silent_file_system(["/code/project"], str(tmp_path / "missing")) is None


def test_on_such_a_file_system_it_looks_and_still_hears_the_events_that_come(start, folder, told, monkeypatch):
    monkeypatch.setattr(watcher_module, "silent_file_system", lambda folders: f"{folders[0]} is on 9p")
    monkeypatch.setattr(watcher_module, "POLL_S", 30.0)
    watcher = start()
    assert watcher.kind == "polling"
    assert watcher.reason == f"{folder} is on 9p"
    (folder / "score.py").write_text("x = 2\n")
    assert told.only() == paths(folder / "score.py")


def test_with_poll_off_nobody_asks_the_file_system(start, monkeypatch):
    monkeypatch.setattr(watcher_module, "silent_file_system", lambda folders: "never trusted")
    assert start(poll=False).kind == "events"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "inotify watch limit reached"), "fs.inotify.max_user_watches"),
        (OSError(errno.EMFILE, "inotify instance limit reached"), "fs.inotify.max_user_instances"),
        (OSError(errno.ENOSYS, "Function not implemented"), "not implemented"),
        (ImportError("No module named 'watchdog'"), "watchdog cannot be imported"),
    ],
)
def test_where_the_system_gives_no_events_it_polls_and_says_why(start, folder, told, monkeypatch, caplog, error, words):
    def refuse(self, observer, folder, *, whole):
        raise error

    monkeypatch.setattr(events.Events, "_schedule", refuse)
    watcher = start()
    assert watcher.kind == "polling"
    assert words.lower() in watcher.reason.lower()
    assert watcher.reason in caplog.text
    (folder / "score.py").write_text("x = 2\n")
    assert told.only() == paths(folder / "score.py")


def test_a_limit_that_is_reached_only_by_folders_further_down_is_noticed(folder, tmp_path):
    """In a user namespace of its own, where the real limit of the kernel can be lowered."""
    for number in range(30):
        (folder / "lib" / str(number)).mkdir()
    program = tmp_path / "limited.py"
    program.write_text(
        "import sys\n"
        "try:\n    open('/proc/sys/user/max_inotify_watches', 'w').write('12')\n"
        "except OSError:\n    sys.exit(77)\n"
        "from inference_http.watch.watcher import Watcher\n"
        f"watcher = Watcher([{str(folder)!r}], ['*.py'], on_change=print)\n"
        "watcher.start()\nprint(watcher.kind, watcher.reason)\nwatcher.stop()\n"
    )
    unshare = ["unshare", "--user", "--map-root-user"]
    done = subprocess.run([*unshare, sys.executable, str(program)], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        # This machine allows no user namespace: the same through the error that the kernel would give.
        assert events.why(OSError(errno.ENOSPC, "")).startswith("the limit of watched folders is reached")
        return
    assert done.stdout.startswith("polling the limit of watched folders is reached"), done.stdout + done.stderr


def test_a_change_without_an_event_is_found_and_from_then_on_it_looks(start, folder, told, monkeypatch, caplog):
    monkeypatch.setattr(watcher_module, "SLOW_LOOK_S", 0.2)
    monkeypatch.setattr(events.Events, "dispatch", lambda self, event: None)
    watcher = start()
    assert watcher.kind == "events"
    (folder / "score.py").write_text("x = 2\n")
    assert told.wait(1) == paths(folder / "score.py")
    assert watcher.kind == "polling"
    assert "no event told so" in watcher.reason
    assert "no event told so" in caplog.text


# --- Cost ------------------------------------------------------------------------------------------------------------


def test_from_save_to_call_takes_little_more_than_the_quiet_it_waits_for(start, folder, told):
    start(debounce_s=watcher_module.DEBOUNCE_S)
    delays = []
    for number in range(20):
        (folder / "score.py").write_text(f"x = {number + 10}\n")
        saved = time.perf_counter()
        told.wait(number + 1)
        delays.append(told.at[-1] - saved)
        time.sleep(0.01)
    assert statistics.median(delays) < 0.025 + 0.05  # 21 ms on an idle machine; the rest is for a busy one


def test_stop_leaves_no_thread_and_no_descriptor(folder):
    def open_files():
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    (folder / ".venv").mkdir()
    Watcher([str(folder)], CODE, on_change=print).stop()  # never started; also the first import of watchdog
    before = None
    for _ in range(3):
        watcher = Watcher([str(folder)], CODE, on_change=print)
        watcher.start()
        assert threading.active_count() > 1
        watcher.stop()
        counts = (threading.active_count(), open_files())
        before = before or counts
        assert counts == before


# --- Versions --------------------------------------------------------------------------------------------------------


def test_the_version_is_that_of_content_and_names_wherever_the_code_lies(tmp_path):
    for place in ("one", "two/deeper"):
        (tmp_path / place / "lib").mkdir(parents=True)
        (tmp_path / place / "score.py").write_text("x = 1\n")
        (tmp_path / place / "lib" / "deep.py").write_text("y = 1\n")
    one = [str(tmp_path / "one" / "score.py"), str(tmp_path / "one" / "lib" / "deep.py")]
    two = [str(tmp_path / "two" / "deeper" / "lib" / "deep.py"), str(tmp_path / "two" / "deeper" / "score.py")]
    version = version_of(one)
    assert len(version) == 12
    assert int(version, 16) >= 0
    assert version_of(two) == version_of([*two, *two]) == version
    os.utime(one[0])
    assert version_of(one) == version
    (tmp_path / "one" / "score.py").write_text("x = 2\n")
    assert version_of(one) != version
    assert version_of([*two, str(tmp_path / "missing.py")]) != ""
    assert version_of([]) == version_of([])


def test_moving_text_from_file_to_file_is_another_version(tmp_path):
    (tmp_path / "a.py").write_text("1\n2\n")
    (tmp_path / "b.py").write_text("3\n")
    before = version_of([str(tmp_path / "a.py"), str(tmp_path / "b.py")])
    (tmp_path / "a.py").write_text("1\n")
    (tmp_path / "b.py").write_text("2\n3\n")
    assert version_of([str(tmp_path / "a.py"), str(tmp_path / "b.py")]) != before


def test_patterns_fit_names_and_paths():
    rules = Rules(["*.py", "conf/*.yaml"], ["test_*", "build"])
    assert rules.includes("a/b/c.py")
    assert rules.includes(os.path.join("conf", "a.yaml"))
    assert not rules.includes("a.yaml")
    assert not rules.includes("a/test_b.py")
    assert not rules.covers("build/a.py")
    assert not rules.enters("x/build", "/nowhere/x/build")
    assert rules.enters("x/built", "/nowhere/x/built")
