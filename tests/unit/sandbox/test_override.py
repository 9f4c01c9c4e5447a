import pytest

from sandbox.model.errors import UsageError
from sandbox.model.problem import SpecError, dotted
from sandbox.spec.compose import compose
from sandbox.spec.load import examine, load_deployment, load_endpoint
from sandbox.spec.nodes import plain
from sandbox.spec.override import apply, named, parse
from sandbox.spec.source import Source


def changed(text, *assignments):
    root, _ = compose(Source("f.yml", text))
    for assignment in assignments:
        apply(root, parse(assignment), "f.yml")
    return plain(root)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("a=2", {"a": 2, "b": {"c": [{"d": 1}]}}),
        ("a=x=y", {"a": "x=y", "b": {"c": [{"d": 1}]}}),
        ("a=", {"a": "", "b": {"c": [{"d": 1}]}}),
        ("a=true", {"a": True, "b": {"c": [{"d": 1}]}}),
        ('a={"x": [1]}', {"a": {"x": [1]}, "b": {"c": [{"d": 1}]}}),
        ("a=[1", {"a": "[1", "b": {"c": [{"d": 1}]}}),
        ("a=NaN", {"a": "NaN", "b": {"c": [{"d": 1}]}}),
        ("b.c[0].d=2", {"a": 1, "b": {"c": [{"d": 2}]}}),
        ("b.c[1].d=2", {"a": 1, "b": {"c": [{"d": 1}, {"d": 2}]}}),
        ("b.c[0]=2", {"a": 1, "b": {"c": [2]}}),
        ("new.deep.er=2", {"a": 1, "b": {"c": [{"d": 1}]}, "new": {"deep": {"er": 2}}}),
        ("new[0].x=2", {"a": 1, "b": {"c": [{"d": 1}]}, "new": [{"x": 2}]}),
        ('b."x.y/z"=2', {"a": 1, "b": {"c": [{"d": 1}], "x.y/z": 2}}),
        ("b.'x=y'=2", {"a": 1, "b": {"c": [{"d": 1}], "x=y": 2}}),
    ],
)
def test_values_are_json_or_text_and_missing_parents_are_made(assignment, expected):
    assert changed("a: 1\nb: {c: [{d: 1}]}\n", assignment) == expected


def test_later_overrides_see_what_earlier_ones_made():
    assert changed("a: 1\n", "m.path=x", "m.name=y", "m.name=z") == {"a": 1, "m": {"path": "x", "name": "z"}}


def test_a_null_in_the_way_is_replaced():
    assert changed("a:\n", "a.b=1") == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("model.path=x", "nothing to set inside a text"),
        ("n.x=1", "is a number and has no 'x'"),
        ("l.x=1", "is a list and has no 'x'"),
        ("m[0]=1", "is a mapping and has no 0"),
        ("l[5]=1", "has 1 items, so there is no [5]"),
    ],
)
def test_what_cannot_be_set_says_why(assignment, words):
    with pytest.raises(SpecError) as caught:
        changed("model: azureml:m:1\nn: 1\nl: [1]\nm: {a: 1}\n", assignment)
    problem = caught.value.problems[0]
    assert (problem.code, problem.place.origin) == ("E042", f"--set {assignment}")
    assert words in problem.what


@pytest.mark.parametrize("assignment", ["a", "=1", ".a=1", "a..b=1", "a[x]=1", "[0]=1", "a.=1", "a b[=1", 'a."x=1', ""])
def test_an_override_that_is_none_is_a_usage_error(assignment):
    with pytest.raises(UsageError) as caught:
        parse(assignment)
    assert caught.value.exit_code == 2
    assert caught.value.code == "E042"


@pytest.mark.parametrize("path", [("a",), ("a", "b", 0, "c"), ("l", 2), ("r", "x.y", "z")])
def test_a_path_is_written_as_it_is_read(path):
    assert parse(f"{dotted(path)}=1").path == path


@pytest.fixture
def deployment(tmp_path):
    file = tmp_path / "d.yml"
    file.write_text("name: blue\nendpoint_name: e-one\ninstance_type: s\ninstance_count: x\n")
    return str(file)


def test_an_override_is_judged_in_the_place_of_the_value_it_replaces(deployment):
    assert load_deployment(deployment, [parse("instance_count=3")]).instance_count == 3


def test_a_problem_of_an_override_names_it_instead_of_a_line(deployment):
    examined = examine(deployment, [parse("instance_count=many"), parse("tag.a=1")])
    assert [(problem.code, str(problem.place)) for problem in examined.problems] == [
        ("E032", "--set instance_count=many"),
        ("E030", "--set tag.a=1"),
    ]


def test_a_text_key_takes_the_override_as_it_was_typed(deployment):
    made = load_deployment(
        deployment,
        [parse("instance_count=1"), parse("description=1.50"), parse("model.name=7"), parse("model.version=02")],
    )
    assert (made.description, made.model.name, made.model.version) == ("1.50", "7", "02")


def test_force_string_leaves_json_alone():
    assert parse("a=[1]", force_string=True).value == "[1]"


def test_flags_of_their_own_are_named_in_messages(deployment):
    examined = examine(deployment, [parse("instance_count=1"), named("name", "a_b", "-n")])
    assert [str(problem.place) for problem in examined.problems] == ["-n a_b"]


def test_an_endpoint_needs_no_file():
    endpoint = load_endpoint(None, [named("name", "My-Endpoint", "-n")])
    assert (endpoint.name, endpoint.auth_mode, endpoint.is_kubernetes) == ("my-endpoint", "key", False)


def test_relative_paths_of_overrides_start_from_the_file(deployment, tmp_path):
    (tmp_path / "m").mkdir()
    made = load_deployment(deployment, [parse("instance_count=1"), parse("model.path=m")])
    assert made.model.path == str(tmp_path / "m")
