import logging

import pytest

from inference_http.config.settings import Settings
from inference_http.web import cors

ORIGIN = "Access-Control-Allow-Origin"
VARY = ("Vary", "Origin")


def headers(entries, origin=None, method="POST", **sent):
    values = {name.replace("_", "-").lower(): value for name, value in sent.items()}
    values["origin"] = origin
    return cors.Cors(entries).headers(method, lambda name: values.get(name.lower()))


@pytest.mark.parametrize(
    ("entries", "origin", "expected"),
    [
        (["https://a.test"], "https://a.test", [(ORIGIN, "https://a.test")]),
        (["https://a.test"], "HTTPS://A.TEST", [(ORIGIN, "HTTPS://A.TEST")]),
        (["https://a.test"], "https://a.test.evil", []),
        (["https://a.test"], None, [(ORIGIN, "https://a.test")]),
        (["https://b.test", "https://a.test"], "https://b.test", [(ORIGIN, "https://b.test"), VARY]),
        (["https://b.test", "https://a.test"], "https://c.test", []),
        (["https://b.test", "https://a.test"], None, [(ORIGIN, "https://a.test"), VARY]),
        (["*"], "https://b.test", [(ORIGIN, "https://b.test"), VARY]),
        (["*"], None, [(ORIGIN, "*")]),
        ([".*"], None, [(ORIGIN, "*")]),
        ([".*"], "https://b.test", [(ORIGIN, "https://b.test"), VARY]),
        (["*", "https://a.test"], None, [(ORIGIN, "*")]),
        ([r"https://.*\.ok\.test"], "https://x.ok.test", [(ORIGIN, "https://x.ok.test"), VARY]),
        ([r"https://.*\.ok\.test"], "https://x.ok.test.evil", []),
        ([r".*\.ok\.test"], None, []),
        (["https://*.ok.test"], "https://x.ok.test", [(ORIGIN, "https://x.ok.test"), VARY]),
        (["https://*.ok.test"], "https://xxok.test", []),
        (["https://*.ok.test"], "https://evil.test/x.ok.test", []),
        (["https://(a|b).test"], "https://b.test", [(ORIGIN, "https://b.test"), VARY]),
        (["http://[::1]:3000"], "http://[::1]:3000", [(ORIGIN, "http://[::1]:3000"), VARY]),
        (["http://localhost:3000"], "http://localhost:3000", [(ORIGIN, "http://localhost:3000")]),
    ],
)
def test_the_origin_decides(entries, origin, expected):
    assert headers(entries, origin) == expected


def test_a_preflight_names_methods_and_echoes_headers():
    found = headers(
        ["https://a.test"],
        "https://a.test",
        "OPTIONS",
        access_control_request_method="post",
        access_control_request_headers="x-b, X-A",
    )
    assert found == [
        (ORIGIN, "https://a.test"),
        ("Access-Control-Allow-Headers", "X-A, x-b"),
        ("Access-Control-Allow-Methods", "GET, POST"),
    ]


@pytest.mark.parametrize("asked", ["PUT", "ET", "", None])
def test_another_method_is_not_allowed_in_a_preflight(asked):
    found = headers(["https://a.test"], "https://a.test", "OPTIONS", access_control_request_method=asked)
    assert found == [(ORIGIN, "https://a.test")]


def test_a_private_network_is_refused():
    found = headers(["*"], "https://a.test", access_control_request_private_network="true")
    assert ("Access-Control-Allow-Private-Network", "false") in found


def test_a_broken_expression_is_named():
    with pytest.raises(ValueError, match=r"the allowed origin 'https://\(a' is not a valid regular expression"):
        cors.Cors(["https://(a"])


def test_off_without_origins_and_logged_with_some(caplog):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        assert cors.create(Settings()) is None
        assert isinstance(cors.create(Settings(cors_origins=("https://b.test", "*"))), cors.Cors)
    assert caplog.messages == ["Enabling CORS for the following origins: https://b.test, *"]
