"""What draws nothing: the rule of the sliders, rates, logs, jobs, commands, keys, errors."""

import gc
import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.gateway.stats import Counts
from tui import commands, jobs, keys, outside, rates, share, verbs, web
from tui import format as write
from tui.load import Load
from tui.looks import Answer, Line, Numbers, Row
from tui.ring import Filter, Ring, clean
from tui.trouble import excerpt, of_answer, of_error, yours
from tui.widgets.curve import drawn
from tui.widgets.deployments import COLUMNS, shape
from tui.widgets.log_line import place

# --- Sliders ---------------------------------------------------------------------------------------------------------


@st.composite
def shares(draw):
    count = draw(st.integers(1, 6))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
    values = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    start = {f"d{number}": value for number, value in enumerate(values)}
    return start, draw(st.sampled_from(sorted(start))), draw(st.sets(st.sampled_from(sorted(start))))


@settings(max_examples=500, deadline=None)
@given(shares(), st.integers(-20, 130))
def test_sliders_sum_to_one_hundred_keep_locks_and_come_back(found, to):
    start, name, locked = found
    after = share.moved(start, name, to, locked)
    assert sum(after.values()) == 100
    assert min(after.values()) >= 0
    assert all(after[each] == start[each] for each in locked - {name})
    assert list(after) == list(start)
    assert share.moved(start, name, start[name], locked) == start, "moving back restores all"


@given(shares())
def test_even_shares_differ_by_one_at_most(found):
    start, _, locked = found
    after = share.even(start, locked)
    assert sum(after.values()) == 100
    free = [value for name, value in after.items() if name not in locked]
    assert not free or max(free) - min(free) <= 1


def test_the_others_share_the_rest_in_proportion():
    assert share.moved({"a": 50, "b": 30, "c": 20}, "a", 0) == {"a": 0, "b": 60, "c": 40}
    assert share.moved({"a": 100, "b": 0, "c": 0}, "a", 90) == {"a": 90, "b": 5, "c": 5}
    assert share.moved({"a": 0, "b": 0}, "a", 30) == {"a": 30, "b": 70}, "the first traffic there is"
    assert share.moved({"a": 100}, "a", 30) == {"a": 100}, "alone there is nobody to give it to"


# --- Rates -----------------------------------------------------------------------------------------------------------


def test_rates_are_of_what_happened_between():
    before = Counts(100, {"2xx": 100}, latency_ms={10.0: 60, 50.0: 100})
    after = Counts(140, {"2xx": 130, "5xx": 10}, latency_ms={10.0: 80, 50.0: 140})
    found = rates.between(before, after, 4.0)
    assert found.rps == 10.0
    assert found.errors == 25.0
    assert found.p50 == 10.0
    assert 10.0 < found.p95 < 50.0


def test_nothing_asked_is_no_time_and_no_share_of_errors():
    still = Counts(100, {"2xx": 100}, latency_ms={10.0: 100})
    assert rates.between(still, still, 5.0) == rates.Numbers(rps=0.0)
    assert rates.between(None, still, 5.0) == rates.Numbers()
    assert rates.between(still, Counts(8), 4.0).rps == 2.0, "the gateway was started anew"


@given(st.dictionaries(st.floats(1, 1e4), st.integers(0, 50), min_size=1, max_size=8), st.floats(0, 1))
@example({6554.385049936253: 5}, 1.0)
def test_a_quantile_lies_between_nothing_and_the_last_bound(counts, part):
    total, buckets = 0, {}
    for bound in sorted(counts):
        total += counts[bound]
        buckets[bound] = total
    found = rates.quantile(buckets, part)
    assert found is None if total == 0 else 0 <= found <= max(buckets)


# --- Numbers for people ----------------------------------------------------------------------------------------------


def test_numbers_have_units_and_nothing_is_a_dash():
    assert [write.rate(None), write.rate(41.23), write.rate(1234.5)] == ["-", "41.2", "1,234"]
    assert [write.milliseconds(None), write.milliseconds(7.0), write.milliseconds(38.4)] == ["-", "7 ms", "38 ms"]
    assert [write.memory(None), write.memory(410 << 20), write.memory(3 << 30)] == ["-", "410 MB", "3.0 GB"]
    assert [write.percent(0.0), write.percent(1.24), write.percent(31.0)] == ["0%", "1.2%", "31%"]
    assert [write.age(0.4), write.age(75), write.age(7200)] == ["0 s", "1 min", "2 h"]


def test_a_share_that_is_not_zero_is_seen_and_fills_the_bar_only_when_whole():
    assert [len(write.bar(each, 10)[0]) for each in (0, 1, 50, 100)] == [0, 1, 5, 10]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=50), st.integers(1, 40), st.integers(1, 8))
def test_curves_have_their_size_whatever_the_values(values, width, height):
    rows = drawn(values, width, height)
    assert len(rows) == height
    assert {len(row) for row in rows} == {width}


@pytest.mark.parametrize("width", range(50, 230, 7))
def test_the_table_fits_its_width(width):
    row = Row("shop", "twelve-signs", "ready", 90, 0, 1, 1, numbers=Numbers(gpu=14.0, gpu_memory=2**30))
    found = shape(width, [row])
    assert 2 + found.name + 14 + found.bar + 5 + sum(column.width for column in found.columns) <= width
    ranks = {column.rank for column in found.columns}
    assert ranks == set(range(1, len(ranks) + 1)), "what matters least goes first"
    assert width < 150 or len(found.columns) == len(COLUMNS)


def test_columns_for_gpus_are_there_only_where_one_is_used():
    without = shape(200, [Row("shop", "blue", "ready", 90, 0, 1, 1)])
    assert {column.title for column in COLUMNS} - {column.title for column in without.columns} == {"gpu", "gpu mem"}


# --- Logs ------------------------------------------------------------------------------------------------------------


def lines(*texts):
    return [Line("shop", "blue", text) for text in texts]


def test_records_are_read_and_what_follows_belongs_to_them():
    ring = Ring()
    numbers = ring.add(
        lines(
            "2026-11-23 12:02:51,114 E [4720] azmlinfsrv - score.py:12: KeyError: 'data'",
            "Traceback (most recent call last):",
            '{"time": "2026-11-23T12:02:52.001Z", "level": "WARNING", "message": "slow"}',
        )
    )
    found = [ring.at(number) for number in numbers]
    assert [(each.time, each.level, each.begins) for each in found] == [
        ("12:02:51.114", "E", True),
        ("12:02:51.114", "E", False),
        ("12:02:52.001", "W", True),
    ]
    assert found[2].text == "slow"
    assert found[2].moment - found[1].moment == pytest.approx(0.887)


def test_nothing_repaints_our_screen():
    assert clean("\x1b[2Jgone\x1b[31m red\x07") == "gone red"
    assert clean(" 10%|#\r 50%|###\r100%|#####") == "100%|#####"
    assert clean("tab\there") == "tab    here"
    assert len(clean("x" * 100_000)) < 5000


def test_the_ring_is_bounded_and_counts_what_it_forgets():
    ring = Ring(20_000)
    for _ in range(5):
        ring.add(lines(*["text"] * 7_000))
    assert len(ring) <= 20_000
    assert len(ring) + ring.dropped == 35_000
    assert ring.at(ring.next - 1).number == 34_999
    assert ring.passing(Filter("no such").test(), 0, ring.next) == []
    assert ring.passing(Filter("text").test(), 0, ring.next)[0] == ring.first


def test_what_the_ring_keeps_costs_the_garbage_collector_nothing():
    ring = Ring()
    ring.add(lines(*[f"2026-11-23 12:02:51,114 I [4720] root - line {number}" for number in range(5_000)]))
    gc.collect()
    assert not any(gc.is_tracked(record) for record in ring._records)


def test_a_long_line_is_cut_on_the_screen_and_whole_when_it_is_read_alone():
    ring = Ring()
    numbers = ring.add(lines("short", f"{'x' * 100_000}end"))
    assert len(ring.at(numbers[1]).text) < 5_000
    assert ring.full(numbers[1]).endswith("end")
    assert ring.full(numbers[0]) == "short"


def test_a_record_names_its_failing_line():
    frames = [
        "Traceback (most recent call last):",
        '  File "/x/site-packages/inference_http/scoring.py", line 90, in call',
        '  File "/src/score.py", line 7, in run',
        '  File "/x/lib/python3.11/json/__init__.py", line 346, in loads',
    ]
    assert place(["W something", *frames]) == ("/src/score.py", 7)
    assert place(["root - score.py:12: KeyError: 'data'", *frames]) == ("score.py", 12)
    assert place(["nothing"]) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("error", ["an Error", "more errors"]),
        ("/err.rs$/", ["more errors"]),
        ("!error", ["fine"]),
        ("/(/", []),
        ("", ["fine", "an Error", "more errors"]),
    ],
)
def test_filters_take_words_expressions_and_not(text, shown):
    ring = Ring()
    ring.add(lines("fine", "an Error", "more errors"))
    assert [ring.at(number).text for number in ring.passing(Filter(text).test(), 0, ring.next)] == shown


# --- Commands --------------------------------------------------------------------------------------------------------


def test_commands_can_be_typed_as_they_stand():
    line = commands.traffic("shop", {"blue": 90, "green": 10}, {"next": 20})
    assert line == 'sandbox online-endpoint update -n shop --traffic "blue=90 green=10" --mirror-traffic next=20'
    assert commands.edit("shop", "blue", ["instance_count=2"]).endswith("-e shop --set instance_count=2")
    assert "$TOKEN" in commands.curl("http://127.0.0.1:8100/score", '{"a": "it\'s"}', "blue")


@pytest.mark.parametrize(
    ("verb", "text", "line"),
    [
        ("update", "traffic blue=90 green=10", 'sandbox online-endpoint update -n shop --traffic "blue=90 green=10"'),
        ("update", "traffic blue=100, mirror none", None),
        ("delete", "deployment blue", "sandbox online-deployment delete -n blue -e shop --yes"),
        ("delete", "deleted", "sandbox online-endpoint delete -n shop --yes"),
        ("update", "deployment blue is ready", ""),
    ],
)
def test_the_journal_names_its_commands(verb, text, line):
    found = commands.of_note("shop", verb, text)
    assert found == line if line is not None else found.startswith("sandbox online-endpoint update")


def test_editors_are_told_the_line_as_they_want_it():
    assert outside.editor("score.py", 7, "vim") == ["vim", "+7", "score.py"]
    assert outside.editor("score.py", 7, "code --wait") == ["code", "--wait", "--goto", "score.py:7"]
    assert outside.editor("score.py", 0, "hx") == ["hx", "score.py:1"]


# --- Keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", keys.PAGES)
def test_no_two_keys_clash(page):
    own = [(key, entry.action) for entry in keys.of(page) for key in entry.keys.split(",")]
    assert len({key for key, _ in own}) == len(own)
    there = {key: entry.action for entry in keys.of(keys.EVERYWHERE) for key in entry.keys.split(",")}
    assert {key for key, action in own if there.get(key, action) != action} == set()


@pytest.mark.parametrize("page", keys.PAGES)
def test_the_footer_is_short_and_what_it_says_is_in_the_help(page):
    assert len([key for key in keys.of(page) if key.label]) <= 8
    assert all(key.text.endswith(".") for key in keys.of(page))


def test_keys_have_names_of_their_own():
    assert len({key.id for key in keys.TABLE}) == len(keys.TABLE)


def test_own_keys_are_read_and_nonsense_is_left_out():
    assert keys.own('{"overview.delete": "ctrl+x", "nonsense": "a", "traffic.lock": 3}') == {
        "overview.delete": "ctrl+x"
    }
    assert keys.own("no json") == {}
    assert keys.own("null") == {}


def test_the_page_of_the_docs_has_every_key(request):
    page = (request.config.rootpath / "docs" / "tui.md").read_text(encoding="utf-8")
    missing = [scope for scope in (keys.EVERYWHERE, *keys.PAGES) if keys.page(scope) not in page]
    assert missing == [], "python -m tui.page writes them"


def test_the_palette_has_every_command_that_does_something():
    words = {each for each, _ in verbs.verbs()}
    assert {"up", "status", "online-endpoint update", "online-deployment delete", "model create"} <= words


# --- Jobs ------------------------------------------------------------------------------------------------------------

ORDER = {"title": "update blue", "command": "sandbox ...", "began": "2026-11-23T12:00:00+00:00"}


def event(step, state, text="", seconds=0.0):
    return {"step": step, "state": state, "text": text, "endpoint": "shop", "deployment": "blue", "seconds": seconds}


def test_steps_grow_out_of_events():
    events = [
        {"pid": 1},
        event("environment", "begin", "environment"),
        event("environment", "line", "Collecting numpy"),
        event("environment", "done", "environment", 3.5),
        event("ready", "begin", "ready"),
    ]
    job = jobs.fold("1", ORDER, events, working=True)
    assert [(step.name, step.state, step.seconds) for step in job.steps] == [
        ("environment", "done", 3.5),
        ("ready", "working", 0.0),
    ]
    assert job.steps[0].lines == ("Collecting numpy",)
    assert job.state == "working"


def test_a_job_without_an_end_whose_process_is_gone_was_lost():
    job = jobs.fold("1", ORDER, [event("ready", "begin")], working=False)
    assert job.state == "lost"
    assert job.trouble is not None
    assert job.trouble.code == "E063"


def test_the_end_says_how_it_went():
    trouble = {"code": "E054", "what": "no", "why": "", "fix": "", "log": ["a"], "file": "score.py", "line": 7}
    job = jobs.fold("1", ORDER, [{"end": "failed", "seconds": 2.0, "trouble": trouble}], working=True)
    assert (job.state, job.seconds, job.trouble.line, job.trouble.log) == ("failed", 2.0, 7, ("a",))


def test_the_same_step_twice_is_two_steps():
    events = [event("gateway", "begin"), event("gateway", "done"), event("gateway", "begin"), event("gateway", "done")]
    assert len(jobs.fold("1", ORDER, events, working=True).steps) == 2


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_the_failing_line_is_that_of_the_developers_own_file(tmp_path):
    (tmp_path / "score.py").write_text("a\nb\nc\nd\ne\nf\ng\nh\ni\n")
    body = {"type": "KeyError", "message": "'x'", "file": "/copy/code/score.py", "line": 5, "traceback": "T"}
    trouble = yours(of_answer(json.dumps({"error": body})), "/copy/code", str(tmp_path))
    assert trouble.file == str(tmp_path / "score.py")
    assert [number for number, _ in excerpt(trouble.file, trouble.line)] == [2, 3, 4, 5, 6, 7, 8]
    assert excerpt("/nowhere.py", 3) == []
    assert of_answer('{"sum": 6}') is None


def test_an_exception_that_nobody_foresaw_is_a_bug_of_ours():
    assert of_error(ValueError("odd")).code == "E002"


# --- Many requests ---------------------------------------------------------------------------------------------------


def test_many_requests_are_counted(poll):
    load = Load(lambda: Answer(200, 0.0, (("azureml-model-deployment", "blue"),), "{}"), 50, 4)
    load.start()
    poll(lambda: not load.works)
    tally = load.tally()
    assert (tally.done, tally.statuses, tally.by) == (50, (("200", 50),), (("blue", 50),))
    assert tally.quantile(0.95) is not None


# --- The browser -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "cookie", "origin", "passes"),
    [
        ("secret", None, None, True),
        (None, "secret", "http://127.0.0.1:8099", True),
        (None, "secret", "http://evil.example", False),
        ("wrong", None, None, False),
        (None, None, None, False),
    ],
)
def test_only_who_knows_the_token_gets_in(given, cookie, origin, passes):
    host = "127.0.0.1:8099"
    assert web.allowed("secret", given=given, cookie=cookie, origin=origin, host=host, port=8099) is passes
    assert not web.allowed("secret", given=given, cookie=cookie, origin=origin, host="evil.example:8099", port=8099)


def test_a_browser_only_looks_unless_it_is_allowed_more():
    assert "--read-only" in web.command(None, allow_write=False)
    assert "--read-only" not in web.command(None, allow_write=True)
    assert not re.search("token", web.command(None, allow_write=True))
