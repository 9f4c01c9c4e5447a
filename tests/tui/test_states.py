"""What cannot be seen, what is shown otherwise, what is begun by one key: on a source that answers as it is told."""

import contextlib
from dataclasses import replace

import pytest
from fake import GROUPS, FakeSource
from seen import run, sitting

from sandbox.model.errors import SandboxError
from tui import outside
from tui.looks import Group, Trouble


def test_what_cannot_be_read_is_told_on_every_page_with_what_to_do(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            fails = SandboxError("E111", "Docker does not answer", "connection refused", "start the engine")
            at.source.fails = fails
            for page in "17":
                await at.keys(page)
                await at.until("E111 Docker does not answer")
                assert "fix: start the engine" in at.screen
            await at.keys("1")
            await at.until("90%")
            at.source.fails = None
            await at.gone("E111")

    run(go())


def test_with_nothing_seen_yet_a_trouble_is_no_empty_home(tmp_path):
    async def go():
        source = FakeSource(tmp_path, groups=())
        source.fails = SandboxError("E111", "Docker does not answer", "", "start the engine")
        async with sitting(tmp_path, source=source) as at:
            await at.until("E111")
            assert "Nothing runs here yet" not in at.screen

    run(go())


def test_an_endpoint_whose_files_are_damaged_is_shown_with_why(tmp_path):
    async def go():
        trouble = Trouble("E063", "its state cannot be read", "line 1 is no JSON", "put it back")
        source = FakeSource(tmp_path, groups=(*GROUPS, Group("old", "failed", 0, "", "", (), trouble)))
        async with sitting(tmp_path, source=source) as at:
            await at.until("✖ its state cannot be read  line 1 is no JSON")

    run(go())


def test_deployments_are_put_into_another_order_which_is_kept(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            for _ in range(4):
                await at.keys("v")
            await at.until("by p95")
            assert at.screen.index("green") < at.screen.index("blue")
            await at.keys("q")
        async with sitting(tmp_path) as at:
            await at.until("by p95")

    run(go())


def test_a_letter_leads_to_a_panel(tmp_path):
    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("ctrl+o")
            await at.until(" s vents")
            await at.keys("s")
            await at.until(lambda: at.desk.page.focused is not None and at.desk.page.focused.id == "notes")
            await at.keys("ctrl+o", "escape")
            assert at.desk.page.focused.id == "notes"

    run(go())


def test_without_colours_nothing_is_coloured_and_all_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def go():
        async with sitting(tmp_path) as at:
            await at.until("✖ failed")
            strips = at.desk.screen._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if segment.style]
            colours = {colour.name for style in styles for colour in (style.color, style.bgcolor) if colour}
            assert colours <= {"default"}, colours
            here = [segment for strip in strips for segment in strip if segment.style and segment.style.underline]
            assert "blue" in "".join(segment.text for segment in here), "the line with the cursor is underlined"
            await at.keys("q")
        assert "plain" not in (tmp_path / "tui.json").read_text(), "what was chosen before stays chosen"

    run(go())


# --- Seal, promote, debug ---


@pytest.mark.parametrize(
    ("keys", "verb", "command"),
    [
        (("S",), "seal", "sandbox seal -n blue -e shop"),
        (("p", "enter"), "promote", "sandbox promote shop --to prod --deployment blue --traffic 10,50,100"),
        (("B", "y"), "rollback", "sandbox rollback shop"),
        (("6", "b"), "debug", "sandbox debug blue -e shop"),
        (("6", "w"), "update", "--set environment_variables.INFERENCE_HTTP_WAIT_FOR_CLIENT=true"),
    ],
)
def test_what_is_begun_by_a_key_is_the_command_that_it_says(tmp_path, keys, verb, command):
    async def go():
        async with sitting(tmp_path) as at:
            await at.until("90%")
            for key in keys:
                dialogs = len(at.desk.screen_stack)
                await at.keys(key)
                if key in {"p", "B"}:
                    await at.until(lambda dialogs=dialogs: len(at.desk.screen_stack) > dialogs)
                if key == "6":
                    await at.until("let a debugger attach")
            order = await at.until(lambda: next((each[1] for each in at.source.calls if each[0] == "begin"), None))
            assert order.verb == verb
            assert command in order.command

    run(go())


def test_without_a_host_it_is_said_how_one_is_made_known(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        source.known_hosts = []
        async with sitting(tmp_path, source=source) as at:
            await at.until("90%")
            await at.keys("p")
            await at.until("sandbox host add")

    run(go())


def test_a_script_that_waits_for_a_debugger_says_where(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        source.said = replace(source.said, debug_port=5678, debugging=True, waits=True, busy=True)
        async with sitting(tmp_path, source=source) as at:
            await at.until("90%")
            await at.keys("6")
            await at.until("waits for a debugger on 127.0.0.1:5678")
            await at.until("load at once again")

    run(go())


def test_a_file_that_was_mended_is_taken_again_after_one_question(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "_aside", lambda _: contextlib.nullcontext())  # no terminal is handed over here
    monkeypatch.setenv("EDITOR", "sh -c 'echo >> \"$2\"' sh")

    async def go():
        async with sitting(tmp_path) as at:
            await at.keys("down", "down")
            await at.until("o opens it")
            await at.keys("o")
            await at.until("Take the code of next again?")
            await at.keys("enter")
            order = await at.until(lambda: next((each[1] for each in at.source.calls if each[0] == "begin"), None))
            assert order.verb == "update"
            assert "code_configuration.code=" in order.command

    run(go())


def test_the_debugger_is_switched_off_and_its_entry_copied(tmp_path):
    async def go():
        source = FakeSource(tmp_path)
        source.said = replace(source.said, debug_port=5678, debugging=True)
        async with sitting(tmp_path, source=source) as at:
            await at.until("90%")
            await at.keys("6")
            await at.until("listens on 127.0.0.1:5678")
            await at.keys("y")
            saved = tmp_path / "saved" / "clipboard.txt"
            await at.until(lambda: saved.exists() and "sandbox: shop/green" in saved.read_text())
            await at.keys("b")
            order = await at.until(lambda: next((each[1] for each in at.source.calls if each[0] == "begin"), None))
            assert order.command.endswith("--off")

    run(go())
