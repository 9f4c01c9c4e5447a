"""Command lines as scripts write them (spec section 5), and what is understood."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.cli import catalog
from sandbox.cli.changes import edits, overrides, shares
from sandbox.cli.front import split
from sandbox.cli.main import main
from sandbox.cli.parser import flags_of, flat
from sandbox.model.errors import UsageError
from tests.unit.sandbox.cli_run import parsed, table

E, D = "online-endpoint", "online-deployment"


def line(text):
    return text.split()


# --- Lines of Microsoft's samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (line(f"{E} create --name e -f e.yml"), {"name": "e", "file": "e.yml"}),
        (line(f"{E} create -n e --auth-mode aml_token --local"), {"auth_mode": "aml_token", "local": True}),
        (line(f"{E} create --file=e.yml --local true"), {"file": "e.yml", "local": True}),
        (line(f"{E} create --local false -n e"), {"local": False, "name": "e"}),
        (line(f"{E} create --f e.yml"), {"file": "e.yml"}),
        (
            line(f"{D} create --name blue --endpoint e -f b.yml --all-traffic"),
            {"endpoint_name": "e", "all_traffic": True},
        ),
        (line(f"{D} create -e e -n b --file b.yml --with-package"), {"package_model": True}),
        (
            line(f"{D} create -f b.yml --skip-script-validation --no-wait"),
            {"skip_script_validation": True, "no_wait": True},
        ),
        (line(f"{D} create --local -f b.yml --vscode-debug --local-enable-gpu"), {"local": True, "vscode_debug": True}),
        (line(f"{D} create --local=true -f b.yml --web"), {"local": True, "web": True}),
        (line(f"{E} invoke --name e --deployment green --request-file r.json"), {"deployment_name": "green"}),
        (line(f"{E} invoke -n e -r r.json -d blue -o tsv"), {"request_file": "r.json", "output": "tsv"}),
        (line(f"{E} show -n e --out TSV"), {"output": "tsv"}),
        (line(f"{E} show -n e -otsv --query scoring_uri"), {"output": "tsv", "query": "scoring_uri"}),
        (line(f"{E} show -n e --resource-group g --workspace w"), {"resource_group": "g", "workspace_name": "w"}),
        (line(f"{E} delete -n e -y --no-wait"), {"yes": True, "no_wait": True}),
        (line(f"{D} get-logs -n b -e e --lines 100 -c storage-initializer"), {"lines": 100}),
        (line(f"{D} get-logs -n b -e e"), {"lines": 5000, "container": "inference-server"}),
        (
            line("model create -n m -p ./m -t mlflow_model -v 2"),
            {"path": "./m", "type": "mlflow_model", "version": "2"},
        ),
        (line("model show --name m --label latest --registry-name r"), {"label": "latest", "registry_name": "r"}),
        (line("model list -n m -r 5 --include-archived"), {"max_results": 5, "include_archived": True}),
        (
            line("environment create -n e -i image -c conda.yml -b ctx -d Df"),
            {"image": "image", "build_context": "ctx"},
        ),
        (line(f"{E} regenerate-keys -n e --key-type Secondary"), {"key_type": "secondary"}),
        (line("connection create --file c.yml --populate-secrets"), {"populate_secrets": True}),
    ],
)
def test_flags_aliases_and_beginnings(words, expected):
    given = vars(parsed(words))
    assert {key: given[key] for key in expected} == expected


def test_one_letter_means_what_the_verb_says():
    assert flat(parsed([E, "update", "-n", "e", "-r", "blue=100"]).traffic) == ["blue=100"]
    assert parsed([E, "invoke", "-n", "e", "-r", "f.json"]).request_file == "f.json"
    assert parsed(["model", "list", "-r", "3"]).max_results == 3


def test_pairs_after_one_set_and_set_again_are_the_same():
    once = parsed([D, "create", "-f", "b.yml", "--set", "a=1", "b.c=x", "--name", "n"])
    again = parsed([D, "create", "-f", "b.yml", "--set", "a=1", "--name", "n", "--set", "b.c=x"])
    assert overrides(once) == overrides(again)
    assert [(each.path, each.value) for each in overrides(once)] == [(("name",), "n"), (("a",), 1), (("b", "c"), "x")]


@pytest.mark.parametrize("before", [["-o", "tsv"], ["--out=tsv"], ["-otsv"], ["--output", "tsv", "-g", "group"]])
def test_general_flags_may_stand_before_the_group_and_before_the_verb(before):
    assert parsed([*before, E, "show", "-n", "e"]).output == "tsv"
    assert parsed([E, *before, "show", "-n", "e"]).output == "tsv"


def test_az_ml_before_the_group_is_taken_for_nothing():
    assert split(["az", "ml", E, "show"], catalog.ALONE).verb == "show"
    assert split(["ml", E, "list"], catalog.ALONE).group == E


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (line(f"{E} update -n e --f x"), "ambiguous option: --f could match --file, --force-string"),
        (line(f"{E} show"), "the following arguments are required: --name/-n"),
        (line(f"{D} create -n b"), "the following arguments are required: --file/-f"),
        (line(f"{E} show -n e -o xml"), "invalid choice: 'xml'"),
        (line(f"{E} show -n e more"), "unrecognized arguments: more"),
        (line(f"{D} get-logs -n b -e e -l none"), "'none' is no number"),
        (line(f"{D} get-logs -n b -e e -l 0"), "0 is less than 1"),
        (line(f"{E} create -n e --local maybe"), "'maybe' is neither true nor false"),
    ],
)
def test_a_wrong_line_is_2_and_says_why_on_standard_error(words, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert "\nERROR: " in err
    assert message in err


def test_a_misspelled_flag_names_the_nearest(capsys):
    with pytest.raises(SystemExit):
        main([E, "update", "-n", "e", "--trafic", "blue=100"])
    assert "did you mean --traffic?" in capsys.readouterr().err


def test_a_misspelled_verb_names_the_nearest(capsys):
    assert main([E, "shwo"]) == 2
    assert "did you mean show?" in capsys.readouterr().err


# --- Traffic ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["blue=90 green=10"],
        ["blue=90", "green=10"],
        ["blue=90, green=10"],
        ["blue=90% green=10%"],
        [" blue=90  green=10 "],
    ],
)
def test_shares_as_one_text_or_several(words):
    assert shares(parsed([E, "update", "-n", "e", "--traffic", *words]).traffic, "--traffic") == {
        "blue": 90,
        "green": 10,
    }


def test_no_shares_and_none_said_are_two_things():
    assert shares(parsed([E, "update", "-n", "e"]).traffic, "--traffic") is None
    assert shares(parsed([E, "update", "-n", "e", "--mirror-traffic", ""]).mirror_traffic, "--mirror-traffic") == {}


@pytest.mark.parametrize("text", ["blue", "blue=", "=10", "blue=ten", "blue=1.5", "blue:90"])
def test_other_shares_are_refused_with_an_example(text):
    with pytest.raises(UsageError) as caught:
        shares([[text]], "--traffic")
    assert (caught.value.code, caught.value.exit_code) == ("E010", 2)
    assert "--traffic" in caught.value.fix


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True), st.integers(0, 100), min_size=1))
def test_shares_come_back_as_they_were_written(wanted):
    text = " ".join(f"{name}={share}" for name, share in wanted.items())
    assert shares([[text]], "--traffic") == wanted
    assert shares([text.split()], "--traffic") == wanted


# --- --set, --add, --remove ------------------------------------------------------------------------------------------


def made(*words):
    return [(each.kind, each.path, each.value) for each in edits(parsed([E, "update", "-n", "e", *words]))]


def test_edits_are_read_as_json_where_they_are():
    assert made("--set", "tags.a=1", "tags.b=[1, 2]", 'tags.c="1"', "tags.d=x y", "tags.e=") == [
        ("set", ("tags", "a"), 1),
        ("set", ("tags", "b"), [1, 2]),
        ("set", ("tags", "c"), "1"),
        ("set", ("tags", "d"), "x y"),
        ("set", ("tags", "e"), ""),
    ]


def test_force_string_leaves_them_texts():
    assert made("--set", "tags.a=1", "--add", "list", "2", "--force-string") == [
        ("set", ("tags", "a"), "1"),
        ("add", ("list",), "2"),
    ]


def test_what_is_added_is_a_value_or_pairs():
    assert made("--add", "list", "1", "--add", "list", "a=1", "b=x", "--add", "list", '{"c": 2}') == [
        ("add", ("list",), 1),
        ("add", ("list",), {"a": 1, "b": "x"}),
        ("add", ("list",), {"c": 2}),
    ]


def test_what_is_removed_is_a_key_or_an_item():
    assert made("--remove", "tags.a", "--remove", "list", "0") == [
        ("remove", ("tags", "a"), None),
        ("remove", ("list", 0), None),
    ]


@pytest.mark.parametrize(
    "words", [["--add", "list"], ["--remove", "list", "first"], ["--remove", ".x"], ["--set", "a"]]
)
def test_edits_that_make_no_sense(words):
    with pytest.raises(UsageError) as caught:
        made(*words)
    assert caught.value.code == "E042"


def test_paths_in_flags_are_seen_from_here_and_addresses_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = {"path": ("path",)}
    there = overrides(parsed(["model", "create", "-n", "m", "-p", "m/a.pkl"]), keys)
    remote = overrides(parsed(["model", "create", "-n", "m", "-p", "azureml://datastores/d/paths/m"]), keys)
    assert there[1].value == str(tmp_path / "m" / "a.pkl")
    assert remote[1].value == "azureml://datastores/d/paths/m"


def test_tags_are_pairs():
    given = parsed(["model", "create", "-n", "m", "--tags", "a=1", "b=x y=2"])
    assert [(each.path, each.value) for each in overrides(given)[1:]] == [
        (("tags", "a"), "1"),
        (("tags", "b"), "x"),
        (("tags", "y"), "2"),
    ]


# --- Every flag of every verb ----------------------------------------------------------------------------------------

TABLES = [
    ([entry.name, verb.name] if verb.name else [entry.name], verb)
    for entry in catalog.ENTRIES
    for group in [catalog.group(entry.name)]
    for verb in group.verbs
    if not verb.open
]


@pytest.mark.parametrize(("words", "verb"), TABLES, ids=[" ".join(words) for words, _ in TABLES])
def test_no_two_flags_of_a_verb_share_a_name(words, verb):
    names = [name for flag in flags_of(verb) for name in flag.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("words", "verb"), TABLES, ids=[" ".join(words) for words, _ in TABLES])
def test_every_verb_has_an_example_that_its_parser_takes(words, verb):
    assert verb.examples
    for example in verb.examples:
        plain = example.partition("  #")[0].partition(" | ")[0].partition(" < ")[0].strip()
        command = shlex.split(plain.removeprefix('eval "$(').removesuffix(')"'))
        assert command[0] == "sandbox"
        if verb.name or command[1:2] == words[:1]:
            assert table(command[1:])[0] == verb
            parsed(command[1:])


AZURE = [(words, verb) for words, verb in TABLES if verb.kind == "azure"]


@settings(deadline=None)  # the machine may be busy
@given(st.data())
def test_order_and_spelling_of_flags_make_no_difference(data):
    words, verb = data.draw(st.sampled_from(AZURE))
    flags = data.draw(st.lists(st.sampled_from(flags_of(verb)), unique_by=lambda flag: flag.field))
    flags += [flag for flag in verb.flags if flag.required and flag not in flags]
    given = {flag: data.draw(value_of(flag)) for flag in flags}
    plain = [word for flag, value in given.items() for word in spelled(flag.names[0], value, joined=False)]
    mixed = [
        word
        for flag in data.draw(st.permutations(flags))
        for word in spelled(data.draw(st.sampled_from(flag.names)), given[flag], joined=data.draw(st.booleans()))
    ]
    assert parsed([*words, *plain]) == parsed([*words, *mixed])


def value_of(flag):
    if flag.kind in {"switch", "truth"}:
        return st.none()
    if flag.kind == "choice":
        return st.sampled_from(flag.choices)
    if flag.kind == "number":
        return st.integers(1, 10**6).map(str)
    return st.from_regex(r"[a-zA-Z0-9_./{}\[\]@:äß ][a-zA-Z0-9_./=\-]{0,12}", fullmatch=True)


def spelled(name, value, *, joined):
    if value is None:
        return [name]
    return [f"{name}={value}"] if joined and name.startswith("--") else [name, value]


OUTPUTS = [["-o", "tsv"], ["--output=tsv"], ["-otsv"], ["--out", "tsv"], ["--query", "a b"], ["--verb"]]
OTHERS = [["-g", "online-endpoint"], ["--workspace", "show"], ["--debug"], ["--only-show-errors"], ["--subscription=s"]]
GENERAL = st.sampled_from(OUTPUTS + OTHERS)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(GENERAL, max_size=3), st.lists(GENERAL, max_size=3), st.lists(GENERAL, max_size=3))
def test_general_flags_mean_the_same_wherever_they_stand(first, second, third):
    spread = [*flat(first), E, *flat(second), "show", "-n", "e", *flat(third)]
    assert parsed(spread) == parsed([E, "show", "-n", "e", *flat(first), *flat(second), *flat(third)])
