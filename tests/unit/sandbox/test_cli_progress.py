"""Progress on a pipe and on a terminal."""

import io
import re
import time

from sandbox.cli.progress import Drawn, Lines, progress
from sandbox.model.progress import Event


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


STORY = [
    Event("environment", "begin", "build the environment", "shop", "blue"),
    Event("environment", "line", "Collecting flask \x1b[2J", "shop", "blue"),
    Event("environment", "done", "build the environment", "shop", "blue", 3.21),
    Event("gateway", "begin", "publish", "shop", "blue"),
    Event("gateway", "done", "publish", "shop", "blue", 0.01),
    Event("storage", "note", "the model is linked", "shop", "blue"),
    Event("ready", "begin", "wait until ready", "shop", "blue"),
    Event("ready", "line", "KeyError: 'cake'", "shop", "blue"),
    Event("ready", "failed", "not ready", "shop", "blue", 61.0),
]


def told(stream, **how):
    shown = progress(stream, **how)
    for event in STORY:
        shown.tell(event)
    shown.close()
    return stream.getvalue()


def test_a_pipe_gets_a_line_for_each_step_and_the_tail_of_what_failed():
    assert told(io.StringIO(), verbose=False) == (
        "shop/blue: build the environment (3.2 s)\n"
        "shop/blue: publish\n"
        "shop/blue: the model is linked\n"
        "  | KeyError: 'cake'\n"
    )


def test_a_step_that_takes_long_is_named_when_it_has_begun(monkeypatch):
    monkeypatch.setattr("sandbox.cli.progress.PATIENCE_S", 0.05)
    stream = io.StringIO()
    shown = progress(stream, verbose=False)
    shown.tell(Event("ready", "begin", "wait until ready", "shop", "blue"))
    deadline = time.monotonic() + 10
    while "..." not in stream.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    shown.tell(Event("ready", "done", "wait until ready", "shop", "blue", 1.5))
    shown.close()
    assert stream.getvalue() == "shop/blue: wait until ready ...\nshop/blue: wait until ready (1.5 s)\n"


def test_verbose_shows_what_tools_print_without_what_steers_a_terminal():
    text = told(io.StringIO(), verbose=True)
    assert "  | Collecting flask \ufffd[2J\n" in text


def test_a_terminal_keeps_the_steps_and_takes_the_rest_back(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    shown = progress(Terminal(), verbose=False)
    shown.close()
    assert isinstance(shown, Drawn)
    stream = Terminal()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told(stream, verbose=False))
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", text)]
    assert "\u2713 shop/blue: build the environment (3.2 s)" in lines
    assert "  shop/blue: the model is linked" in lines
    assert "x shop/blue: wait until ready (1 min 1 s)" in lines
    assert "  | KeyError: 'cake'" in lines
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is shown again


def test_verbose_on_a_terminal_is_lines():
    assert isinstance(progress(Terminal(), verbose=True), Lines)


def test_what_a_step_that_went_well_printed_is_not_shown_below_a_later_failure():
    stream = io.StringIO()
    shown = progress(stream, verbose=False)
    for event in (*STORY[:3], Event("ready", "failed", "not ready", "shop", "blue", 61.0)):
        shown.tell(event)
    shown.close()
    assert stream.getvalue() == "shop/blue: build the environment (3.2 s)\n"
