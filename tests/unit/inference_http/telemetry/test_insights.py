"""What Application Insights would be told, and that it costs nothing while it is off."""

import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from inference_http.config.settings import Settings
from inference_http.scoring.answer import Answer
from inference_http.scoring.ids import Ids, bind, unbind
from inference_http.telemetry import insights
from inference_http.telemetry.insights import Insights, create, model_ids

KEY = "11111111-2222-3333-4444-555555555555"
IDS = Ids("rid", "lid", "cid")


class Wire:
    """Keeps what was to be sent."""

    def __init__(self):
        self.requests, self.logs, self.errors, self.closed = [], [], [], []

    def request(self, name, attributes, duration_ms, *, failed):
        self.requests.append((name, attributes, duration_ms, failed))

    def log(self, message, attributes, level=logging.INFO):
        self.logs.append((message, attributes, level))

    def exception(self, error, attributes):
        self.errors.append((error, attributes))

    def close(self, timeout_s):
        self.closed.append(timeout_s)


class Request:
    method = "POST"
    query = "x=1"
    content_type = "application/json"

    def header(self, name):
        return {"Host": "here:5001"}.get(name)


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def on(wire):
    """Make an Insights with some settings; it is closed after the test."""
    made = []

    def make(**settings):
        made.append(Insights(Settings(insights_key=KEY, insights_enabled=True, **settings), wire))
        return made[-1]

    yield make
    for one in made:
        one.close()


def answered(wire, sender, body=b"{}", status=200, duration_ms=12.5):
    sender.log_request(Request(), Answer(status, [], body), IDS, duration_ms)
    return wire.requests[-1]


# --- Off, and not installed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"insights_key": KEY}, {"insights_enabled": True}, {"insights_enabled": True, "insights_key": ""}],
)
def test_off_is_none(settings, caplog):
    with caplog.at_level(logging.INFO):
        assert create(Settings(**settings)) is None
    assert caplog.messages == ["Starting up app insights client"]


def test_off_imports_nothing():
    code = (
        "import sys\nfrom inference_http.telemetry import insights\n"
        "from inference_http.config.settings import Settings\n"
        "assert insights.create(Settings()) is None\n"
        "heavy = ('opentelemetry', 'azure', 'inference_http.telemetry.azure_monitor')\n"
        "assert not [name for name in sys.modules if name.startswith(heavy)]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_not_installed_is_one_line_that_says_how_to_install(monkeypatch, caplog):
    for name in ("opentelemetry", "opentelemetry.trace"):
        monkeypatch.setitem(sys.modules, name, None)
    assert create(Settings(insights_key=KEY, insights_enabled=True)) is None
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "pip install 'endpoint-sandbox[insights]'" in record.getMessage()
    assert "The server goes on without it." in record.getMessage()
    assert record.exc_info is None


def test_packages_that_do_not_fit_together_are_told_from_missing_ones(monkeypatch, caplog):
    def broken(key, role):
        raise ImportError("cannot import name 'LogData'", name="opentelemetry.sdk._logs")

    monkeypatch.setattr("inference_http.telemetry.azure_monitor.Wire", broken)
    assert create(Settings(insights_key=KEY, insights_enabled=True)) is None
    assert "do not fit together (cannot import name 'LogData'): pip install -U" in caplog.messages[-1]


def test_unusable_is_one_line_without_the_key(monkeypatch, caplog):
    other = "99999999-2222-3333-4444-555555555555"
    monkeypatch.setenv(
        "APPLICATIONINSIGHTS_CONNECTION_STRING", f"instrumentationKey={other};IngestionEndpoint=http://x"
    )

    def broken(key, role):
        raise ValueError(f"cannot use {key} nor {other}")

    monkeypatch.setattr("inference_http.telemetry.azure_monitor.Wire", broken)
    assert create(Settings(insights_key=KEY, insights_enabled=True)) is None
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == (
        "Application Insights is on, but cannot be used: ValueError: cannot use (key) nor (key)."
        " The server goes on without it."
    )


def test_on_is_a_sender_for_the_named_service(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "inference_http.telemetry.azure_monitor.Wire", lambda key, role: seen.append((key, role)) or Wire()
    )
    sender = create(Settings(insights_key=KEY, insights_enabled=True, service_name="fish"))
    assert sender is not None
    sender.close()
    assert seen == [(KEY, "fish")]


# --- Requests ------------------------------------------------------------------------------------------------------


def test_a_request_has_the_references_properties(wire, on):
    sender = on(hostname="box", workspace_name="ws", service_name="svc")
    name, attributes, duration_ms, failed = answered(wire, sender, b'{"a": 1}')
    assert (name, duration_ms, failed) == ("/score", 12.5, False)
    assert attributes.pop("start_time").endswith("Z")
    assert attributes == {
        "Container Id": "box",
        "Request Id": "rid",
        "Client Request Id": "cid",
        "Response Value": '{"a": 1}',
        "name": "/score",
        "url": "http://here:5001/score?x=1",
        "duration": "00:00:00.012",
        "resultCode": "200",
        "success": True,
        "http_method": "POST",
        "Workspace Name": "ws",
        "Service Name": "svc",
        "http.method": "POST",
        "http.status_code": 200,
    }


@pytest.mark.parametrize(("status", "failed"), [(200, False), (302, False), (400, True), (500, True)])
def test_success_follows_the_status(wire, on, status, failed):
    _, attributes, _, told = answered(wire, on(), status=status)
    assert (attributes["success"], told) == (not failed, failed)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0.4, "00:00:00.000"),
        (61_001, "00:01:01.001"),
        (3_600_000, "01:00:00.000"),
        (2 * 86_400_000 + 1, "2.00:00:00.001"),
    ],
)
def test_the_duration_is_written_as_a_clock(wire, on, duration_ms, text):
    assert answered(wire, on(), duration_ms=duration_ms)[1]["duration"] == text


def test_a_stream_is_not_read(wire, on):
    def pieces():
        raise AssertionError("read")
        yield b""

    said = answered(wire, on(), body=pieces())[1]["Response Value"]
    assert json.loads(said) == "Scoring request response payload is a stream"


def test_a_binary_body_is_named_and_logs_nothing(wire, on, caplog):
    said = answered(wire, on(), body=b"\xff\xfe")[1]["Response Value"]
    assert json.loads(said) == "Scoring request response payload is a non serializable object or raw binary"
    assert caplog.records == []


def test_a_long_body_is_cut(wire, on):
    assert len(answered(wire, on(), body=b"x" * 100_000)[1]["Response Value"]) == insights.VALUE_LIMIT


def test_the_body_can_be_kept_back(wire, on):
    assert "Response Value" not in answered(wire, on(insights_log_response=False))[1]


def test_another_route_is_told_by_its_path(wire, on):
    on().log_request(Request(), Answer(200, [], b"{}"), IDS, 1.0, path="/swagger.json")
    assert wire.requests[0][0] == "/swagger.json"
    assert wire.requests[0][1]["url"] == "http://here:5001/swagger.json?x=1"


def test_what_fails_costs_no_answer(wire, on, caplog):
    def refuse(*_, **__):
        raise RuntimeError("full")

    wire.request = wire.exception = wire.log = refuse
    sender = on(mdc_enabled=True)
    sender.log_request(Request(), Answer(200, [], b""), IDS, 1.0)
    sender.log_exception(ValueError(), IDS)
    sender.model_data(SimpleNamespace(kind="text", parameter="data"), {"data": "x"}, 1, IDS)
    assert caplog.messages == ["Not sent to Application Insights: RuntimeError: full"] * 3


# --- Errors, prints, model data ------------------------------------------------------------------------------------


def test_an_exception_is_the_users_own_with_the_ids(wire, on):
    error = ValueError("boom")
    sender = on(hostname="box")
    sender.log_exception(error, IDS)
    sender.log_exception(error)
    assert wire.errors == [
        (error, {"Container Id": "box", "Request Id": "rid", "Client Request Id": "cid"}),
        (error, {"Container Id": "box", "Request Id": "Unknown"}),
    ]


def test_print_lines_are_sent_with_the_running_requests_id(wire, on):
    logger = logging.getLogger("azmlinfsrv.print")
    logger.setLevel(logging.INFO)
    sender = on()
    logger.info("in %s", "init")
    token = bind("rid")
    logger.warning("in run")
    unbind(token)
    sender.close()
    logger.info("too late")
    assert wire.logs == [("in init", {}, logging.INFO), ("in run", {"Request Id": "rid"}, logging.WARNING)]


def test_closing_twice_sends_once(wire, on):
    sender = on()
    sender.close(timeout_s=1.5)
    sender.close()
    assert wire.closed == [1.5]


def test_model_data_is_off_unless_asked_for(wire, on):
    on().model_data(SimpleNamespace(kind="text", parameter="data"), {"data": "x"}, 1, IDS)
    assert wire.logs == []


@pytest.mark.parametrize(
    ("kind", "arguments", "given"),
    [
        ("text", {"data": '{"a": 1}', "request_headers": {"X": "y"}}, '"{\\"a\\": 1}"'),
        ("schema", {"a": [1], "b": None, "request_headers": {"X": "y"}}, '{"a": [1], "b": null}'),
        ("raw", {"data": range(2)}, '"range(0, 2)"'),
    ],
)
def test_model_data_shows_input_and_prediction(wire, on, tmp_path, kind, arguments, given):
    (tmp_path / "fish" / "3").mkdir(parents=True)
    sender = on(mdc_enabled=True, model_dir=str(tmp_path / "fish" / "3"), service_name="svc")
    sender.model_data(SimpleNamespace(kind=kind, parameter="data"), arguments, {"p": 2}, IDS)
    assert wire.logs == [
        (
            "model_data_collection",
            {
                "Container Id": "Unknown",
                "Request Id": "rid",
                "Client Request Id": "cid",
                "Workspace Name": "",
                "Service Name": "svc",
                "Models": "fish:3",
                "Input": given,
                "Prediction": '{"p": 2}',
            },
            logging.INFO,
        )
    ]


def test_a_prediction_without_json_form_is_shown_all_the_same(wire, on):
    sender = on(mdc_enabled=True)
    script = SimpleNamespace(kind="text", parameter="data")
    loop: list = []
    loop.append(loop)
    for result in (object, {1, 2}, loop, {(1, 2): 3}, iter([1])):
        sender.model_data(script, {"data": ""}, result, IDS)
    shown = [json.loads(attributes["Prediction"]) for _, attributes, _ in wire.logs]
    assert shown == [
        "<class 'object'>",
        "{1, 2}",
        "[[...]]",
        "{(1, 2): 3}",
        "Scoring request response payload is a stream",
    ]


def test_model_ids_are_read_from_folders_and_nothing_else(tmp_path):
    for folder in ("fish/1", "fish/2", "bird/7", "bird/notes", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "model.pkl").write_bytes(b"")
    assert model_ids(str(tmp_path)) == ["bird:7", "fish:1", "fish:2"]
    assert model_ids(f"{tmp_path / 'fish' / '2'}/") == ["fish:2"]
    assert model_ids(str(tmp_path / "nowhere")) == model_ids(None) == []
