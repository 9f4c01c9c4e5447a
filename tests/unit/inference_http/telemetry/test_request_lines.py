import logging

import pytest

from inference_http.scoring import ids
from inference_http.scoring.answer import answer_json
from inference_http.telemetry.request_lines import TARGET_SHOWN, log_refused, log_request, target_of

IDS = ids.Ids("r", "r", "")


@pytest.fixture(autouse=True)
def _listening(caplog):
    caplog.set_level(logging.INFO, logger="azmlinfsrv")


@pytest.mark.parametrize(
    ("method", "target", "shown"),
    [
        ("GET", "/x?a=1", "GET /x?a=1"),
        ("", "", "- -"),
        ("GET", "/a\nI [1] azmlinfsrv - forged", "GET /a\\nI [1] azmlinfsrv - forged"),
        ("G\x1b[31mT", "/", "G\\x1b[31mT /"),
        ("GET", "/\xc3\xa9", "GET /\u00e9"),
        ("GET", "/\xff", "GET /\\xff"),
        ("GET", "/\xe2\x80\xa8x", "GET /\\u2028x"),
        ("GET", "/" + "x" * 9000, "GET /" + "x" * (TARGET_SHOWN - 1) + "..."),
    ],
)
def test_a_refused_request_is_one_line_of_what_was_sent(caplog, method, target, shown):
    log_refused(method, target, answer_json(404, "no", IDS), 1.5, IDS)
    assert caplog.messages == [f"{shown} 404 1.500ms 17"]


def test_a_query_cannot_break_its_line(caplog):
    log_request("POST", "/score", "a=\xe2\x80\xa8b", answer_json(400, "no", IDS), 0.25)
    assert caplog.messages == ["POST /score?a=\\u2028b 400 0.250ms 17"]


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"REQUEST_URI": "/a%20b?c", "PATH_INFO": "/a b", "QUERY_STRING": "c"}, "/a%20b?c"),
        ({"PATH_INFO": "/a b", "QUERY_STRING": "c"}, "/a b?c"),
        ({"PATH_INFO": "/a"}, "/a"),
    ],
)
def test_the_target_is_the_one_that_was_sent(environ, target):
    assert target_of(environ) == target
