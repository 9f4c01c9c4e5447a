"""The text of /metrics, read by a strict parser of the exposition format."""

import contextlib
import math
import re

import pytest

from inference_http.telemetry import metrics
from inference_http.telemetry.cells import BOUNDS

HELP = re.compile(r"# HELP ([a-z_]+) (\S.*)")
TYPE = re.compile(r"# TYPE ([a-z_]+) (counter|gauge|histogram)")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """{metric: (type, {(sample name, label pairs): value})}; fails for what the format does not allow."""
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    lines = text.splitlines()
    families = {}
    name = kind = None
    while lines:
        line = lines.pop(0)
        if line.startswith("# HELP"):
            name = HELP.fullmatch(line).group(1)
            assert name not in families, f"{name} twice"
            assert name.startswith("inference_http_")
            typed, kind = TYPE.fullmatch(lines.pop(0)).groups()
            assert typed == name
            assert name.endswith("_total") == (kind == "counter")
            families[name] = (kind, {})
            continue
        sample, labels, value = SAMPLE.fullmatch(line).groups()
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        assert sample in {name + suffix for suffix in suffixes}
        pairs = tuple(LABEL.findall(labels or ""))
        assert (sample, pairs) not in families[name][1]
        families[name][1][sample, pairs] = float(value)
    for name, (kind, samples) in families.items():
        if kind == "histogram":
            check_histogram(name, samples)
        if kind == "counter":
            assert all(value >= 0 for value in samples.values())
    return families


def check_histogram(name, samples):
    buckets = [(dict(pairs)["le"], value) for (sample, pairs), value in samples.items() if sample.endswith("_bucket")]
    bounds = [float(bound) for bound, _ in buckets]
    assert bounds == sorted(set(bounds))
    assert buckets[-1][0] == "+Inf"
    values = [value for _, value in buckets]
    assert values == sorted(values)
    assert values[-1] == samples[name + "_count", ()]


def value(families, name, suffix="", **labels):
    name = "inference_http_" + name
    return families[name][1][name + suffix, tuple(labels.items())]


@pytest.fixture
def board():
    with contextlib.closing(metrics.Board.create(4)) as board:
        yield board


def test_an_unused_board(board):
    families = parse(metrics.render(board))
    assert value(families, "workers") == 0
    assert value(families, "request_seconds", "_count") == 0
    assert value(families, "reload_broken") == 0
    assert value(families, "start_time_seconds") > 1.6e9
    assert families["inference_http_requests_total"] == ("counter", {})
    assert {name.removeprefix("inference_http_") for name in families} == {
        "requests_total",
        "request_seconds",
        "in_flight",
        "waiting",
        "resident_memory_bytes",
        "workers",
        "init_seconds",
        "import_seconds",
        "code_version_workers",
        "worker_restarts_total",
        "reloads_total",
        "reload_broken",
        "start_time_seconds",
    }


def test_all_workers_are_added_up(board):
    for index, seconds in ((0, 0.0007), (1, 0.3)):
        slot = board.slot(index)
        slot.heartbeat()
        slot.observe(200, seconds)
        slot.in_flight(+1)
        slot.waiting(index + 1)
        slot.set("resident_bytes", 1e8)
        slot.set("started", 1000.0 + index)
        slot.set("init_seconds", index + 0.5)
        slot.set("import_seconds", index + 0.25)
        slot.set_version("abc" if index else 'o"d\\')
    board.slot(2).observe(500, 70.0)
    board.retire(2)
    board.add("reloads_ok", 3)
    board.add("reloads_failed")
    board.add("worker_restarts", 2)
    board.set("reload_broken", 1)
    families = parse(metrics.render(board))
    assert value(families, "requests_total", code="200") == 2
    assert value(families, "requests_total", code="500") == 1
    assert value(families, "request_seconds", "_bucket", le="0.0005") == 0
    assert value(families, "request_seconds", "_bucket", le="0.001") == 1
    assert value(families, "request_seconds", "_bucket", le="0.5") == 2
    assert value(families, "request_seconds", "_bucket", le="60") == 2
    assert value(families, "request_seconds", "_bucket", le="+Inf") == 3
    assert value(families, "request_seconds", "_sum") == pytest.approx(70.3007)
    assert (value(families, "in_flight"), value(families, "waiting"), value(families, "workers")) == (2, 3, 2)
    assert value(families, "resident_memory_bytes") == 2e8
    assert (value(families, "init_seconds"), value(families, "import_seconds")) == (1.5, 1.25)  # of the newest
    assert value(families, "code_version_workers", version="abc") == 1
    assert value(families, "code_version_workers", version='o\\"d\\\\') == 1
    assert value(families, "worker_restarts_total") == 2
    assert (value(families, "reloads_total", result="ok"), value(families, "reloads_total", result="failed")) == (3, 1)
    assert value(families, "reload_broken") == 1


def test_codes_are_exact_and_sorted(board):
    for code in (503, 200, 333, 404, *range(600, 640)):
        board.slot(0).observe(code, 0.01)
    families = parse(metrics.render(board))
    codes = [dict(pairs)["code"] for _, pairs in families["inference_http_requests_total"][1]]
    assert codes[:4] == ["200", "333", "404", "503"]
    assert codes[-1] == "other"
    assert value(families, "requests_total", code="other") == 13


def test_every_bound_is_written_as_it_is(board):
    families = parse(metrics.render(board))
    samples = families["inference_http_request_seconds"][1]
    bounds = [float(dict(pairs)["le"]) for sample, pairs in samples if sample.endswith("_bucket")]
    assert bounds == [*BOUNDS, math.inf]
    assert (BOUNDS[0], BOUNDS[-1]) == (0.0005, 60.0)


def test_render_while_a_worker_counts(board):
    slot = board.slot(0)
    for number in range(300):
        slot.observe(200, number / 1000)
        families = parse(metrics.render(board))
        assert value(families, "requests_total", code="200") == number + 1
