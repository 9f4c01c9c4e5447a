"""launch.json as people write it, before and after our entries are put in; and the reader of JSON with comments."""

import json
import os
import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_http import cli
from inference_http.debug import jsonc, vscode
from inference_http.debug.vscode import NotWritten, merged, write_entries

NAMES = [vscode.ATTACH, vscode.LAUNCH, vscode.CONTAINER]
ONE = ({"name": "ours", "type": "debugpy", "request": "attach", "connect": {"port": 1}, "justMyCode": True},)


def configurations(text):
    return jsonc.read(text).value["configurations"]


# --- Merging ---------------------------------------------------------------------------------------------------------

THEIRS = """\
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",
  "configurations": [
    {
      "name": "theirs", // and a comment
      "type": "node", /* another */
    }%s
  ],%s
  "compounds": [], // the end
}
"""
OURS = """{
      "name": "ours",
      "type": "debugpy",
      "request": "attach",
      "connect": {
        "port": 1
      },
      "justMyCode": true
    }"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # nothing there
        ("", '{\n    "version": "0.2.0",\n    "configurations": [\n        {\n            "name": "ours"'),
        ("\n  \n", '{\n    "version"'),
        ("\ufeff", '\ufeff{\n    "version"'),
        ("// mine\n", '// mine\n{\n    "version"'),
        ("// mine\r\n", '// mine\r\n{\r\n    "version"'),
        # something there
        ('{"configurations": []}', '{"configurations": [\n    {\n        "name": "ours",'),
        ('{"configurations": [{"name": "a"}]}', '{"configurations": [{"name": "a"},\n    {\n        "name": "ours",'),
        (
            '{"configurations": [ {"name": "a"}, ]}',
            '{"configurations": [ {"name": "a"},\n    {\n        "name": "ours"',
        ),
        ("{}", '{\n    "configurations": [\n        {\n            "name": "ours"'),
        ('{\n\t"version": "1"\n}', '{\n\t"version": "1",\n\t"configurations": [\n\t\t{\n\t\t\t"name": "ours"'),
        (
            '{\n\t"configurations": [ // none yet\n\t]\n}\n',
            '{\n\t"configurations": [ // none yet\n\t\t{\n\t\t\t"name": "ours"',
        ),
        (THEIRS % ("", ""), THEIRS % (",\n    " + OURS, "")),
        (THEIRS % (",", ""), THEIRS % (",\n    " + OURS + ",", "")),
        (THEIRS % (" // last", ""), THEIRS.replace("}%s", "}, // last\n    " + OURS + "%s") % ("", "")),
        (THEIRS % (", // last", ""), THEIRS % (", // last\n    " + OURS + ",", "")),
        (THEIRS % (", /* la\nst */", ""), THEIRS % (",\n    " + OURS + ",\n  /* la\nst */", "")),
    ],
)
def test_the_entry_is_put_in_and_nothing_else_is_touched(before, after):
    text = merged(before, ONE)
    assert text.startswith(after) or text == after, text
    assert configurations(text)[-1] == ONE[0]
    assert merged(text, ONE) == text, "again is no change"
    if "\r\n" in before:
        assert "\n" not in text.replace("\r\n", "")


def test_an_entry_of_ours_is_updated_in_place_and_keeps_what_the_user_chose():
    before = (
        '{"configurations": [\n'
        "  {\n"
        "    // mine\n"
        '    "name": "ours", "type": "python",\n'
        '    "justMyCode": false, // I want to see it all\n'
        '    "connect": {"port": 9}, "env": {"A": "b"}\n'
        "  }, {}\n"
        "]}\n"
    )
    text = merged(before, ONE)
    assert text == (
        '{"configurations": [\n'
        "  {\n"
        "    // mine\n"
        '    "name": "ours", "type": "debugpy",\n'
        '    "justMyCode": false, // I want to see it all\n'
        '    "connect": {\n        "port": 1\n    }, "env": {"A": "b"},\n'
        '    "request": "attach"\n'
        "  }, {}\n"
        "]}\n"
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "1:2: the text ends"),
        ('{\n  "a": 1\n  "b": 2\n}', '3:3: "," or "}"'),
        ('{\r\n  "a": 1\r\n  "b": 2\r\n}', '3:3: "," or "}"'),
        ('\ufeff{"a" 1}', '1:6: ":" was expected'),
        ("{'a': 1}", '1:2: a name in double quotes or "}"'),
        ('{"a": nope}', "1:7: a value was expected"),
        ('{"a": "x\ny"}', "1:7: this string has no end"),
        ('{"a": 1} x', "1:10: nothing more"),
        ('{"a": /* 1}', "1:7: this comment has no end"),
        ('{"a":', "1:6: the text ends where a value was expected"),
        ('{"a": [1, 2', '1:12: "," or "]"'),
        ("[" * 1000, "1:201: the nesting is too deep"),
        ("<<<<<<< HEAD", "1:1: a value was expected"),
        ("[]", "1:1: an object was expected"),
        ('{\n "configurations": {}}', "2:20: an array was expected"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is_and_said_where(tmp_path, text, where):
    path = tmp_path / ".vscode" / "launch.json"
    path.parent.mkdir()
    path.write_bytes(text.encode())
    with pytest.raises(NotWritten, match=f"^{re.escape(f'{path}:{where}')}.*; the file is left as it is$"):
        write_entries(str(tmp_path), None)
    assert path.read_bytes() == text.encode()


def test_a_file_in_another_encoding_is_left_as_it_is(tmp_path):
    path = tmp_path / ".vscode" / "launch.json"
    path.parent.mkdir()
    path.write_bytes('{"a": 1}'.encode("utf-16"))
    with pytest.raises(NotWritten, match="cannot be read as UTF-8"):
        write_entries(str(tmp_path), None)
    assert path.read_bytes() == '{"a": 1}'.encode("utf-16")


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / ".vscode").write_text("a file, not a folder")
    with pytest.raises(NotWritten, match=r"launch\.json: cannot be (read|written)"):
        write_entries(str(tmp_path), None)


# --- The file --------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_made_with_three_entries(tmp_path):
    (tmp_path / "src").mkdir()
    script = tmp_path / "src" / "score.py"
    change = write_entries(str(tmp_path), str(script), port=6000, flags=("--model_dir", "m"))
    path = tmp_path / ".vscode" / "launch.json"
    assert change.path == str(path)
    written = json.loads(path.read_text())
    attach, launch, container = written["configurations"]
    assert [attach["name"], launch["name"], container["name"]] == NAMES
    assert attach["connect"] == container["connect"] == {"host": "127.0.0.1", "port": 6000}
    assert launch["module"] == "inference_http.debug.launch"
    assert launch["args"] == [
        *("--entry_script", "${workspaceFolder}/src/score.py", "--reload", "--debug", "6000", "--model_dir", "m")
    ]
    assert container["pathMappings"] == [{"localRoot": "${workspaceFolder}/src", "remoteRoot": "/var/azureml-app/src"}]
    assert '+            "name": "inference-http: attach",' in change.diff
    assert change.diff.startswith(f"--- {path}\tbefore")


def test_a_second_time_changes_nothing_and_another_port_changes_that(tmp_path):
    write_entries(str(tmp_path), None)
    path = tmp_path / ".vscode" / "launch.json"
    path.chmod(0o600)
    before = path.read_bytes()
    assert write_entries(str(tmp_path), None).diff == ""
    assert path.read_bytes() == before
    change = write_entries(str(tmp_path), None, port=6001)
    minus = [line for line in change.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert all("5678" in line for line in minus)
    assert len(minus) == 3
    assert path.read_bytes() == before.replace(b"5678", b"6001")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["launch.json"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "launch.json").write_text("")
    (tmp_path / ".vscode").symlink_to("shared")
    write_entries(str(tmp_path), None)
    assert (tmp_path / ".vscode").is_symlink()
    assert "configurations" in (tmp_path / "shared" / "launch.json").read_text()


def test_a_script_outside_the_workspace_has_its_whole_path(tmp_path):
    (tmp_path / "workspace").mkdir()
    entries = vscode.entries(str(tmp_path / "workspace"), str(tmp_path / "score.py"), host="h", port=1)
    assert entries[1]["args"][1] == str(tmp_path / "score.py")
    assert entries[2]["pathMappings"][0]["localRoot"] == str(tmp_path)


def test_the_workspace_is_the_nearest_folder_with_settings_of_vscode(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    assert vscode.workspace_of(str(deep)) == str(deep)
    (tmp_path / "project" / ".vscode").mkdir()
    assert vscode.workspace_of(str(deep)) == str(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path / "project" / "src"))
    assert vscode.workspace_of(str(deep)) == str(deep), "what lies in the home folder itself is no project"


def test_the_command_says_what_it_did(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert vscode.command("score.py", port=None) == 0
    said = capsys.readouterr().out
    assert '+            "name": "inference-http: attach",' in said
    assert "F5" in said
    assert vscode.command("score.py") == 0
    assert "already" in capsys.readouterr().out
    (tmp_path / ".vscode" / "launch.json").write_text("{")
    assert vscode.command("score.py") == 1
    assert "launch.json:1:2:" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--write-vscode", "--write_vscode"])
def test_the_flag_writes_the_entries_and_serves_nothing(tmp_path, monkeypatch, flag):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "score.py").write_text("")
    assert cli.main(["--entry_script", "score.py", "--debug", "0.0.0.0:7000", flag]) == 0
    attach, launch, _ = configurations((tmp_path / ".vscode" / "launch.json").read_text())
    assert attach["connect"] == {"host": "127.0.0.1", "port": 7000}
    assert launch["args"] == ["--entry_script", "${workspaceFolder}/score.py", "--reload", "--debug", "7000"]


# --- Whatever people write -------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.sampled_from(["", " ", "\n", "\r\n", "\t", "// c\n", "/* c */", " /* a\n b */ ", '// é "x" {\n    '])


@st.composite
def written(draw, value):
    """A value as somebody may write it, with blanks and comments anywhere, and trailing commas."""

    def gap():
        return draw(BLANKS)

    def write(value):
        if isinstance(value, dict):
            members = [f"{json.dumps(name)}{gap()}:{gap()}{write(item)}{gap()}" for name, item in value.items()]
            return "{" + gap() + ("," + gap()).join(members) + trailing(members) + gap() + "}"
        if isinstance(value, list):
            items = [f"{write(item)}{gap()}" for item in value]
            return "[" + gap() + ("," + gap()).join(items) + trailing(items) + gap() + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def trailing(members):
        return "," if members and draw(st.booleans()) else ""

    return gap() + write(value) + gap()


@given(st.data())
def test_the_reader_reads_what_people_write(data):
    value = data.draw(VALUES)
    text = data.draw(written(value))
    node = jsonc.read(text)
    assert node.value == value
    assert jsonc.read(text[node.start : node.end]).value == value


@given(st.text(max_size=30))
def test_the_reader_refuses_the_rest_with_a_place(text):
    places = [(1, 1)]
    try:
        jsonc.read(text)
    except jsonc.NotJson as error:
        places.append((error.line, error.column))
    assert min(min(place) for place in places) == 1


COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)


@given(st.data())
def test_whatever_stands_in_the_file_still_stands_there(data):
    others = data.draw(
        st.lists(st.dictionaries(st.sampled_from(["name", "type", "x"]), VALUES, max_size=3), max_size=3)
    )
    document = data.draw(st.dictionaries(st.sampled_from(["version", "inputs"]), VALUES, max_size=2))
    text = data.draw(written(document | {"configurations": others}))
    after = merged(text, ONE)
    assert jsonc.read(after).value == document | {"configurations": [*others, ONE[0]]}
    assert merged(after, ONE) == after
    rest = iter(after)
    missing = [character for character in re.sub(r"[ \t]", "", text) if character not in rest]
    assert missing == [], "every character of the old text stands in the new one, in the same order"


def test_the_diff_of_a_file_with_windows_line_ends_shows_only_what_is_new(tmp_path):
    path = tmp_path / ".vscode" / "launch.json"
    path.parent.mkdir()
    path.write_bytes(b'{\r\n  "version": "0.2.0",\r\n  "configurations": [\r\n  ]\r\n}\r\n')
    change = write_entries(str(tmp_path), None)
    removed = [line for line in change.diff.splitlines()[2:] if line.startswith("-")]
    assert removed == []
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
    assert len(json.loads(path.read_bytes())["configurations"]) == 3
    assert os.listdir(path.parent) == ["launch.json"]
