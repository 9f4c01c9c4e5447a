"""Files as they really come: other encodings, broken, huge, hostile."""

import os

import pytest

from sandbox.model.problem import SpecError
from sandbox.spec.compose import compose
from sandbox.spec.load import examine, load
from sandbox.spec.nodes import plain
from sandbox.spec.source import Source, read

GOOD = "name: my-endpoint\nauth_mode: key\n"


def of(tmp_path, content, name="f.yml"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return examine(str(file))


def codes(examined):
    return [problem.code for problem in examined.problems]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        b"---\n" + GOOD.encode() + b"...\n",
        b"%YAML 1.1\n---\n" + GOOD.encode(),
        "# käse ☃\nname: my-endpoint\ndescription: 日本語\nauth_mode: key\n".encode(),
    ],
)
def test_forms_of_text_that_are_fine(tmp_path, content):
    assert codes(of(tmp_path, content)) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E025"),
        (b"\n\n# only words\n", "E025"),
        (b"---\n", "E025"),
        (b"just text", "E025"),
        (b"~", "E025"),
        (b"\xff\xfe\x00", "E021"),
        (b"name: caf\xe9\n", "E021"),
        (b"name: a\x00b\n", "E021"),
        (b"name: \x1b[31mred\n", "E021"),
        (b"\x89PNG\r\n\x1a\n", "E021"),
        (b"name: x\n" * 40_000, "E022"),
        (b"[" * 3000, "E022"),
        (b"a: " * 3000, "E023"),
        (b"{a: " * 3000, "E022"),
        (b"- " * 3000, "E022"),
        (b"? " * 3000, "E022"),
        (b"a: &a [*a]\n", "E023"),
        (b"a: *nobody\n", "E023"),
        (b'{"name": "my-endpoint",\t"auth_mode": "key"}', "E023"),  # JSON, but PyYAML and so Azure refuse the tab
        (b"<<: 3\nname: my-endpoint\nauth_mode: key\n", "E023"),
        (b"name: my-endpoint\nauth_mode: key\ntags: {? [a] : b}\n", "E023"),
        (b"name: my-endpoint\nauth_mode: key\ntags: {n: 0x_}\n", "E023"),
        (b"name: my-endpoint\nauth_mode: key\ntags: {n: 2024-13-45}\n", "E023"),
        (b"name: my-endpoint\nauth_mode: key\ntags: !!set {a}\n", "E023"),
        (b"name: my-endpoint\nauth_mode: key\ntags: {n: " + b"9" * 5000 + b"}\n", "E023"),
        (b"what: nobody knows\n", "E026"),
        (b"$schema: https://x/latest/batchDeployment.schema.json\nname: b\n", "E026"),
        (b"$schema: https://x/latest/commandJob.schema.json\n", "E026"),
        (b"endpoint_name: b\nmini_batch_size: 10\n", "E026"),
        (b"name: b\ndefaults: {deployment_name: d}\n", "E026"),
    ],
)
def test_what_cannot_be_read_is_one_kind_error(tmp_path, content, code):
    examined = of(tmp_path, content)
    assert codes(examined) == [code]
    assert examined.value is None
    with pytest.raises(SpecError) as caught:
        load(examined.file)
    assert caught.value.code == code


def test_a_billion_laughs_are_refused_early(tmp_path):
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert codes(of(tmp_path, "\n".join(lines))) == ["E022"]


def test_a_chain_of_aliases_that_is_too_deep_to_walk_is_refused(tmp_path):
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000)]
    assert codes(of(tmp_path, "\n".join(lines))) == ["E022"]


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "endpoint.yml").write_text(GOOD)
    problem = examine(str(tmp_path / "endpoint.yaml")).problems[0]
    assert problem.code == "E020"
    assert "endpoint.yml?" in problem.fix


def test_a_folder_names_the_files_in_it(tmp_path):
    (tmp_path / "endpoint.yml").write_text(GOOD)
    problem = examine(str(tmp_path)).problems[0]
    assert (problem.code, problem.fix) == ("E020", "name a file in it: endpoint.yml")


def test_names_that_no_file_can_have():
    assert codes(examine("a\0b")) == ["E020"]
    assert codes(examine("x" * 5000)) == ["E020"]


def test_a_pipe_is_read_once():
    reader, writer = os.pipe()
    os.write(writer, GOOD.encode())
    os.close(writer)
    try:
        assert codes(examine(f"/dev/fd/{reader}")) == []
    finally:
        os.close(reader)


def test_merge_keys_mean_what_they_mean_in_pyyaml():
    text = "base: &b {x: 1, y: 1}\nother: &o {y: 2, z: 2}\nc: {<<: [*b, *o], x: 3}\nd: {x: 3, <<: *b}\n"
    node, problems = compose(Source("f", text))
    assert problems == []
    assert plain(node)["c"] == {"x": 3, "y": 1, "z": 2}
    assert plain(node)["d"] == {"x": 3, "y": 1}


def test_a_duplicate_names_both_places(tmp_path):
    problem = of(tmp_path, "name: my-endpoint\nauth_mode: key\nname: x\n").problems[0]
    assert (problem.place.line, problem.related.line) == (3, 1)
    assert "line 1" in problem.what


def test_columns_count_characters_not_bytes(tmp_path):
    problem = of(tmp_path, "name: my-endpoint\nauth_mode: key\ntags: {größe: 1, ä: 2, ä: 3}\n").problems[0]
    assert (problem.place.line, problem.place.column) == (3, 24)


def test_a_long_line_is_cut_in_messages(tmp_path):
    file = tmp_path / "f.yml"
    file.write_text("x" * 10_000 + ": 1")
    assert len(read(str(file)).line(1)) == 200


@pytest.mark.parametrize("name", ["environment", "conda_file"])
def test_problems_in_a_file_that_is_referred_to_have_its_name(tmp_path, name):
    (tmp_path / "inner.yml").write_text("image: a\nimage: b\n")
    value = "file:inner.yml" if name == "environment" else "{image: x, conda_file: inner.yml}"
    text = f"name: blue\nendpoint_name: e-one\ninstance_type: s\nenvironment: {value}\n"
    problems = of(tmp_path, text).problems
    assert ("E024", str(tmp_path / "inner.yml"), 2) in [(p.code, p.place.file, p.place.line) for p in problems]


def test_an_environment_that_refers_to_itself_ends(tmp_path):
    (tmp_path / "self.yml").write_text("environment: file:self.yml\n")
    text = "name: blue\nendpoint_name: e-one\ninstance_type: s\nenvironment: file:self.yml\n"
    assert codes(of(tmp_path, text)) == ["E030"]


@pytest.mark.parametrize("content", ["", "- a\n", "a: [\n"])
def test_a_conda_file_without_a_mapping(tmp_path, content):
    (tmp_path / "conda.yml").write_text(content)
    text = "name: my-env\nimage: x\nconda_file: conda.yml\n"
    assert len(codes(of(tmp_path, text))) == 1


def test_requirements_are_no_conda_file(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy\npandas\n")
    examined = of(tmp_path, "name: my-env\nimage: x\nconda_file: requirements.txt\n")
    assert codes(examined) == ["E025"]


def test_a_conda_file_without_dependencies_is_doubtful(tmp_path):
    (tmp_path / "conda.yml").write_text("name: x\n")
    examined = of(tmp_path, "name: my-env\nimage: x\nconda_file: conda.yml\n")
    assert codes(examined) == ["W063"]
    assert examined.value.conda_file == str(tmp_path / "conda.yml")
    assert examined.value.conda == {"name": "x"}


@pytest.mark.parametrize(
    ("line", "column"), [("endpoint_name: {{endpoint_name}}", 16), ("description: {{acr}}.azurecr.io/x:1", 14)]
)
def test_a_placeholder_that_nobody_filled_in_is_named(tmp_path, line, column):
    problem = of(tmp_path, f"name: blue\n{line}\ninstance_type: s\n").problems[0]
    assert (problem.code, problem.place.line, problem.place.column) == ("E023", 2, column)
    assert "is a placeholder that nobody has filled in" in problem.what


def test_a_command_that_reads_another_kind_than_the_schema_says_doubts_it(tmp_path):
    file = tmp_path / "f.yml"
    file.write_text("$schema: https://x/managedOnlineDeployment.schema.json\nname: my-endpoint\n")
    problems = examine(str(file), kind="endpoint").problems
    assert [problem.code for problem in problems] == ["W063"]
    assert problems[0].what == "$schema says that this is a deployment; it is read as an endpoint"


@pytest.mark.parametrize(
    "schema", ["3", "nothing-of-the-kind", "https://x/onlineEndpoint.schema.json", "x/online-endpoint.json"]
)
def test_schema_lines_that_say_little_or_enough(tmp_path, schema):
    assert codes(of(tmp_path, f"$schema: {schema}\nname: my-endpoint\nauth_mode: key\n")) == []


DEPLOYMENT = "name: blue\nendpoint_name: e-one\ninstance_type: s\n"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("file:m", "m"),
        ("file://{here}/m", "m"),
        ("{here}/m", "m"),
        ("./m/../m/", "m"),
        ("azureml://datastores/d/paths/p", None),
        ("https://example.org/m.zip", None),
        ("runs:/1/model", None),
    ],
)
def test_paths_become_absolute_and_addresses_stay(tmp_path, written, found):
    (tmp_path / "m").mkdir()
    written = written.format(here=tmp_path)
    model = of(tmp_path, f"{DEPLOYMENT}model: {{name: m, path: '{written}'}}\n").value.model
    assert model.path == (str(tmp_path / found) if found else written)


@pytest.mark.parametrize(
    ("value", "words", "fix"),
    [
        ("model: {path: ''}", "path is empty", "write ."),
        ('model: {path: "a\\0b"}', "does not exist", ""),
        ("model: {path: modle}", "modle does not exist", "did you mean"),
        ("model: {path: below}", "below does not exist", "exists: write the path as it looks from the YAML file"),
        ("code_configuration: {code: file.py, scoring_script: x}", "is no folder", ""),
        ("model: {path: 'C:\\model'}", "does not exist", ""),
        ("model: {path: 'azureml:m:1'}", "an address without a name", "write model: azureml:m:1"),
        ("environment: {conda_file: model}", "is no file", ""),
        ("environment: {conda_file: [a]}", "conda_file is a list", ""),
        ("environment: file:nowhere.yml", "does not exist", ""),
        ("environment: [a]", "environment is a list where a reference or a mapping is wanted", ""),
    ],
)
def test_paths_that_lead_nowhere(tmp_path, monkeypatch, value, words, fix):
    (tmp_path / "model").mkdir()
    (tmp_path / "file.py").write_text("")
    (tmp_path / "elsewhere" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    problem = next(p for p in of(tmp_path, f"{DEPLOYMENT}{value}\n").problems if p.is_error)
    assert words in problem.what
    assert fix in problem.fix


@pytest.mark.parametrize("key", ["local_path", "model_uri"])
def test_keys_of_older_files_are_translated(tmp_path, key):
    problem = of(tmp_path, f"{DEPLOYMENT}model: {{{key}: x}}\n").problems[0]
    assert (problem.code, problem.fix) == ("E030", "write path")


def test_both_spellings_of_a_key(tmp_path):
    text = 'name: blue\nendpoint_name: e-one\ntype: kubernetes\nresources: {limits: {gpu: "1", nvidia.com/gpu: "1"}}\n'
    assert codes(of(tmp_path, text)) == ["E041"]


def test_a_path_behind_a_link_is_what_the_system_would_open(tmp_path):
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "model").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")
    (tmp_path / "named").symlink_to(tmp_path / "real" / "model")
    assert of(tmp_path, f"{DEPLOYMENT}model: {{path: link/../model}}\n").value.model.path == str(
        tmp_path / "real" / "model"
    )
    assert of(tmp_path, f"{DEPLOYMENT}model: {{path: ./named}}\n").value.model.path == str(tmp_path / "named")
