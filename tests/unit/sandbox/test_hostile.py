"""Whatever the file: findings, never a traceback of ours."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.cli.main import main
from sandbox.model.errors import UsageError
from sandbox.spec.kinds import KINDS, NAMES
from sandbox.spec.load import examine
from sandbox.spec.override import parse
from tests.unit.sandbox.cases import CASES
from tests.unit.sandbox.mutations import GONE, changed, spots

RELAXED = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    return folder / "f.yml"


def survives(file, content, changes=(), kind=None):
    """Examine, and look at what came back as the command line does."""
    file.write_bytes(content)
    examined = examine(str(file), changes, kind)
    assert (examined.value is None) == bool(examined.errors)
    for problem in examined.problems:
        json.dumps(problem.as_json())
        assert problem.what
        assert problem.place.line is None or problem.place.line >= 1
    return examined


@RELAXED
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"a: !!float .")
def test_any_bytes(file, content):
    survives(file, content)


MARKUP = st.sampled_from(
    [
        *":-?[]{},#&*!|>'\"%@` \n\t\r~<=.+_",
        "a",
        "b",
        "1",
        "0x",
        "<<",
        "- ",
        ": ",
        "\n  ",
        "---\n",
        "...",
        "&a ",
        "*a",
        "é",
    ]
)


@RELAXED
@given(st.lists(MARKUP, max_size=60).map("".join))
@example("a: 0b\nb: +_\nc: ._\nd: 1:99\ne: .e1\nf: 0o\ng: -0x\n")
@example("? ? ? a")
@example("!!int x: 1")
@example("{a: !!timestamp 2}")
def test_any_mixture_of_yaml_signs(file, text):
    survives(file, text.encode("utf-8", "surrogatepass"))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dates()
    | st.sampled_from(
        ["azureml:m:1", "file:f.yml", ".", "src", "score.py", "100", "true", "kubernetes", "azureml://", "\0"]
    )
)


def known_keys(record, depth=0):
    for key in record.keys:
        yield key.name
        inner = getattr(key.reader, "record", key.reader)
        inner = getattr(inner, "of", inner)
        if hasattr(inner, "keys") and depth < 4:
            yield from known_keys(inner, depth + 1)


KEYS = st.sampled_from(
    sorted({name for kind in KINDS.values() for name in known_keys(kind.record)} | {"$schema", "nvidia.com/gpu"})
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=25,
)


@RELAXED
@given(st.dictionaries(KEYS, VALUES, max_size=8), st.sampled_from([None, *NAMES]))
def test_known_keys_with_any_value(file, content, kind):
    survives(file, yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "surrogatepass"), kind=kind)


def understood(text):
    """The override that a text is, None where it is refused as none."""
    try:
        return parse(text)
    except UsageError:
        return None


GOOD = [case.path.read_text(encoding="utf-8") for case in CASES if case.accepted]


@RELAXED
@given(st.sampled_from(GOOD), st.data())
def test_good_files_with_a_wound(file, text, data):
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(at + 20, len(text))))
    wound = data.draw(st.lists(MARKUP, max_size=4).map("".join))
    survives(file, (text[:at] + wound + text[until:]).encode("utf-8", "surrogatepass"))


PATHS = st.lists(st.one_of(KEYS, st.integers(0, 3).map(lambda n: f"[{n}]")), min_size=1, max_size=4).map(
    lambda parts: ".".join(parts).replace(".[", "[")
)


@RELAXED
@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(PATHS, VALUES.map(lambda v: json.dumps(v, default=str)) | st.text(max_size=8)), max_size=4),
)
def test_any_override_of_a_good_file(file, text, pairs):
    survives(file, text.encode(), [made for path, value in pairs if (made := understood(f"{path}={value}"))])


@RELAXED
@given(st.text(max_size=30))
def test_any_text_as_an_override(text):
    made = understood(text)
    assert made is None or made.path


@pytest.mark.parametrize("case", [case for case in CASES if case.accepted], ids=lambda case: case.name)
def test_a_good_file_with_one_value_gone_or_wrong(case, file):
    content = yaml.safe_load(case.path.read_text(encoding="utf-8"))
    for path in spots(content):
        for instead in (GONE, None, 3, "x", [], {}):
            survives(file, json.dumps(changed(content, path, instead)).encode(), kind=case.kind)


@RELAXED
@given(st.sampled_from(GOOD), st.data())
def test_the_command_itself_prints_findings_only(file, capfd, text, data):
    at = data.draw(st.integers(0, len(text)))
    file.write_text(text[:at] + data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)) + text[at:])
    assert main(["validate", str(file)]) in (0, 1)
    assert "E002" not in capfd.readouterr().err
