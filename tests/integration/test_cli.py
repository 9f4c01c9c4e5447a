"""Endpoints and deployments from the command line: real processes, the real gateway, nothing stands in for anything."""

import contextlib
import http.client
import json
import os
import signal
import subprocess

import pytest

from tests.support.commands import DEPLOYMENT, PROGRAM, SCORE, commands, until

E, D = "online-endpoint", "online-deployment"
REQUEST = '{"items": [1, 2]}'


@pytest.fixture
def sandbox(tmp_path):
    with commands(tmp_path) as run:
        run.write("score.py", SCORE)
        run.write("blue.yml", DEPLOYMENT)
        run.write("request.json", REQUEST)
        yield run


@pytest.fixture
def shop(sandbox):
    """An endpoint with a deployment that has all the traffic."""
    sandbox.out(E, "create", "-n", "shop")
    sandbox.out(D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml", "--all-traffic")
    return sandbox


def test_the_life_of_an_endpoint(sandbox):
    made = sandbox.json(E, "create", "--name", "shop", "--resource-group", "g", "--workspace-name", "w")
    assert (made["name"], made["auth_mode"], made["provisioning_state"]) == ("shop", "key", "Succeeded")
    assert made["resourceGroup"]
    assert list(made) == sorted(made)
    blue = sandbox.json(D, "create", "--name", "blue", "--endpoint", "shop", "-f", "blue.yml", "--all-traffic")
    assert (blue["name"], blue["endpoint_name"], blue["provisioning_state"]) == ("blue", "shop", "Succeeded")
    assert sandbox.json(E, "show", "-n", "shop", "--query", "traffic") == {"blue": 100}

    answer = sandbox.json(E, "invoke", "-n", "shop", "--request-file", "request.json")
    assert json.loads(answer) == {"word": "tea", "items": [1, 2]}
    assert sandbox.out(E, "invoke", "-n", "shop", "-r", "request.json", "-d", "blue", "-o", "tsv").startswith('{"word"')

    address = sandbox.out(E, "show", "-n", "shop", "--query", "scoring_uri", "-o", "tsv").strip()
    key = sandbox.out(E, "get-credentials", "-n", "shop", "--query", "primaryKey", "-o", "tsv").strip()
    assert asked(address, key) == 200
    assert sandbox.out(E, "regenerate-keys", "-n", "shop", "--key-type", "primary") == ""
    fresh = sandbox.out(E, "get-credentials", "-n", "shop", "--query", "primaryKey", "-o", "tsv").strip()
    assert (asked(address, key), asked(address, fresh)) == (401, 200)

    assert sandbox.out(E, "list", "--query", "[].name", "-o", "tsv") == "shop\n"
    assert sandbox.out(D, "list", "-e", "shop", "--query", "[].{Name:name}", "-o", "table") == "Name\n------\nblue\n"
    assert "init says tea" in sandbox.out(D, "get-logs", "-n", "blue", "-e", "shop", "--lines", "50")
    assert "score.py" in sandbox.out(D, "get-logs", "-n", "blue", "-e", "shop", "-c", "storage-initializer")

    assert sandbox.out(E, "delete", "--name", "shop", "--yes", "--no-wait") == ""
    assert sandbox(E, "show", "-n", "shop", "-o", "none").returncode == 3
    assert sandbox.json(E, "list") == []


def test_homes_that_choose_a_port_at_the_same_moment_get_different_ones(tmp_path):
    with contextlib.ExitStack() as stack:
        homes = []
        for number in range(4):
            (tmp_path / str(number)).mkdir()
            homes.append(stack.enter_context(commands(tmp_path / str(number))))
        running = [home.started(E, "create", "-n", "shop", "--query", "scoring_uri", "-o", "tsv") for home in homes]
        said = [each.communicate(timeout=60) for each in running]
        assert [each.returncode for each in running] == [0] * 4, said
        assert len({out for out, _ in said}) == 4


def asked(address, key):
    host, _, path = address.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("POST", f"/{path}", REQUEST, {"Authorization": f"Bearer {key}"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((E, "show", "-n", "none"), 3, "ERROR: (E050) no endpoint 'none'"),
        ((D, "show", "-n", "none", "-e", "shop"), 3, "ERROR: (E051) "),
        ((E, "invoke", "-n", "none"), 3, "ERROR: (E050) "),
        ((E, "invoke", "-n", "shop", "-d", "none"), 3, "ERROR: (E051) "),
        ((D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml"), 1, "ERROR: (E052) "),
        ((D, "delete", "-n", "blue", "-e", "shop", "-y"), 1, "ERROR: (E057) "),
        ((D, "delete", "-n", "blue", "-e", "shop"), 1, "Operation cancelled."),
        ((E, "update", "-n", "shop", "--traffic", "blue=50"), 1, "ERROR: (E05"),
        ((E, "update", "-n", "shop", "--traffic", "green=100"), 1, "ERROR: (E056) "),
        ((E, "create", "-n", "a_b"), 1, "ERROR: (E038) "),
        ((D, "create", "-f", "none.yml"), 1, "ERROR: (E020) "),
        ((D, "update", "-n", "blue", "-e", "shop", "--set", "instance_count=many"), 1, "ERROR: (E032) "),
        ((D, "update", "-n", "blue", "-e", "shop", "--remove", "nothing"), 2, "ERROR: (E042) "),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_errors_are_lines_that_scripts_find(words, code, message, shop_once):
    done = shop_once(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert any(line.startswith(message) for line in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def shop_once(tmp_path_factory):
    """One endpoint for all tests that change nothing."""
    with commands(tmp_path_factory.mktemp("shop")) as run:
        run.write("score.py", SCORE)
        run.write("blue.yml", DEPLOYMENT)
        run.out(E, "create", "-n", "shop")
        run.out(D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml", "--all-traffic")
        yield run


def test_files_come_from_standard_input_and_from_substitutions(sandbox):
    made = json.loads(sandbox.out(E, "create", "-f", "/dev/stdin", input="name: first\ntags: {a: b}\n"))
    assert (made["name"], made["tags"]) == ("first", {"a": "b"})
    line = f"{' '.join(PROGRAM)} {E} create -n second -f <(echo auth_mode: aml_token) -o tsv --query auth_mode"
    done = subprocess.run(
        ["bash", "-c", line], cwd=sandbox.folder, env=sandbox.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "aml_token\n"), done.stderr
    token = sandbox.json(E, "get-credentials", "-n", "second")
    assert {"accessToken", "expiryTimeUtc", "refreshAfterTimeUtc", "tokenType"} <= set(token)


def test_updates_by_set_add_and_remove(shop):
    changed = shop.json(D, "update", "-n", "blue", "-e", "shop", "--set", "environment_variables.WORD=cake", "tags.a=1")
    assert changed["environment_variables"] == {"WORD": "cake"}
    assert json.loads(shop.json(E, "invoke", "-n", "shop", "-r", "request.json"))["word"] == "cake"
    shop.out(E, "update", "-n", "shop", "--set", "tags.team=fruit", "description=the shop")
    shop.out(E, "update", "-n", "shop", "--add", "tags", "stage=test", "--remove", "tags.team")
    found = shop.json(E, "show", "-n", "shop")
    assert (found["tags"], found["description"], found["traffic"]) == ({"stage": "test"}, "the shop", {"blue": 100})
    assert shop.json(D, "update", "-n", "blue", "-e", "shop", "--set", "instance_count=2")["instance_count"] == 2
    (endpoint,) = shop.json("status", "-o", "json")["endpoints"]
    assert [each["running"] for each in endpoint["deployments"]] == [2]


def test_a_deployment_that_does_not_start_shows_its_own_line_and_leaves_traffic_alone(shop):
    shop.write("score.py", SCORE.replace("global word\n", "global word\n    raise KeyError('cake')\n"))
    done = shop(D, "create", "-n", "green", "-e", "shop", "-f", "blue.yml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ERROR: (E05" in done.stderr
    assert "score.py" in done.stderr
    assert "KeyError: 'cake'" in done.stderr
    assert json.loads(shop.json(E, "invoke", "-n", "shop", "-r", "request.json"))["word"] == "tea"
    assert shop.out(D, "show", "-n", "green", "-e", "shop", "--query", "provisioning_state", "-o", "tsv") == "Failed\n"
    assert "green failed: [E05" in shop.out("status")


def test_a_model_that_fails_is_told_in_its_own_words(shop):
    shop.write("bad.json", "{}")
    done = shop(E, "invoke", "-n", "shop", "-r", "bad.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR: (E012) the answer is 424 (the model said 500)\n")
    assert "KeyError: 'items'" in done.stderr
    assert "get-logs -n blue -e shop" in done.stderr


def test_no_wait_returns_and_the_work_goes_on(sandbox):
    sandbox.out(E, "create", "-n", "shop")
    made = sandbox.json(D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml", "--no-wait")
    assert made["provisioning_state"] in {"Creating", "Succeeded"}
    show = (D, "show", "-n", "blue", "-e", "shop", "--query", "provisioning_state", "-o", "tsv")
    until(lambda: sandbox.out(*show) == "Succeeded\n", "blue is ready")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_after_ctrl_c_the_same_command_goes_on(number, code, sandbox):
    flag = sandbox.folder / "go"
    waiting = f"global word\n    import os.path, time\n    while not os.path.exists({str(flag)!r}): time.sleep(0.05)\n"
    sandbox.write("score.py", SCORE.replace("global word\n", waiting))
    sandbox.out(E, "create", "-n", "shop")
    words = (D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml")
    running = sandbox.started(*words)
    try:
        for line in running.stderr:
            if "ready" in line:
                break
        os.kill(running.pid, number)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (running.returncode, out) == (code, "")
    assert "Interrupted" in err
    assert "Say the same command again" in err
    flag.touch()
    assert sandbox.json(*words)["provisioning_state"] == "Succeeded"


# --- Our own verbs ---------------------------------------------------------------------------------------------------


def test_a_folder_goes_up_and_down(sandbox):
    sandbox.out("init", "fruit")
    file = sandbox.folder / "fruit" / "blue-deployment.yml"
    text = file.read_text()
    file.write_text(text[: text.index("environment:")] + text[text.index("instance_type:") :])
    first = sandbox.out("up", "fruit")
    assert "endpoint fruit: created\n" in first
    assert "deployment fruit/blue: created\n" in first
    assert "100 %  1 of 1 instances" in first
    again = sandbox.json("up", "fruit", "-o", "json")
    assert [each["change"] for each in again] == ["unchanged", "unchanged"]
    answer = sandbox.out(E, "invoke", "-n", "fruit", "-r", "fruit/sample-request.json", "-o", "tsv")
    assert json.loads(answer) == {"total": 6.7, "items": 2}
    assert "3 prices loaded" in sandbox.out("logs")
    table = sandbox.out("status").splitlines()
    assert table[0].split() == ["Endpoint", "Deployment", "State", "Traffic", "Mirror", "Instances", "Port", "Address"]
    assert table[2].split()[:5] == ["fruit", "blue", "Succeeded", "100", "%"]
    assert sandbox("down").returncode == 2
    assert sandbox("down", "fruit").returncode == 1
    assert sandbox.out("down", "fruit", "-y") == "fruit: deleted\n"
    assert sandbox.out("status").startswith("There is no endpoint yet.")


def test_logs_of_several_deployments_carry_their_names_and_can_be_followed(shop):
    shop.out(D, "create", "-n", "green", "-e", "shop", "-f", "blue.yml", "--set", "environment_variables.WORD=cake")
    lines = shop.out("logs", "shop").splitlines()
    assert any(line.startswith("blue  | ") and "init says tea" in line for line in lines)
    assert any(line.startswith("green | ") and "init says cake" in line for line in lines)
    following = shop.started("logs", "shop", "--follow")
    try:
        seen = next(line for line in following.stdout if "init says cake" in line)
        shop.out(E, "invoke", "-n", "shop", "-r", "request.json")
        asked_line = next(line for line in following.stdout if "POST /score 200" in line)
        os.kill(following.pid, signal.SIGINT)
        following.communicate(timeout=30)
    finally:
        following.kill()
    assert seen.startswith("green | ")
    assert asked_line.startswith("blue  | ")
    assert following.returncode == 130


def test_the_agent_is_started_once_and_ended(sandbox):
    assert "The agent is off" in sandbox.out("agent", "status")
    assert sandbox.out("agent", "start").startswith("The agent runs: process ")
    found = sandbox.json("agent", "status", "-o", "json")
    assert found["running"]
    assert f"process {found['pid']}," in sandbox.out("agent", "start")
    assert sandbox("agent", "run").returncode == 1
    assert sandbox.out("agent", "stop") == "The agent was ended.\n"
    assert sandbox.out("agent", "stop") == "The agent was off.\n"
