"""Samples: what is equal, what is kept, what is refused."""

import json

import pytest

from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.model.sample import Sample, as_mapping, difference, from_mapping
from sandbox.store import samples


@pytest.mark.parametrize(
    ("expected", "body", "said"),
    [
        ({"a": [1, 2.0, "x", None, True]}, '{"a": [1, 2.0000001, "x", null, true]}', ""),
        ([1.0], "[1]", ""),
        ([float("nan")], "[NaN]", ""),
        (0.0, "1e-9", ""),
        ([1], "[2]", "$[0] is 2 instead of 1"),
        ([100000000], "[100000001]", "$[0] is 100000001 instead of 100000000"),
        ([True], "[1]", "$[0] is 1 instead of true"),
        ({"a": {"b": 1.5}}, '{"a": {"b": 1.6}}', "$.a.b is 1.6 instead of 1.5"),
        ({"a": 1, "b": 2}, '{"a": 1}', "$.b is missing"),
        ({"a": 1}, '{"a": 1, "c": 2}', "$.c was not there before"),
        ([1, 2], "[1]", "$ has 1 items instead of 2"),
        ("plain text", "plain text", ""),
        ("plain text", "other text", '$ is "other text" instead of "plain text"'),
        (1.5, '"1.5"', '$ is "1.5" instead of 1.5'),
    ],
)
def test_answers_are_compared_exactly_but_for_the_rounding_of_fractions(expected, body, said):
    assert difference(Sample("one", b"{}", expected), body.encode()) == said


def test_a_sample_without_an_answer_only_wants_one():
    assert difference(Sample("one", b"{}", checked=False), b"anything") == ""


def test_a_tolerance_is_the_samples_own():
    assert difference(Sample("one", b"", 1.0, tolerance=0.2), b"1.1") == ""
    assert difference(Sample("one", b"", 1.0), b"1.1") != ""


@pytest.mark.parametrize(
    "sample",
    [
        Sample("one", b'{"a": 1}', [0.5]),
        Sample("raw", bytes(range(256)), "text", True, "image/png", 0.1),
        Sample("open", b"{}", checked=False),
    ],
)
def test_a_sample_travels_whole(sample):
    assert from_mapping(json.loads(json.dumps(as_mapping(sample)))) == sample


def test_what_is_kept_is_read_again_and_a_deployments_own_samples_win(tmp_path):
    folder = str(tmp_path / "samples")
    assert samples.read(folder, "blue") == ()
    samples.keep(folder, "Blue", "usual", (b'{"data": [1]}', "application/json"), b"[0.5]")
    samples.keep(folder, "blue", "image", (b"\x89PNG", "image/png"), b"a cat")
    (tmp_path / "samples" / "usual.json").write_text('{"request": {"data": []}, "answer": []}')
    (tmp_path / "samples" / "empty.json").write_text('{"request": {}}')
    found = {each.name: each for each in samples.read(folder, "blue")}
    assert list(found) == ["empty", "image", "usual"]
    assert (json.loads(found["usual"].body), found["usual"].answer) == ({"data": [1]}, [0.5])
    assert (found["image"].body, found["image"].content_type, found["image"].answer) == (
        b"\x89PNG",
        "image/png",
        "a cat",
    )
    assert not found["empty"].checked
    assert [each.answer for each in samples.read(folder, "green") if each.name == "usual"] == [[]]


def test_recording_again_keeps_the_tolerance(tmp_path):
    path = samples.keep(str(tmp_path), "blue", "usual", (b"{}", "application/json"), b"1.5")
    said = json.loads((tmp_path / "blue" / "usual.json").read_text())
    (tmp_path / "blue" / "usual.json").write_text(json.dumps({**said, "tolerance": 0.25}))
    assert samples.keep(str(tmp_path), "blue", "usual", (b"{}", "application/json"), b"1.6") == path
    (found,) = samples.read(str(tmp_path), "blue")
    assert (found.answer, found.tolerance) == (1.6, 0.25)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting"),
        ("[]", "neither"),
        ('{"answer": 1}', "neither"),
        ('{"request": 1, "anser": 1}', "'anser'"),
        ('{"request": 1, "tolerance": true}', "tolerance"),
        ('{"request": 1, "tolerance": 1}', "tolerance"),
        ('{"request_file": "missing.png"}', "No such file"),
    ],
)
def test_a_file_that_is_no_sample_is_named(tmp_path, text, why):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(SandboxError) as raised:
        samples.read(str(tmp_path), "blue")
    assert (raised.value.code, str(tmp_path / "bad.json") in raised.value.what, why in raised.value.why) == (
        "E180",
        True,
        True,
    )


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(SandboxError, match="E180"):
        samples.keep(str(tmp_path), "blue", name, (b"{}", "application/json"), b"1")
    assert list(tmp_path.iterdir()) == []


def test_where_samples_lie_is_remembered_with_the_endpoint(tmp_path):
    home = Home(str(tmp_path))
    samples.remember(home, "shop", "blue", "/somewhere")
    assert samples.remembered(home, "shop", "blue") == ""
    (tmp_path / "endpoints" / "shop").mkdir(parents=True)
    samples.remember(home, "Shop", "Blue", "/somewhere")
    samples.remember(home, "shop", "green", "/elsewhere")
    assert samples.remembered(home, "shop", "blue") == "/somewhere"
    assert samples.remembered(home, "shop", "green") == "/elsewhere"
