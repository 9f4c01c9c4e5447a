"""Microsoft's real exporter in an environment of its own, sending to a collector on this machine.

The collector takes the place of Azure: the connection string names it, and the probe refuses to talk to anybody else.
"""

import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
KEY = "11111111-2222-3333-4444-555555555555"

PROBE = """
import logging, socket, sys, time, types

def only_here(call):
    def guarded(first, *rest, **named):
        address = rest[0][0] if isinstance(first, socket.socket) else first
        if address not in ("127.0.0.1", "localhost"):
            print("OUTSIDE", address, flush=True)
            raise OSError("not this machine")
        return call(first, *rest, **named)
    return guarded

socket.socket.connect = only_here(socket.socket.connect)
socket.getaddrinfo = only_here(socket.getaddrinfo)
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="LINE %(levelname)s %(name)s %(message)s")
logging.getLogger("urllib3").setLevel(logging.INFO)

from inference_http.telemetry import insights
from inference_http.scoring.answer import Answer
from inference_http.scoring.ids import Ids
from inference_http.config.settings import Settings

settings = Settings(insights_key=sys.argv[1], insights_enabled=True, mdc_enabled=True, service_name="fish")
sender = insights.create(settings)
logging.getLogger("azmlinfsrv.print").info("printed")

class Request:
    method, query, content_type = "POST", "x=1", ""
    def header(self, name):
        return "here"

ids = Ids("rid", "lid", "cid")
sender.log_request(Request(), Answer(200, [], b'{"a": 1}'), ids, 250.0)
sender.log_request(Request(), Answer(500, [], b"bad"), ids, 1.0)
try:
    raise ValueError("boom")
except ValueError as error:
    sender.log_exception(error, ids)
sender.model_data(types.SimpleNamespace(kind="text", parameter="data"), {"data": "in"}, "out", ids)
from opentelemetry import trace
with trace.get_tracer("script").start_as_current_span("the script's own"):
    pass
started = time.monotonic()
sender.close()
print("CLOSED", time.monotonic() - started)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter that has what the extra `insights` names, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("insights") / "venv"
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["insights"]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    found = folder / "bin" / "python"
    done = subprocess.run(
        [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *extra],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"the extra cannot be installed:\n{done.stderr[-3000:]}"
    return found


class Collector(ThreadingHTTPServer):
    """Takes envelopes as Azure does; ``refuse`` makes it turn the first one of each batch down."""

    daemon_threads = True

    def __init__(self, *, refuse=False):
        super().__init__(("127.0.0.1", 0), Ingestion)
        self.refuse = refuse
        self.rows = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def of(self, kind):
        return [row["data"]["baseData"] for row in self.rows if row["name"].endswith(f".{kind}")]


class Ingestion(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        text = body.decode()
        rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
        self.server.rows += rows
        errors = [{"index": 0, "statusCode": 400, "message": "no"}] if self.server.refuse else []
        accepted = {"itemsReceived": len(rows), "itemsAccepted": len(rows) - len(errors), "errors": errors}
        answer = json.dumps(accepted).encode()
        self.send_response(206 if errors else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Quiet."""


def probe(python, tmp_path, port):
    """Run the probe against a collector's port; its lines, after checking what holds always."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("APPLICATIONINSIGHTS", "OTEL"))}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),  # the exporter keeps there what it could not send
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{port}",
    }
    done = subprocess.run(
        [str(python), "-W", "error::DeprecationWarning:inference_http", "-c", PROBE, KEY],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "OUTSIDE" not in said
    assert KEY not in said
    return done.stdout.splitlines()


def test_everything_arrives_and_nothing_else_is_said(python, tmp_path):
    with Collector() as collector:
        lines = probe(python, tmp_path, collector.server_port)
        good, bad, own = collector.of("Request") + collector.of("RemoteDependency")
    assert (good["name"], good["responseCode"], good["success"]) == ("/score", "200", True)
    assert good["duration"] == "0.00:00:00.250"
    assert good["properties"]["Request Id"] == "rid"
    assert good["properties"]["Response Value"] == '{"a": 1}'
    assert good["properties"]["url"] == "http://here/score?x=1"
    assert (bad["responseCode"], bad["success"]) == ("500", False)
    assert own["name"] == "the script's own"
    (exception,) = collector.of("Exception")
    assert exception["exceptions"][0]["typeName"] == "ValueError"
    assert exception["exceptions"][0]["message"] == "boom"
    assert exception["exceptions"][0]["stack"].endswith("ValueError: boom\n")
    assert exception["properties"]["Request Id"] == "rid"
    printed, model_data = collector.of("Message")
    assert printed["message"] == "printed"
    assert model_data["message"] == "model_data_collection"
    assert (model_data["properties"]["Input"], model_data["properties"]["Prediction"]) == ('"in"', '"out"')
    assert {row["iKey"] for row in collector.rows} == {KEY}
    assert {row["tags"]["ai.cloud.role"] for row in collector.rows} == {"fish"}
    assert [line for line in lines if line.startswith("LINE")] == [
        "LINE INFO azmlinfsrv Starting up app insights client",
        "LINE INFO azmlinfsrv.print printed",
    ]


def test_what_is_turned_down_is_logged_without_the_key(python, tmp_path):
    with Collector(refuse=True) as collector:
        lines = probe(python, tmp_path, collector.server_port)
    assert any("azmlinfsrv.insights Application Insights:" in line for line in lines)


def test_offline_the_server_says_so_and_ends_in_time(python, tmp_path):
    with Collector() as collector:
        port = collector.server_port
    lines = probe(python, tmp_path, port)
    complaints = [line for line in lines if line.startswith("LINE WARNING azmlinfsrv.insights Application Insights:")]
    assert complaints
    assert len(complaints) == len(set(complaints))
    assert float(next(line for line in lines if line.startswith("CLOSED")).split()[1]) < 3


def test_a_bad_connection_string_is_one_line(python, tmp_path):
    code = (
        "import logging, sys; logging.basicConfig(stream=sys.stdout)\n"
        "from inference_http.telemetry import insights; from inference_http.config.settings import Settings\n"
        "print(insights.create(Settings(insights_key=sys.argv[1], insights_enabled=True)))"
    )
    done = subprocess.run(
        [str(python), "-c", code, KEY],
        env={**os.environ, "PYTHONPATH": str(ROOT), "APPLICATIONINSIGHTS_CONNECTION_STRING": "nonsense"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    line, result = done.stdout.splitlines()
    assert result == "None"
    assert line.startswith("WARNING:azmlinfsrv.insights:Application Insights is on, but cannot be used: ValueError")
