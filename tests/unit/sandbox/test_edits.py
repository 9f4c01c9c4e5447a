"""--set, --add and --remove on what there is."""

import pytest

from sandbox.api import Edit
from sandbox.model.errors import UsageError
from sandbox.ops.edits import apply

BASE = {"name": "blue", "tags": {"a": "1"}, "list": [1, 2], "empty": None}


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ([Edit("set", ("name",), "green")], {"name": "green"}),
        ([Edit("set", ("tags", "b"), "2")], {"tags": {"a": "1", "b": "2"}}),
        ([Edit("set", ("x", "y", 0, "z"), 3)], {"x": {"y": [{"z": 3}]}}),
        ([Edit("set", ("empty", "k"), 1)], {"empty": {"k": 1}}),
        ([Edit("set", ("list", 1), 9)], {"list": [1, 9]}),
        ([Edit("set", ("list", 2), 9)], {"list": [1, 2, 9]}),
        ([Edit("add", ("list",), 3)], {"list": [1, 2, 3]}),
        ([Edit("add", ("tags",), {"b": "2"})], {"tags": {"a": "1", "b": "2"}}),
        ([Edit("add", ("new",), "x")], {"new": ["x"]}),
        ([Edit("remove", ("list", 0))], {"list": [2]}),
        ([Edit("remove", ("tags", "a"))], {"tags": {}}),
        ([Edit("set", ("a", "b"), 1), Edit("set", ("a", "c"), 2)], {"a": {"b": 1, "c": 2}}),
    ],
)
def test_an_edit_changes_what_it_names_and_nothing_else(edits, changed):
    before = {**BASE, "tags": dict(BASE["tags"]), "list": list(BASE["list"])}
    assert apply(before, edits) == {**BASE, **changed}
    assert before == BASE


@pytest.mark.parametrize(
    "edit",
    [
        Edit("remove", ("nothing",), origin="--remove nothing"),
        Edit("remove", ("tags", "z", "y"), origin="--remove tags.z.y"),
        Edit("remove", ("list", 7), origin="--remove list 7"),
        Edit("set", ("list", 7), 1, "--set list[7]=1"),
        Edit("set", ("name", "x"), 1, "--set name.x=1"),
        Edit("add", ("name",), 1, "--add name 1"),
        Edit("set", (), 1, "--set =1"),
    ],
)
def test_an_edit_that_leads_nowhere_is_a_usage_error_with_its_text(edit):
    with pytest.raises(UsageError) as caught:
        apply(BASE, [edit])
    assert caught.value.code == "E042"
    assert edit.origin in caught.value.what
