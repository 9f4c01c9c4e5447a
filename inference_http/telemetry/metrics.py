"""/metrics: what all workers have counted, as Prometheus text (exposition format 0.0.4)."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from inference_http.telemetry.board import Board, View
from inference_http.telemetry.cells import BOUNDS, OTHER
from inference_http.telemetry.slot import Slot

__all__ = ["Board", "Slot", "render"]

PREFIX: Final = "inference_http_"

Sample = tuple[str, str, float]  # what follows the metric's name, labels, value


def render(board: Board) -> str:
    """The text of /metrics. Any process, any time; it costs about 60 us for ten slots."""
    view = board.view()
    return "".join(_requests(view)) + "".join(_workers(view)) + "".join(_server(view))


def _requests(view: View) -> Iterable[str]:
    sums = view.sums
    codes = sorted(sums.requests.items(), key=lambda item: (item[0] == OTHER, item[0]))
    yield _metric(
        "requests_total",
        "counter",
        "Requests answered, by status code; probes and scrapes are not counted.",
        [("", f'{{code="{"other" if code == OTHER else code}"}}', count) for code, count in codes],
    )
    below = list(accumulate(sums.buckets))
    bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
    buckets = [("_bucket", f'{{le="{bound}"}}', count) for bound, count in zip(bounds, below, strict=True)]
    yield _metric(
        "request_seconds",
        "histogram",
        "Seconds from the begin of a request's answering to its answer's last byte.",
        [*buckets, ("_sum", "", sums.seconds), ("_count", "", below[-1])],
    )


def _workers(view: View) -> Iterable[str]:
    def total(name: str) -> float:
        return sum(worker.numbers[name] for worker in view.workers)

    yield _gauge("in_flight", "Scoring requests being answered.", total("in_flight"))
    yield _gauge("waiting", "Scoring requests that wait for run().", total("waiting"))
    yield _gauge(
        "resident_memory_bytes", "Memory of all workers; pages that they share count for each.", total("resident_bytes")
    )
    yield _gauge("workers", "Worker processes.", len(view.workers))
    newest = max(view.workers, key=lambda worker: worker.numbers["started"], default=None)
    numbers = newest.numbers if newest else {"init_seconds": 0.0, "import_seconds": 0.0}
    yield _gauge("init_seconds", "Seconds that init() took in the newest worker.", numbers["init_seconds"])
    yield _gauge(
        "import_seconds", "Seconds that importing the script took in the newest worker.", numbers["import_seconds"]
    )
    versions: dict[str, int] = {}
    for worker in view.workers:
        if worker.version:
            versions[worker.version] = versions.get(worker.version, 0) + 1
    yield _metric(
        "code_version_workers",
        "gauge",
        "Worker processes by the version of the code that they run.",
        [("", f'{{version="{_escaped(version)}"}}', count) for version, count in sorted(versions.items())],
    )


def _server(view: View) -> Iterable[str]:
    numbers = view.numbers
    yield _metric(
        "worker_restarts_total",
        "counter",
        "Workers replaced because they ended or hung.",
        [("", "", numbers["worker_restarts"])],
    )
    yield _metric(
        "reloads_total",
        "counter",
        "Changes of the code: taken over (ok), or broken and not (failed).",
        [("", '{result="ok"}', numbers["reloads_ok"]), ("", '{result="failed"}', numbers["reloads_failed"])],
    )
    yield _gauge(
        "reload_broken", "1 while the newest code is broken and an older version serves.", numbers["reload_broken"]
    )
    yield _gauge("start_time_seconds", "When the server started, Unix time.", view.created)


def _gauge(name: str, what: str, value: float) -> str:
    return _metric(name, "gauge", what, [("", "", value)])


def _metric(name: str, kind: str, what: str, samples: Iterable[Sample]) -> str:
    name = PREFIX + name
    lines = [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{suffix}{labels} {_number(value)}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
