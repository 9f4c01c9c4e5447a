"""Every page by keys, on a source that answers as it is told."""

import json
import re
import time
from dataclasses import replace

import pytest
from fake import BLUE, GREEN, GROUPS, NEXT, FakeSource
from seen import run, sitting
from textual.widgets import Input, OptionList, TextArea

from sandbox.model.errors import SandboxError
from tui import keys
from tui.looks import Answer, Capture, Job, Line, Look
from tui.ring import MOST
from tui.screens.help import Help
from tui.screens.trouble import TroubleBox
from tui.widgets.log_view import LogView
from tui.widgets.slider import Sliders


def test_overview_shows_who_gets_what_and_how_it_does(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.until("410 MB")
            for words in ("shop", "http://127.0.0.1:8100/score", "● ready", "✖ failed", "90%", "38 ms", "1.2%", "2/2"):
                assert words in at.screen
            assert 'sandbox online-endpoint update -n shop --traffic "blue=90 green=10"' in at.screen

    run(go())


def test_the_failing_line_is_the_hero(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down", "down")
            await at.until("What is wrong")
            await at.until('▶    7 │     with open(os.environ["WEIGHTS"]) as file:')
            assert "E054" in at.screen
            assert "correct the script" in at.screen
            await at.keys("enter")
            await at.until("1 library frame")
            assert isinstance(at.desk.screen, TroubleBox)
            await at.keys("escape")
            await at.gone("library frame")

    run(go())


def test_an_empty_home_says_what_to_do(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        source.now = Look(time.monotonic())
        async with sitting(tmp_path, source=source) as at:
            await at.until("Nothing runs here yet")
            for page in keys.PAGES:
                at.desk.action_page(page)
                await at.pilot.pause()
                await at.until(lambda page=page: at.desk.page is not None and page == at.desk.page.NAME)

    run(go())


def test_cursor_and_focus_stay_when_news_come(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down")
            await at.until(lambda: at.desk.chosen == GREEN.key)
            more = replace(BLUE, name="amber", live=0)
            at.source.set(groups=(replace(GROUPS[0], rows=(more, *GROUPS[0].rows)), GROUPS[1]))
            await at.until("amber")
            table = at.desk.page.query_one("#deployments", OptionList)
            assert table.get_option_at_index(table.highlighted).id == "shop/green"
            assert at.desk.chosen == GREEN.key

    run(go())


def test_what_was_chosen_and_is_gone_leaves_the_nearest(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down")
            await at.until(lambda: at.desk.chosen == GREEN.key)
            at.source.set(groups=(replace(GROUPS[0], rows=(BLUE, NEXT)),))
            await at.until(lambda: at.desk.chosen == BLUE.key)

    run(go())


def test_a_source_that_fails_is_an_age_and_not_an_end(tmp_path):
    async def go():
        async with sitting(tmp_path, (130, 40)) as at:
            await at.until("410 MB")
            at.source.fails = SandboxError("E004", "state.json is damaged", "", "restore it")
            await at.until("no news")
            assert "410 MB" in at.screen, "what was seen last stays"
            at.source.fails = None
            await at.gone("no news")

    run(go())


def test_a_source_that_hangs_blocks_nothing_and_leaving_takes_no_time(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.until("410 MB")
            at.source.gate.clear()
            await at.keys("5")
            await at.until("Request to shop")
            await at.keys("ctrl+r")
            await at.until("waiting for the answer")
            await at.keys("escape", "1")
            await at.until("Endpoints")
            began = time.monotonic()
            await at.keys("q")
            await at.until(lambda: at.desk._exit, "the end")
            assert time.monotonic() - began < 1.0
            at.source.gate.set()

    run(go())


def test_paused_nothing_moves(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("space")
            await at.until("paused")
            at.source.set(groups=())
            looks = at.desk.look
            await at.pilot.pause(0.3)
            assert at.desk.look is looks
            await at.keys("space")
            await at.until("Nothing runs here yet")

    run(go())


# --- Changes ---------------------------------------------------------------------------------------------------------


def test_deleting_asks_says_what_will_happen_and_cancel_is_the_default(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("x")
            await at.until("Delete blue?")
            assert "2 instances of shop/blue will end." in at.screen
            assert "90 % of the live traffic" in at.screen
            assert "sandbox online-deployment delete -n blue -e shop --yes" in at.screen
            await at.keys("enter")
            await at.gone("Delete blue?")
            assert at.source.calls == []
            await at.keys("x")
            await at.until("Delete blue?")
            await at.keys("y")
            await at.until(lambda: at.source.calls, "the job")
            order = at.source.calls[0][1]
            assert (order.verb, order.arguments) == ("delete-deployment", {"endpoint": "shop", "deployment": "blue"})

    run(go())


@pytest.mark.parametrize(
    ("key", "typed", "verb", "part"),
    [
        ("s", ["backspace", "3", "enter"], "update", "instance_count=3"),
        ("e", [*"LEVEL", "equals_sign", "1", "enter"], "update", "--set LEVEL=1"),
        ("h", [], "heal", "sandbox up"),
        ("n", ["enter"], "up", "sandbox up "),
    ],
)
def test_changes_are_jobs_and_say_their_command(tmp_path, key, typed, verb, part):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys(key)
            if typed:
                await at.until(lambda: isinstance(at.desk.focused, Input), "the form")
            await at.keys(*typed)
            await at.until(lambda: at.source.calls, "the job")
            order = at.source.calls[0][1]
            assert order.verb == verb
            assert part in order.command
            await at.until(lambda: order.command.split(" --")[0][:30] in at.screen, "the command on the screen")

    run(go())


def test_read_only_changes_nothing_and_says_so(tmp_path):
    async def go():
        async with sitting(tmp_path, read_only=True) as at:
            for key in ("h", "x"):
                await at.keys(key)
                await at.until("E142")
                await at.keys("escape")
                await at.gone("E142")
            await at.keys("2", "right", "a")
            await at.until("E142")
            assert at.source.calls == []

    run(go())


def test_any_command_line_can_be_typed(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("colon")
            await at.until("It runs as a job")
            await at.type("model list")
            await at.keys("enter")
            await at.until(lambda: at.source.calls)
            assert at.source.calls[0][1].arguments == {"words": ["model", "list"]}
            await at.until("sandbox model list")

    run(go())


# --- Traffic ---------------------------------------------------------------------------------------------------------


def test_traffic_moves_applies_and_is_undone(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("t")
            await at.until("Traffic of shop")
            await at.keys("shift+left", "left")
            await at.until("84 %")
            assert "16 %" in at.screen
            assert 'sandbox online-endpoint update -n shop --traffic "blue=84 green=16"' in at.screen
            assert at.source.calls == [], "nothing is live before it is applied"
            await at.keys("a")
            await at.until("This is live.")
            assert at.source.calls == [
                ("set_traffic", "shop", {"blue": 84, "green": 16}, {}, (GROUPS[0].live, GROUPS[0].mirror))
            ]
            await at.keys("u")
            await at.until("90 %")
            await at.keys("a")
            await at.until(lambda: len(at.source.calls) == 2)
            assert at.source.calls[1][2] == {"blue": 90, "green": 10}

    run(go())


def test_who_cannot_answer_gets_nothing_and_a_lock_holds(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("2")
            await at.until("cannot answer")
            sliders = at.desk.page.query_one(Sliders)
            await at.keys("down", "down", "right")
            assert sliders.shares.live == {"blue": 90, "green": 10, "next": 0}
            await at.keys("up", "up", "k")
            await at.until("locked")
            await at.keys("down", "shift+right")
            assert sliders.shares.live == {"blue": 90, "green": 10, "next": 0}, "the other one is locked"
            await at.keys("up", "k", "down", "f")
            assert sliders.shares.live == {"blue": 0, "green": 100, "next": 0}

    run(go())


def test_copies_take_the_live_share_away(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("2", "down", "m", "m")
            await at.until("copies 20 %")
            assert "--mirror-traffic green=20" in at.screen
            await at.keys("a")
            await at.until(lambda: at.source.calls)
            assert at.source.calls[0][2:4] == ({"blue": 100}, {"green": 20})

    run(go())


def test_a_change_from_elsewhere_is_told_and_not_written_over(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("2", "right")
            await at.until("91 %")
            rows = (replace(BLUE, live=50), replace(GREEN, live=50), NEXT)
            at.source.set(groups=(replace(GROUPS[0], rows=rows), GROUPS[1]))
            await at.until("changed elsewhere")
            await at.keys("a")
            await at.until("E140")
            await at.keys("escape")
            await at.keys("u")
            await at.until("50 %")

    run(go())


def test_sliders_follow_the_mouse(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("2")
            await at.until("Traffic of shop")
            sliders = at.desk.page.query_one(Sliders)
            await at.pilot.click(Sliders, offset=(3 + 16 + sliders._bar // 2, 2))
            await at.until(lambda: 45 <= sliders.shares.live["blue"] <= 55)
            assert sum(sliders.shares.live.values()) == 100

    run(go())


# --- Logs ------------------------------------------------------------------------------------------------------------


def test_logs_are_filtered_live_and_escape_clears(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down", "l")
            await at.until("KeyError: 'data'")
            assert "following" in at.screen
            await at.keys("slash")
            await at.type("reload")
            await at.until("1 of ")
            assert "KeyError" not in at.screen
            await at.keys("escape")
            await at.until("KeyError: 'data'")
            await at.keys("e")
            await at.until("warnings and errors")
            assert "Reloaded" not in at.screen

    run(go())


def test_following_stops_on_scroll_and_counts_what_is_new(tmp_path):
    async def go():
        async with sitting(tmp_path, (100, 24)) as at:
            at.source.lines += [Line("shop", "blue", f"line {number}") for number in range(200)]
            await at.keys("3")
            await at.until("line 199")
            await at.keys("pageup")
            await at.until("paused")
            at.source.lines += [Line("shop", "blue", f"late {number}") for number in range(25)]
            await at.until("25 new")
            assert "late 24" not in at.screen
            await at.keys("f")
            await at.until("late 24")
            assert "following" in at.screen

    run(go())


def test_logs_of_everything_are_merged_and_named(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("3")
            await at.until("score ok")
            assert "KeyError" not in at.screen
            await at.keys("g")
            await at.until("KeyError")
            assert "Logs  shop/all" in at.screen

    run(go())


def test_a_record_is_read_alone_and_a_filter_comes_back(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            at.source.lines.append(Line("shop", "green", f"2026-11-23 12:03:00,000 I [1] root - {'x' * 5000} the end"))
            await at.keys("down", "3")
            await at.until("xxxx")
            await at.keys("n", "enter")
            await at.until("Record")
            await at.until("score.py:12")
            await at.keys("escape")
            await at.keys("slash")
            await at.type("xxx")
            await at.until("1 of ")
            await at.keys("escape")
            await at.until("KeyError: 'data'")
            await at.keys("slash")
            await at.until("1 of ")
            await at.keys("enter", "enter")
            await at.until("Record")
            await at.keys("G", "q", "q")
        async with sitting(tmp_path) as at:
            await at.keys("3")
            await at.until("filter xxx")

    run(go())


def test_a_hundred_thousand_lines_are_bounded_and_filtered(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("3")
            await at.until("score ok")
            at.source.lines += [Line("shop", "blue", f"number {n} of many {'x' * 60}") for n in range(120_000)]
            view = at.desk.page.query_one(LogView)
            await at.until(lambda: len(view.ring) and "119999" in view.ring.at(view.ring.next - 1).text)
            assert len(view.ring) <= MOST
            await at.keys("slash")
            await at.type("number 11998")
            await at.until(lambda: 0 < view.count < 20)

    run(go())


def test_n_goes_to_the_error_and_y_copies_its_record(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down", "3")
            await at.until("KeyError")
            await at.keys("n", "y")
            saved = tmp_path / "saved" / "clipboard.txt"
            await at.until(saved.exists)
            assert saved.read_text().splitlines()[0].endswith("score.py:12: KeyError: 'data'")
            assert "Traceback" in saved.read_text()
            assert saved.stat().st_mode & 0o077 == 0
            await at.keys("ctrl+s")
            await at.until(lambda: list((tmp_path / "saved").glob("logs-*.txt")))

    run(go())


# --- Requests, invoke ------------------------------------------------------------------------------------------------


def test_requests_are_filtered_and_lead_to_their_logs(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        source.lines.append(Line("shop", "blue", "2026-11-23 12:02:39,100 E [1] root - req 00000027-aa went wrong"))
        async with sitting(tmp_path, source=source) as at:
            await at.keys("4")
            await at.until("500 fail")
            await at.keys("e")
            await at.until("4 of 40")
            assert "200 ok" not in at.screen
            await at.keys("enter")
            await at.until("went wrong")
            assert "Logs  shop/blue" in at.screen

    run(go())


def test_what_was_captured_of_a_request_is_shown_beside_its_copy(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            kept = Capture('{"data": [1]}', '{"score": 0.8}', "next", 200, '{"score": 0.7}')
            at.source.asked[-1] = replace(at.source.asked[-1], capture=kept)
            await at.keys("4")
            await at.until('{"data": [1]}')
            assert 'next 200  {"score": 0.7}' in at.screen

    run(go())


def test_a_sample_is_sent_and_the_answer_read(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("i")
            await at.until("from the schema")
            await at.keys("ctrl+n")
            await at.until("sample-request.json")
            await at.keys("ctrl+r")
            await at.until("200 ok")
            assert at.source.calls[-1] == ("invoke", "shop", None, '{"data": [4]}')
            assert '"score": 4.2' in at.screen
            await at.keys("ctrl+t")
            await at.until("Request to shop/blue")
            await at.keys("ctrl+r")
            await at.until(lambda: at.source.calls[-1][2] == "blue")

    run(go())


def test_an_answer_with_an_error_shows_the_failing_line(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        error = {"type": "KeyError", "message": "'data'", "file": f"{tmp_path}/score.py", "line": 12, "traceback": "T"}
        source.answer = Answer(424, 0.01, (), json.dumps({"error": error}))
        async with sitting(tmp_path, source=source) as at:
            await at.keys("5")
            await at.until("from the schema")
            await at.keys("ctrl+r")
            await at.until("424 failed")
            assert '▶   12 │     row = json.loads(data)["data"]' in at.screen

    run(go())


def test_many_are_sent_with_live_times(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("5")
            await at.until("from the schema")
            await at.keys("ctrl+l")
            await at.until("How many requests")
            await at.keys("enter")
            await at.until("100 of 100 answers")
            assert "p95" in at.screen
            assert len(at.source.calls) == 100
            await at.until("100x")

    run(go())


def test_while_text_is_typed_keys_are_text(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("5")
            await at.until("from the schema")
            editor = at.desk.page.query_one(TextArea)
            editor.text = ""
            await at.keys("1", "q", "x")
            assert editor.text == "1qx"
            await at.keys("escape", "1")
            await at.until("Endpoints")

    run(go())


# --- Debug, jobs, help, palette --------------------------------------------------------------------------------------


def test_debug_shows_reloads_and_their_results(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down", "d")
            await at.until("● reloaded")
            assert "◐ changed" in at.screen
            assert "✖ error" in at.screen
            assert "your folder; reloads when you save" in at.screen
            await at.keys("b")
            await at.until(lambda: at.source.calls)
            assert at.source.calls[0][1].arguments["on"] is True

    run(go())


def test_jobs_show_steps_and_can_be_cancelled(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("7")
            await at.until("update next")
            assert "readiness" in at.screen
            assert "✖" in at.screen
            working = Job("5", "up bank", "sandbox up bank", "working", "2026-11-23T12:09:00+00:00")
            at.source.set(jobs=(working, *at.source.now.jobs))
            await at.until("up bank")
            await at.keys("x")
            await at.until("Cancel up bank?")
            await at.keys("y")
            await at.until(lambda: ("cancel", "5") in at.source.calls)

    run(go())


def test_help_has_all_keys_and_goes_away(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("question_mark")
            await at.until("Move traffic of the endpoint.")
            await at.keys("q")
            await at.until(lambda: not isinstance(at.desk.screen, Help))
            assert at.desk.is_running

    run(go())


def test_the_palette_finds_pages_deployments_and_commands(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("ctrl+p")
            await at.type("model create")
            await at.until("sandbox model create")
            await at.keys("escape")
            await at.keys("ctrl+p")
            await at.type("go to shop/gre")
            await at.until("Go to shop/green")
            await at.keys("down", "enter")
            await at.until(lambda: at.desk.chosen == GREEN.key)

    run(go())


def test_own_keys_count_and_the_page_is_remembered(tmp_path):
    (tmp_path / "keys.json").write_text('{"everywhere.page.jobs": "ctrl+j"}')

    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("ctrl+j")
            await at.until("update next")
            await at.keys("q")
        async with sitting(tmp_path) as at:
            await at.until("update next")

    run(go())


@pytest.mark.parametrize("theme", ["sandbox-light", "ansi-dark", "nord"])
def test_every_page_is_drawn_in_other_themes(tmp_path, theme):
    async def go():
        async with sitting(tmp_path) as at:
            at.desk.theme = theme
            for page in keys.PAGES:
                at.desk.action_page(page)
                await at.until(lambda page=page: at.desk.page is not None and page == at.desk.page.NAME)
                await at.pilot.pause()
                assert re.search(keys.TITLES[page], at.screen)

    run(go())


def test_resizing_keeps_everything(tmp_path):
    async def go():
        async with sitting(tmp_path, (200, 60)) as at:
            for page in keys.PAGES:
                at.desk.action_page(page)
                for size in ((80, 24), (200, 60), (60, 20), (120, 40)):
                    await at.pilot.resize_terminal(*size)
                    await at.pilot.pause()
                    assert len(at.screen.split("\n")) == size[1]

    run(go())


def test_pictures_are_saved(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("ctrl+e")
            await at.until(lambda: list((tmp_path / "saved").glob("screen-*.svg")))

    run(go())
