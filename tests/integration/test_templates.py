"""Every sample script, served as its docstring says and asked what its docstring asks."""

import http.client
import json
import shutil
import time

import pytest

import templates
from sandbox.demo import project
from tests.support.served import ask, served


@pytest.fixture
def serve(tmp_path):
    """A context manager that serves a copy of one template."""

    def start(name, model_dir=None):
        folder = tmp_path / name
        shutil.copytree(templates.path(name), folder, ignore=shutil.ignore_patterns("__pycache__"))
        return served(folder / "score.py", model_dir=model_dir, log=tmp_path / "server.log")

    return start


def sample(name: str) -> object:
    return json.loads(templates.path(f"{name}/sample-request.json").read_text(encoding="utf-8"))


def test_the_classifier_answers_its_sample_request(serve, tmp_path):
    project.train(tmp_path)
    with serve("classifier", tmp_path / "models" / "blue") as port:
        status, took_ms, answer = ask(port, "POST", "/score", sample("classifier"))
    assert status == 200, answer
    assert float(took_ms) >= 0
    (flower,) = json.loads(answer)
    assert flower["species"] == "setosa"
    assert flower["probability"] > 0.9


def test_the_schema_sample_converts_describes_and_refuses(serve):
    with serve("schema") as port:
        good = ask(port, "POST", "/score", sample("schema"))
        bad = ask(port, "POST", "/score", {"points": [[1.0, 2.0]], "threshold": 1.5})
        document = json.loads(ask(port, "GET", "/swagger.json")[2])
    assert good[0] == 200, good
    assert json.loads(good[2]) == {"scores": [6.0, -11.25], "above": [True, False]}
    assert bad[0] == 400, bad
    assert "points" in bad[2]
    assert sorted(document["definitions"]["ServiceInput"]["properties"]) == ["points", "threshold"]


@pytest.mark.parametrize(
    ("method", "body", "content_type", "status", "answer"),
    [
        ("POST", b"a,b\n1,2\n3,4\n", "text/csv", 200, {"a": 2.0, "b": 3.0}),
        ("GET", None, "", 200, {"usage": "POST a CSV file with a header line"}),
        ("POST", b"{}", "application/json", 415, {"message": "expected text/csv, got application/json"}),
        ("POST", b"a,b\n", "text/csv", 400, {"message": "the file has no rows"}),
    ],
)
def test_the_raw_sample_answers_uploads_and_says_what_it_wants(serve, method, body, content_type, status, answer):
    with serve("rawhttp") as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, "/score", body, {"Content-Type": content_type} if content_type else {})
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())) == (status, answer)
        assert response.getheader("X-Row-Count") == ("2" if body and status == 200 else None)
        connection.close()


def test_the_streaming_sample_sends_each_word_when_it_is_made(serve):
    with serve("streaming") as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/score", json.dumps({"prompt": "one two three"}))
        response = connection.getresponse()
        assert response.status == 200
        arrived = [(json.loads(line)["text"], time.monotonic()) for line in response]
        connection.close()
    assert [word for word, _ in arrived] == ["ONE", "TWO", "THREE"]
    assert arrived[2][1] - arrived[0][1] > 0.3, "the pieces came together, at the end"


def test_the_async_sample_waits_for_all_look_ups_at_once(serve):
    names = [f"customer{number}" for number in range(10)]
    with serve("async") as port:
        status, took_ms, answer = ask(port, "POST", "/score", {"customers": names})
    assert status == 200, answer
    assert list(json.loads(answer)) == names
    assert float(took_ms) < 500, "ten look-ups of 100 ms each, one after the other"
