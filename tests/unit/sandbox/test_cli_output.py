"""Results as az prints them (spec section 5, "Output"): compared with the literal text."""

import io
import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.cli.commands import images
from sandbox.cli.output import formatted, search, with_groups
from sandbox.model.errors import SandboxError

ENDPOINT = {
    "name": "shop",
    "auth_mode": "key",
    "id": "/subscriptions/0/resourceGroups/fruit/providers/Microsoft.MachineLearningServices/x",
    "traffic": {"green": 10, "blue": 90},
    "tags": {},
    "scoring_uri": "http://127.0.0.1:8000/score",
    "description": "Grüße",
    "app_insights_enabled": False,
}


def test_images_of_no_time_have_no_age():
    assert images._age(315532800.0) == "-"
    assert images._age(time.time() - 7300) == "2 hours"


def test_json_is_two_deep_sorted_and_unescaped():
    assert formatted({"b": [1, {"z": None, "a": "ü"}], "a": {}}, "json") == (
        '{\n  "a": {},\n  "b": [\n    1,\n    {\n      "a": "ü",\n      "z": null\n    }\n  ]\n}\n'
    )


def test_an_answer_is_a_string_in_json_and_itself_in_tsv():
    body = '{"total": 5.5, "note": "a\\"b"}'
    assert json.loads(json.loads(formatted(body, "json"))) == {"total": 5.5, "note": 'a"b'}
    assert formatted(body, "tsv") == body + "\n"


@pytest.mark.parametrize("form", ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"])
def test_nothing_is_printed_for_none(form):
    assert formatted(None, form) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("http://x/score", "http://x/score\n"),
        (7, "7\n"),
        (True, "true\n"),
        ([True, False], "true\nfalse\n"),
        ([[True, 1]], "True\t1\n"),
        ({"b": 1, "a": "x", "c": {"d": 1}, "e": [1, 2], "f": None, "g": True}, "x\t1\t\t2\tNone\tTrue\n"),
        ([{"name": "a"}, {"name": "b"}], "a\nb\n"),
        (["a", "b"], "a\nb\n"),
        ([], ""),
        ("", "\n"),
        ({}, "\n"),
    ],
)
def test_tsv(value, text):
    assert formatted(value, "tsv") == text


@pytest.mark.parametrize(
    ("query", "form", "text"),
    [
        ("scoring_uri", "tsv", "http://127.0.0.1:8000/score\n"),
        ("scoring_uri", "json", '"http://127.0.0.1:8000/score"\n'),
        ("traffic", "json", '{\n  "blue": 90,\n  "green": 10\n}\n'),
        ("traffic", "tsv", "90\t10\n"),
        ("{Traffic:traffic.green, Name:name}", "tsv", "10\tshop\n"),
        ("{Traffic:traffic.green, Name:name}", "json", '{\n  "Name": "shop",\n  "Traffic": 10\n}\n'),
        ("{Zone:name, Name:name}", "table", "Zone    Name\n------  ------\nshop    shop\n"),
        ("nothing", "json", ""),
        ("[name, auth_mode]", "tsv", "shop\nkey\n"),
        ('tags."a.b"', "tsv", ""),
        ("app_insights_enabled", "tsv", "false\n"),
    ],
)
def test_queries(query, form, text):
    assert formatted(search(query, ENDPOINT), form, queried=True) == text


def test_queries_over_lists():
    both = [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]
    assert formatted(search("[].name", both), "tsv", queried=True) == "a\nb\n"
    assert formatted(search("[0].name", both), "tsv", queried=True) == "a\n"
    assert formatted(search("[?name=='b'].version | [0]", both), "tsv", queried=True) == "2\n"
    assert formatted(search("[].{N:name, V:version}", both), "tsv", queried=True) == "a\t1\nb\t2\n"


def test_a_query_that_is_none_says_so():
    with pytest.raises(SandboxError) as caught:
        search("[?name=", {})
    assert caught.value.code == "E011"
    assert "\n" not in caught.value.why


def test_a_table_drops_ids_and_what_is_nested():
    assert formatted([ENDPOINT, {"name": "x", "type": "t", "description": None}], "table") == (
        "App_insights_enabled    Auth_mode    Description    Name    Scoring_uri\n"
        "----------------------  -----------  -------------  ------  ---------------------------\n"
        "False                   key          Grüße          shop    http://127.0.0.1:8000/score\n"
        "                                                    x\n"
    )


def test_tables_of_other_things():
    assert formatted("shop", "table") == "Result\n--------\nshop\n"
    assert formatted([["a", 1]], "table") == "Column1    Column2\n---------  ---------\na          1\n"
    assert formatted([], "table") == "\n"
    assert formatted({"name": "日本"}, "table") == "Name\n------\n日本\n"
    assert formatted({"log": "a\nb"}, "table") == "Log\n-----\na\\nb\n"


def test_a_table_of_nothing_says_how_to_choose():
    with pytest.raises(SandboxError) as caught:
        formatted({"id": "x"}, "table")
    assert caught.value.code == "E017"


def test_yaml():
    assert formatted({"b": [1], "a": {"c": "ü"}}, "yaml") == "a:\n  c: ü\nb:\n- 1\n"
    assert formatted(search("{B:b, A:b}", {"b": 1}), "yaml", queried=True) == "A: 1\nB: 1\n"


def test_the_resource_group_is_added_where_an_id_has_one():
    assert with_groups(ENDPOINT)["resourceGroup"] == "fruit"
    assert "resourceGroup" not in with_groups({"id": "7"})
    assert with_groups([{"inner": ENDPOINT}])[0]["inner"]["resourceGroup"] == "fruit"


def test_colours_change_nothing_but_colours():
    for form, plain in (("jsonc", "json"), ("yamlc", "yaml")):
        painted = formatted(ENDPOINT, form, coloured=True)
        assert "\x1b[" in painted
        assert re.sub(r"\x1b\[\d+m", "", painted) == formatted(ENDPOINT, plain)
        assert formatted(ENDPOINT, form) == formatted(ENDPOINT, plain)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)  # the machine may be busy
@given(TREES)
def test_json_comes_back_as_it_was(value):
    text = formatted(value, "json")
    assert text == "" if value is None else json.loads(text) == value
    assert re.sub(r"\x1b\[\d+m", "", formatted(value, "jsonc", coloured=True)) == text.replace("\x1b", "\x1b")


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(st.characters(codec="ascii")))))
def test_every_row_of_tsv_and_of_a_table_is_one_line(rows):
    assert formatted(rows, "tsv").count("\n") >= len(rows)
    named = [{**row, "name": "x"} for row in rows if "name" not in row]
    if named and not any("\r" in value or "\x0b" in value for row in named for value in row.values()):
        assert formatted(named, "table").count("\n") == len(named) + 2


def test_a_stream_that_cannot_write_a_sign_gets_an_escape():
    from sandbox.cli.session import write

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write(stream, formatted({"a": "ü"}, "json"))
    stream.flush()
    assert stream.buffer.getvalue() == b'{\n  "a": "\\xfc"\n}\n'
