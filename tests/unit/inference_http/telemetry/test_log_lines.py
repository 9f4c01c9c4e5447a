import contextlib
import fcntl
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from inference_http.scoring import ids
from inference_http.telemetry.log_lines import (
    TEXT_FORMAT,
    JsonFormatter,
    LineFormatter,
    Output,
    RootAccessFilter,
    StdoutLines,
)


def record(message="hello", *args, level=logging.INFO, name="azmlinfsrv", **more):
    made = logging.LogRecord(name, level, __file__, 1, message, args, None)
    vars(made).update(more)
    return made


@pytest.fixture
def running_request():
    bound = ids.bind("the-id")
    yield "the-id"
    ids.unbind(bound)


# --- Lines ------------------------------------------------------------------------------------------------------------


def test_a_line_is_the_reference_s(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    made = record("%s is %d", "x", 1, created=1700000000.0421, msecs=42.1, process=7, level=logging.WARNING)
    assert LineFormatter().format(made) == "2023-11-14 22:13:20,042 W [7] azmlinfsrv - x is 1"
    monkeypatch.undo()
    time.tzset()


def test_the_fast_line_equals_what_logging_makes_of_the_same_format():
    slow = logging.Formatter(TEXT_FORMAT)
    slow.converter = time.gmtime
    fast = LineFormatter()
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        for _ in range(20):
            made = record("a\nb", level=level, name="azmlinfsrv.print")
            assert fast.format(made)[24:] == slow.format(made)[24:]
            assert abs(int(fast.format(made)[20:23]) - int(slow.format(made)[20:23])) <= 1
            assert fast.format(made)[:20] == slow.format(made)[:20]


def test_the_clock_moves_on_and_back():
    line = LineFormatter()
    stamps = [line.line(second, "I", 1, "n", "m")[:23] for second in (0.0, 0.999, 1.0, 0.5)]
    assert stamps == [f"1970-01-01 00:00:0{end}" for end in ("0,000", "0,999", "1,000", "0,500")]


def test_the_id_of_the_running_request_ends_the_message(running_request):
    assert LineFormatter().format(record("hello")).endswith(" - hello [the-id]")


def test_no_request_no_id():
    assert LineFormatter().format(record("hello")).endswith(" - hello")


def raised(message):
    """exc_info as logging hands it on."""
    with pytest.raises(ValueError, match="boom") as caught:
        raise ValueError(message)
    return caught.type, caught.value, caught.tb


def test_a_traceback_follows_the_message(running_request):
    made = record("failed", exc_info=raised("boom"), stack_info="Stack (most recent call last):")
    lines = LineFormatter().format(made).splitlines()
    assert lines[0].endswith("failed [the-id]")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-2:] == ["ValueError: boom", "Stack (most recent call last):"]


def test_a_format_of_the_user_s_own_is_followed_in_utc():
    made = record("m", created=0.0)
    assert LineFormatter("%(asctime)s|%(message)s", "%H:%M").format(made) == "00:00|m"
    assert LineFormatter("{message}!", None, "{").format(made) == "m!"
    assert LineFormatter(datefmt="%H:%M").format(made).startswith("00:00 I [")
    assert LineFormatter(None, None, "%").format(made) == "m"
    with pytest.raises(ValueError, match="%"):
        LineFormatter("no field at all", None, "%", True)
    assert LineFormatter("no field at all", None, "%", False).format(made) == "no field at all"


def test_a_json_line_is_one_object(running_request):
    fields = {"exc_info": raised("boom\n\ud800"), "created": 1700000000.042, "msecs": 42.0, "process": 7}
    made = record("two\nlines \ud800", **fields)
    text = JsonFormatter().format(made)
    assert "\n" not in text
    entry = json.loads(text)
    assert entry.pop("exception").startswith("Traceback")
    assert entry == {
        "time": "2023-11-14T22:13:20.042Z",
        "level": "INFO",
        "logger": "azmlinfsrv",
        "message": "two\nlines \ud800",
        "pid": 7,
        "request_id": "the-id",
    }


def test_a_json_line_has_no_empty_fields():
    assert sorted(json.loads(JsonFormatter().format(record()))) == ["level", "logger", "message", "pid", "time"]


def test_access_lines_of_the_probe_are_dropped():
    probe, other = record('1.2.3.4 "GET / HTTP/1.1" 200'), record('1.2.3.4 "GET /score HTTP/1.1" 200')
    assert [RootAccessFilter().filter(each) for each in (probe, other)] == [False, True]


# --- Output -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe():
    read, write = os.pipe()
    stream = open(write, "w", encoding="utf-8")  # noqa: SIM115  (closed by the test or below)
    yield read, stream
    os.close(read)
    with contextlib.suppress(OSError):
        stream.close()


def test_the_order_of_what_was_written_before_is_kept(pipe):
    read, stream = pipe
    stream.write("first, ")
    Output(stream).write("second\n")
    assert os.read(read, 100) == b"first, second\n"


def test_lone_surrogates_and_foreign_characters_are_escaped(tmp_path):
    for encoding, expected in (("utf-8", "é \\ud800".encode()), ("ascii", b"\\xe9 \\ud800")):
        path = tmp_path / encoding
        with open(path, "w", encoding=encoding) as stream:
            Output(stream).write("é \ud800")
        assert path.read_bytes() == expected


def test_a_stream_in_memory_is_written_to():
    stream = io.StringIO()
    Output(stream).write("a \ud800\n")
    assert stream.getvalue() == "a \\ud800\n"


def test_no_stream_takes_everything():
    Output(None).write("gone")


def test_a_closed_stream_is_never_written_to_through_its_old_descriptor(tmp_path):
    stream = open(tmp_path / "log", "w")  # noqa: SIM115
    output, number = Output(stream), stream.fileno()
    stream.close()
    victim = os.open(tmp_path / "victim", os.O_RDWR | os.O_CREAT)
    assert victim == number  # the number is somebody else's now
    output.write("secret\n")
    assert os.read(victim, 10) == b""
    os.close(victim)


def test_a_reader_that_went_away_does_no_harm():
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream:
        output = Output(stream)
        output.write("x\n")
        output.write("y\n")


def test_a_full_disk_does_no_harm():
    with open("/dev/full", "w") as stream:
        Output(stream).write("x\n")


def test_a_long_line_reaches_a_slow_reader_whole(pipe):
    read, stream = pipe
    os.set_blocking(stream.fileno(), False)
    text = "x" * 500_000 + "\n"
    got = bytearray()

    def slowly():
        while len(got) < len(text):
            time.sleep(0.001)
            got.extend(os.read(read, 65536))

    reader = threading.Thread(target=slowly)
    reader.start()
    Output(stream).write(text)
    reader.join(10)
    assert bytes(got) == text.encode()


def test_a_non_blocking_pipe_that_nobody_reads_drops_the_line_after_a_second(pipe):
    _, stream = pipe
    os.set_blocking(stream.fileno(), False)
    fcntl.fcntl(stream.fileno(), getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)
    output, started = Output(stream), time.monotonic()
    output.write("x" * 10_000)
    output.write("y" * 100)
    assert 1.5 < time.monotonic() - started < 4


def test_lines_of_many_processes_on_one_pipe_stay_whole():
    program = """
import logging, os
from inference_http.telemetry import log_lines
lines = log_lines.StdoutLines()
lines.setFormatter(log_lines.LineFormatter())
logger = logging.getLogger("azmlinfsrv")
logger.addHandler(lines)
logger.setLevel("INFO")
children = []
for mark in "abcd":
    child = os.fork()
    if child == 0:
        for _ in range(400):
            logger.info(mark * 300)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = re.compile(r"[-\d]{10} [:\d]{8},\d{3} I \[\d+\] azmlinfsrv - (a{300}|b{300}|c{300}|d{300})")
    assert [text for text in done.stdout.splitlines() if not line.fullmatch(text)] == []
    assert len(done.stdout.splitlines()) == 1600


# --- The logging handler ----------------------------------------------------------------------------------------------


@pytest.fixture
def lines(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    made = StdoutLines()
    made.setFormatter(LineFormatter())
    return made, stream


def test_a_record_becomes_a_line(lines):
    writer, stream = lines
    assert writer.handle(record("hello"))
    assert stream.getvalue().endswith(" azmlinfsrv - hello\n")


def test_filters_may_drop_a_record(lines):
    writer, stream = lines
    writer.addFilter(RootAccessFilter())
    assert not writer.handle(record("GET / HTTP/1.1"))
    assert stream.getvalue() == ""
    assert writer.handle(record("other"))
    assert "other" in stream.getvalue()


def test_arguments_that_do_not_fit_are_reported_and_do_not_raise(lines, capsys):
    writer, stream = lines
    writer.handle(record("%d", "x"))
    assert stream.getvalue() == ""
    assert "Logging error" in capsys.readouterr().err


def test_a_closed_stderr_does_not_raise_either(lines, monkeypatch):
    writer, _ = lines
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    writer.handle(record("%d", "x"))


def test_no_lock_is_held_while_a_line_is_made(lines):
    """A scoring timeout may strike anywhere; a lock left behind would silence the process."""
    writer, stream = lines

    class Nested:
        def __str__(self):
            thread = threading.Thread(target=writer.handle, args=(record("inner"),))
            thread.start()
            thread.join(5)
            return "outer"

    writer.handle(record("%s", Nested()))
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["inner", "outer"]
