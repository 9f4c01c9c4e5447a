import logging
import re
import threading
import uuid

import pytest

from inference_http.scoring import ids

R, L, C = "r-1", "l-1", "c-1"
ANY = object()


def resolve(**sent):
    names = {"r": "x-request-id", "l": "x-ms-request-id", "c": "x-ms-client-request-id", "t": "TraceId"}
    headers = {names[key].lower(): value for key, value in sent.items()}
    return ids.resolve(lambda name: headers.get(name.lower()))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, (ANY, ANY, None)),
        ({"r": R}, (R, R, None)),
        ({"l": L}, (ANY, L, L)),
        ({"c": C}, (ANY, C, C)),
        ({"r": R, "l": L}, (R, L, L)),
        ({"l": L, "c": C}, (ANY, L, C)),
        ({"r": R, "c": C}, (R, C, C)),
        ({"r": R, "l": L, "c": C}, (R, L, C)),
        ({"r": R, "l": "", "c": ""}, (R, R, None)),
    ],
)
def test_the_table_of_the_three_ids(sent, expected):
    found = dict(resolve(**sent).headers())
    request_id, legacy_id, client_id = expected
    generated = found["x-request-id"]
    assert generated == (generated if request_id is ANY else request_id)
    assert found["x-ms-request-id"] == (generated if legacy_id is ANY else legacy_id)
    assert found.get("x-ms-client-request-id") == client_id


def test_a_generated_id_is_a_random_uuid():
    found = {ids.new_id() for _ in range(200)}
    assert len(found) == 200
    for text in found:
        assert str(uuid.UUID(text)) == text
        assert uuid.UUID(text).version == 4
        assert uuid.UUID(text).variant == uuid.RFC_4122


def test_an_empty_request_id_counts_as_not_sent():
    assert re.fullmatch(r"[0-9a-f-]{36}", resolve(r="").request_id)


def test_one_hundred_characters_pass():
    assert resolve(r="r" * 100, l="l" * 100, c="c" * 100).client_id == "c" * 100


def test_a_long_request_id_is_refused_first_and_sends_no_id():
    with pytest.raises(ids.TooLong) as caught:
        resolve(r="r" * 101, l="l" * 101, t="t")
    assert caught.value.message == "x-request-id must not exceed 100 characters"
    assert caught.value.ids.headers() == [("TraceId", "t")]


@pytest.mark.parametrize("key", ["l", "c"])
def test_a_long_legacy_or_client_id_is_refused_with_the_request_id_only(key):
    with pytest.raises(ids.TooLong) as caught:
        resolve(r=R, **{key: "x" * 101})
    assert caught.value.message == "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
    assert caught.value.ids.headers() == [("x-request-id", R)]


@pytest.mark.parametrize(("sent", "expected"), [({"t": "abc"}, "abc"), ({"t": ""}, ""), ({"t": "x" * 500}, "x" * 500)])
def test_the_trace_id_is_echoed_as_it_is(sent, expected):
    assert dict(resolve(**sent).headers())["TraceId"] == expected


def test_no_trace_id_sends_none():
    assert "TraceId" not in dict(resolve().headers())


def test_the_order_and_spelling_of_the_headers():
    assert [name for name, _ in resolve(r=R, l=L, c=C, t="t").headers()] == [
        "x-request-id",
        "x-ms-request-id",
        "x-ms-client-request-id",
        "TraceId",
    ]


def test_the_legacy_id_is_called_deprecated(caplog):
    with caplog.at_level(logging.WARNING, logger="azmlinfsrv"):
        resolve(l=L)
    expected = (
        "x-ms-request-id header has been deprecated and will be removed from future versions of the server."
        " Please use x-ms-client-request-id."
    )
    assert caplog.messages == [expected]


def test_the_current_id_belongs_to_one_thread():
    assert ids.current() == ""
    token = ids.bind("mine")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(ids.current()))
    thread.start()
    thread.join()
    assert ids.current() == "mine"
    ids.unbind(token)
    assert ids.current() == ""
    assert seen == [""]


def test_fresh_ids_are_complete():
    found = ids.fresh()
    assert found.request_id == found.legacy_id
    assert len(found.headers()) == 2
    assert found.request_id in repr(found)
