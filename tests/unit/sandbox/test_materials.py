"""What the storage-initializer lays out: names that survive, copies that stay, links that are said."""

import errno
import os
import stat
import sys

import pytest

from sandbox.copies import content, copying
from sandbox.environment import materials
from sandbox.environment.materials import clean, digest_of_code, lay_out
from sandbox.home import Home
from sandbox.model.asset import Model
from sandbox.model.deployment import CodeConfiguration, ManagedDeployment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet
from sandbox.model.reference import AssetReference
from sandbox.spec.fingerprint import name_assets


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home")).make()


@pytest.fixture
def place(tmp_path):
    """Lay a deployment out, in a folder of its own each time."""
    home, made = Home(str(tmp_path / "home")).make(), []

    def lay(model=None, code=None, script="score.py", *, link_code=False, folder=None, report=quiet):
        made.append(folder or str(tmp_path / f"set{len(made)}"))
        configuration = CodeConfiguration(str(code), script) if code else None
        asset = Model(path=str(model)) if isinstance(model, os.PathLike) else model
        deployment = name_assets(ManagedDeployment("blue", "shop", model=asset, code_configuration=configuration))
        return lay_out(home, deployment, made[-1], link_code=link_code, report=report)

    return lay


def write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def files_below(folder):
    return {
        os.path.relpath(os.path.join(base, name), folder).replace(os.sep, "/")
        for base, _, names in os.walk(folder, followlinks=True)
        for name in names
    }


# --- Models ----------------------------------------------------------------------------------------------------------


def test_a_models_folder_keeps_its_name_below_name_and_version(place, tmp_path):
    write(tmp_path / "model-1/model/a.pkl", "weights")
    model = Model("iris", "3", f"{tmp_path}/model-1/model/")
    found = place(model)
    assert found.model_dir.endswith(os.path.join("azureml-models", "iris", "3"))
    assert files_below(found.model_dir) == {"model/a.pkl"}, "and no sibling leaks in"


def test_a_single_file_lies_under_its_own_name(place, tmp_path):
    found = place(Model("iris", "1", str(write(tmp_path / "m/a.pkl"))))
    assert files_below(found.model_dir) == {"a.pkl"}


def test_an_anonymous_model_is_named_by_its_content_and_has_version_1(place, tmp_path):
    found = place(write(tmp_path / "m/a.pkl").parent)
    digest, version = found.model_dir.split(os.sep)[-2:]
    assert (len(digest), version) == (64, "1")


def test_two_deployments_share_the_bytes_of_a_model_that_neither_can_change(place, tmp_path):
    model = Model("iris", "1", str(write(tmp_path / "m/a.pkl").parent))
    one, two = (os.path.join(place(model).model_dir, "m", "a.pkl") for _ in range(2))
    assert os.path.samefile(one, two)
    assert not os.stat(one).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_what_a_script_adds_beside_a_model_is_not_seen_by_others(place, tmp_path):
    model = Model("iris", "1", str(write(tmp_path / "m/a.pkl").parent))
    one, two = place(model), place(model)
    with open(os.path.join(one.model_dir, "m", "cache.bin"), "w", encoding="utf-8") as file:
        file.write("mine")
    assert files_below(two.model_dir) == {"m/a.pkl"}


def test_changing_the_source_does_not_change_what_runs(place, tmp_path):
    path = write(tmp_path / "m/a.pkl", "old")
    found = place(Model("iris", "1", str(path.parent)))
    path.write_text("new", encoding="utf-8")
    with open(os.path.join(found.model_dir, "m", "a.pkl"), encoding="utf-8") as file:
        assert file.read() == "old"


def test_a_large_model_is_linked_and_that_is_said(place, tmp_path, monkeypatch):
    monkeypatch.setattr(materials, "MOST_COPIED", 10)
    monkeypatch.setattr(copying, "_clone", lambda _reading, _writing: False)
    source = write(tmp_path / "m/a.pkl", "more than ten bytes").parent
    found = place(Model("iris", "1", str(source)))
    assert os.path.samefile(os.path.join(found.model_dir, "m"), source)
    assert any("linked and not copied" in line for line in found.log)
    assert any("sha256:" in line for line in found.log), "digests are told all the same"
    assert found.digests == ()


def test_a_large_model_is_copied_where_blocks_can_be_shared(place, tmp_path, monkeypatch):
    def clone(reading, writing):
        os.write(writing, os.read(reading, 1000))
        return True

    monkeypatch.setattr(materials, "MOST_COPIED", 10)
    monkeypatch.setattr(copying, "_clone", clone)
    source = write(tmp_path / "m/a.pkl", "more than ten bytes").parent
    found = place(Model("iris", "1", str(source)))
    copy = os.path.join(found.model_dir, "m")
    assert not os.path.samefile(copy, source)
    assert not os.path.islink(copy)
    assert files_below(copy) == {"a.pkl"}


@pytest.mark.parametrize("address", ["azureml://datastores/d/paths/m", "https://example.com/m.zip", "runs:/1/model"])
def test_a_model_in_the_cloud_is_an_error_that_says_what_to_do(place, address):
    with pytest.raises(SandboxError, match="E082") as caught:
        place(Model("iris", "1", address))
    assert "download it" in caught.value.fix


def test_a_reference_that_nobody_resolved_is_the_same_error(place):
    with pytest.raises(SandboxError, match="E082"):
        place(AssetReference("azureml:iris:1", "iris", "1"))


@pytest.mark.parametrize("name", ["..", "../../etc", "."])
def test_a_name_never_climbs_out_of_the_folder(place, tmp_path, name):
    with pytest.raises(SandboxError, match="E080"):
        place(Model(name, "1", str(write(tmp_path / "a.pkl"))))


def test_a_model_that_is_missing_is_named(place, tmp_path):
    with pytest.raises(SandboxError, match="E080") as caught:
        place(Model("iris", "1", str(tmp_path / "nowhere")))
    assert "nowhere is missing" in caught.value.what


def test_no_model_and_no_code_is_nothing_to_lay_out(place):
    found = place()
    assert (found.model_dir, found.code_root, found.app_root, found.entry_script) == (None, None, None, None)


# --- Code ------------------------------------------------------------------------------------------------------------


def test_code_lies_under_its_folders_name_and_the_script_is_split_as_azure_does(place, tmp_path):
    write(tmp_path / "onlinescoring/src/score.py")
    found = place(code=tmp_path / "onlinescoring", script="src/score.py")
    assert found.code_root.endswith(os.path.join("azureml-app", "onlinescoring"))
    assert found.app_root == os.path.join(found.code_root, "src")
    assert found.entry_script == "score.py"
    assert os.path.isfile(os.path.join(found.app_root, found.entry_script))


def test_each_set_of_instances_may_write_its_own_copy_of_the_code(place, tmp_path):
    code = write(tmp_path / "code/score.py", "old").parent
    one, two = place(code=code), place(code=code)
    with open(os.path.join(one.app_root, "score.py"), "w", encoding="utf-8") as file:
        file.write("new")
    with open(os.path.join(two.app_root, "score.py"), encoding="utf-8") as file:
        assert file.read() == "old"
    assert (code / "score.py").read_text(encoding="utf-8") == "old"


def test_the_same_code_is_stored_once(place, tmp_path, home):
    write(tmp_path / "a/code/score.py")
    write(tmp_path / "b/code/score.py")
    assert place(code=tmp_path / "a/code").digests == place(code=tmp_path / "b/code").digests
    assert len([name for name in os.listdir(home.content) if len(name) == 64]) == 1


def test_developers_run_their_own_files(place, tmp_path):
    code = write(tmp_path / "code/score.py").parent
    found = place(code=code, link_code=True)
    assert (found.code_root, found.app_root, found.entry_script) == (str(code), str(code), "score.py")
    assert any("linked" in line for line in found.log)


def test_a_program_stays_a_program(place, tmp_path):
    write(tmp_path / "code/score.py")
    write(tmp_path / "code/tool.sh").chmod(0o755)
    found = place(code=tmp_path / "code")
    assert os.access(os.path.join(found.code_root, "tool.sh"), os.X_OK)
    assert not os.stat(os.path.join(found.code_root, "score.py")).st_mode & stat.S_IXUSR


def test_what_is_no_content_is_left_out(place, tmp_path):
    for name in ("score.py", "__pycache__/a.pyc", ".git/config", "sub/__pycache__/b.pyc", "sub/x.py", ".hidden"):
        write(tmp_path / "code" / name)
    assert files_below(place(code=tmp_path / "code").code_root) == {"score.py", "sub/x.py", ".hidden"}


def test_the_ignore_file_counts(place, tmp_path):
    for name in ("score.py", "data/big.csv", "notes.txt", "keep.txt", "deep/er/notes.txt"):
        write(tmp_path / "code" / name)
    write(tmp_path / "code/.gitignore", "score.py\n")
    write(tmp_path / "code/.amlignore", "# comment\ndata/\n*.txt\n!keep.txt\n")
    found = place(code=tmp_path / "code")
    assert files_below(found.code_root) == {"score.py", "keep.txt", ".amlignore", ".gitignore"}
    assert any("keep.txt: Azure leaves it out" in line for line in found.log), "it goes by the first pattern"


def test_gitignore_counts_where_there_is_no_amlignore(place, tmp_path):
    for name in ("score.py", "model.pkl", "sub/.gitignore"):
        write(tmp_path / "code" / name, "score.py")
    write(tmp_path / "code/.gitignore", "*.pkl\n")
    assert files_below(place(code=tmp_path / "code").code_root) == {"score.py", ".gitignore", "sub/.gitignore"}


def test_ignore_files_do_not_count_in_models(place, tmp_path):
    write(tmp_path / "m/a.pkl")
    write(tmp_path / "m/.gitignore", "*")
    assert files_below(place(Model("iris", "1", str(tmp_path / "m"))).model_dir) == {"m/a.pkl", "m/.gitignore"}


def test_a_virtual_environment_in_the_code_is_left_out_and_said(place, tmp_path):
    write(tmp_path / "code/score.py")
    write(tmp_path / "code/.venv/pyvenv.cfg")
    write(tmp_path / "code/.venv/lib/big.so")
    found = place(code=tmp_path / "code")
    assert files_below(found.code_root) == {"score.py"}
    assert any("virtual environment" in line for line in found.log)


@pytest.mark.parametrize(
    ("ignore", "script", "hint"),
    [("*.py\n", "score.py", "ignore file"), ("", "../score.py", "outside"), ("", "other.py", "no such file")],
)
def test_a_script_that_is_not_there_says_why(place, tmp_path, ignore, script, hint):
    write(tmp_path / "code/score.py")
    write(tmp_path / "score.py")
    write(tmp_path / "code/.amlignore", ignore)
    with pytest.raises(SandboxError, match="E080") as caught:
        place(code=tmp_path / "code", script=script)
    assert hint in caught.value.why


# --- Links -----------------------------------------------------------------------------------------------------------

links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@links
def test_links_become_what_they_point_to(place, tmp_path):
    write(tmp_path / "elsewhere/secret.txt", "content")
    write(tmp_path / "code/score.py")
    (tmp_path / "code/file.txt").symlink_to(tmp_path / "elsewhere/secret.txt")
    (tmp_path / "code/folder").symlink_to(tmp_path / "elsewhere")
    found = place(code=tmp_path / "code")
    assert files_below(found.code_root) == {"score.py", "file.txt", "folder/secret.txt"}
    assert not os.path.islink(os.path.join(found.code_root, "file.txt"))
    assert not os.path.islink(os.path.join(found.code_root, "folder"))
    assert any("folder: a link" in line for line in found.log)


@links
def test_links_that_lead_nowhere_or_in_a_circle_are_left_out_and_said(place, tmp_path):
    write(tmp_path / "code/sub/score.py")
    (tmp_path / "code/gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "code/sub/up").symlink_to(tmp_path / "code")
    os.mkfifo(tmp_path / "code/pipe")
    found = place(code=tmp_path / "code", script="sub/score.py")
    assert files_below(found.code_root) == {"sub/score.py"}
    log = "\n".join(found.log)
    assert "gone: left out, the link leads nowhere" in log
    assert "sub/up: left out, the link leads round in a circle" in log
    assert "pipe: left out" in log


# --- Again, interrupted, damaged --------------------------------------------------------------------------------------


def test_laid_out_again_it_is_what_it_was(place, tmp_path):
    code = write(tmp_path / "code/score.py", "old").parent
    folder = str(tmp_path / "one")
    first = place(code=code, folder=folder)
    write(code / "score.py", "new")
    assert place(code=code, folder=folder) == first
    with open(os.path.join(first.app_root, "score.py"), encoding="utf-8") as file:
        assert file.read() == "old"


def test_what_a_killed_command_left_is_begun_anew(place, tmp_path, home):
    code = write(tmp_path / "code/score.py").parent
    folder = tmp_path / "one"
    write(folder / "azureml-app/code/half.py")
    found = place(code=code, folder=str(folder))
    assert files_below(found.code_root) == {"score.py"}


@pytest.mark.parametrize("interrupted", ["copy", "place"])
def test_an_interrupted_copy_leaves_no_draft_and_no_record(place, tmp_path, home, monkeypatch, interrupted):
    def interrupt(*args, **named):
        raise KeyboardInterrupt

    module = copying if interrupted == "copy" else content
    monkeypatch.setattr(module, interrupted, interrupt)
    with pytest.raises(KeyboardInterrupt):
        place(code=write(tmp_path / "code/score.py").parent, folder=str(tmp_path / "one"))
    assert [name for name in os.listdir(home.content) if name.startswith(".draft")] == []
    assert not (tmp_path / "one/materials.json").exists()


def test_stored_content_that_somebody_changed_is_not_used(place, tmp_path, home):
    model = Model("iris", "1", str(write(tmp_path / "m/a.pkl", "good").parent))
    stored = os.path.join(place(model).model_dir, "m", "a.pkl")
    os.chmod(stored, 0o644)
    with open(stored, "w", encoding="utf-8") as file:
        file.write("evil, and longer")
    with open(os.path.join(place(model).model_dir, "m", "a.pkl"), encoding="utf-8") as file:
        assert file.read() == "good"


def test_a_file_that_is_written_during_the_copy_is_noticed(place, tmp_path, monkeypatch):
    path, real, calls = write(tmp_path / "m/a.pkl", "one"), copying.copy, []

    def copy(source, *args, **named):
        calls.append(source)
        found = real(source, *args, **named)
        with open(path, "a", encoding="utf-8") as file:
            file.write("more")
        return found

    monkeypatch.setattr(copying, "copy", copy)
    with pytest.raises(SandboxError, match="E083"):
        place(Model("iris", "1", str(path)))
    assert len(calls) == 2, "tried twice"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "E079"), (errno.EACCES, "E081"), (errno.EIO, "E081"), (errno.ENOENT, "E080")]
)
def test_failures_of_the_file_system_are_told_as_what_they_are(place, tmp_path, monkeypatch, number, code):
    def copy(source, *args, **named):
        raise OSError(number, os.strerror(number), source)

    monkeypatch.setattr(copying, "copy", copy)
    with pytest.raises(SandboxError, match=code):
        place(Model("iris", "1", str(write(tmp_path / "a.pkl"))))


# --- The log, the memory, the store ---------------------------------------------------------------------------------


def test_the_log_has_each_file_with_bytes_and_digest(place, tmp_path):
    write(tmp_path / "m/a.pkl", "12345")
    write(tmp_path / "code/score.py", "")
    events = []
    found = place(Model("iris", "2", str(tmp_path / "m")), tmp_path / "code", report=events.append)
    line = next(line for line in found.log if "a.pkl" in line)
    assert "  5 bytes  sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5" in line
    assert any("score.py  0 bytes  sha256:e3b0c442" in line for line in found.log)
    assert {(event.step, event.endpoint, event.deployment) for event in events} == {("storage", "shop", "blue")}


def test_a_long_list_is_told_in_part_and_logged_in_full(place, tmp_path):
    for number in range(50):
        write(tmp_path / f"m/{number}.bin")
    events = []
    found = place(Model("iris", "2", str(tmp_path / "m")), report=events.append)
    assert sum("sha256:" in line for line in found.log) == 50
    assert len(events) < 30
    assert any("and 30 more" in event.text for event in events)


def test_long_copies_tell_how_far_they_are(monkeypatch):
    now, events = iter([0.0, 1.0, 2.5, 3.0, 5.0]), []
    monkeypatch.setattr(copying.time, "monotonic", lambda: next(now))
    progress = copying.Progress(events.append, "copying model m", 400 * 1024**2)
    for _ in range(4):
        progress.add(100 * 1024**2)
    assert [event.text for event in events] == [
        "copying model m: 200.0 MiB of 400.0 MiB",
        "copying model m: 400.0 MiB of 400.0 MiB",
    ]


def test_a_file_that_was_read_is_not_read_again_until_it_changes(place, tmp_path, monkeypatch):
    path = write(tmp_path / "m/a.pkl", "old")
    os.utime(path, (1, 1))
    model, copied, real = Model("iris", "1", str(path.parent)), [], copying.copy
    monkeypatch.setattr(copying, "copy", lambda source, *a, **n: (copied.append(source), real(source, *a, **n))[1])
    first = place(model)
    second = place(model)
    assert (len(copied), first.digests) == (1, second.digests)
    write(path, "new")
    assert place(model).digests != first.digests


def test_clean_removes_what_nobody_uses_and_hurts_nobody(place, tmp_path, home):
    used, unused = tmp_path / "used", tmp_path / "unused"
    one = place(Model("a", "1", str(write(tmp_path / "m1/a.pkl", "12345").parent)), folder=str(used))
    two = place(Model("b", "1", str(write(tmp_path / "m2/b.pkl", "123").parent)), folder=str(unused))
    assert clean(home, [str(used)]) == 0, "too young: another command may be about to use it"
    for digest in (*one.digests, *two.digests):
        os.utime(os.path.join(home.content, f"{digest}.json"), (1, 1))
    draft = write(tmp_path / "home/content/.draft-dead/x").parent
    os.utime(draft, (1, 1))
    assert clean(home, [str(used)]) == 3
    assert not draft.exists()
    assert sorted(name for name in os.listdir(home.content) if len(name) == 64) == list(one.digests)
    assert files_below(two.model_dir) == {"m2/b.pkl"}, "a running deployment keeps its files"


def test_the_digest_of_code_changes_with_what_would_be_taken_and_with_nothing_else(tmp_path, home):
    code = write(tmp_path / "code/score.py", "one").parent
    write(code / ".amlignore", "*.log")
    first = digest_of_code(home, str(code))
    write(code / "a.log")
    write(code / "__pycache__/score.pyc")
    assert digest_of_code(home, str(code)) == first
    write(code / "score.py", "two")
    assert digest_of_code(home, str(code)) != first


def test_paths_that_are_gone_are_forgotten(place, tmp_path, home):
    path = write(tmp_path / "m/a.pkl")
    os.utime(path, (1, 1))
    place(Model("a", "1", str(path)))
    seen = os.path.join(home.content, "seen")
    assert len(os.listdir(seen)) == 1
    path.unlink()
    clean(home, [])
    assert os.listdir(seen) == []


def test_in_words():
    assert [copying.in_words(n) for n in (0, 1023, 1024, 1536, 3 * 1024**3, 2 * 1024**4)] == [
        "0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "3.0 GiB", "2.0 TiB",
    ]  # fmt: skip
