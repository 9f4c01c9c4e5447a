"""Requests made by hypothesis: bodies, queries, headers, content types, JSON for schemas."""

import json
import string
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.conformance.case import ask

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^`|~"
JSON_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/problem+json",
    "application/json;charset=latin-1",
)
OTHER_TYPES = (
    "text/plain",
    "text/json",
    "application/jsonx",
    "application/octet-stream",
    "text/csv; header=present",
    "image/png",
    "",
    ";",
    "application/json, text/plain",
    "*/*",
    "x",
)
FORM_TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "multipart/form-data; boundary=b",
)
FRAMING = frozenset(
    {"content-length", "transfer-encoding", "expect", "connection", "upgrade", "content-type", "host", "te", "trailer"}
    | {"keep-alive", "proxy-connection", "http2-settings", "origin"}
)

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
json_texts = st.one_of(
    st.builds(json.dumps, json_values, ensure_ascii=st.booleans()),
    st.builds(json.dumps, json_values, indent=st.integers(0, 3)),
)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


bodies = st.one_of(
    st.binary(max_size=200),
    st.builds(_encoded, st.text(max_size=80)),
    st.builds(_encoded, json_texts),
    st.builds(
        lambda text, codec: text.encode(codec, "replace"),
        json_texts,
        st.sampled_from(["utf-16", "utf-32", "utf-8-sig"]),
    ),
)

_query_part = st.one_of(
    st.text(max_size=8).map(lambda text: quote(text, safe="", errors="surrogatepass")),
    st.builds(json.dumps, json_values).map(lambda text: quote(text, safe="[]{},:")),
    st.text(string.ascii_letters + string.digits + "%+;/?:@!$'()*,._~-[]{}|\\^\"<>`", max_size=10),
    st.sampled_from(["%", "%2", "%zz", "%00", "%ff%fe", "%C3%28", "1e999", "-0", "0x1", " ".replace(" ", "+"), "NaN"]),
)
queries = st.lists(
    st.builds(
        lambda name, value, sign: f"{name}{sign}{value}", _query_part, _query_part, st.sampled_from(["=", "", "=="])
    ),
    max_size=5,
).map("&".join)

_value_bytes = bytes([9, *range(32, 127), *range(160, 256)])
header_values = st.lists(st.sampled_from(_value_bytes), max_size=30).map(bytes)
_names = st.text(TOKEN, min_size=1, max_size=12).filter(lambda name: name.lower() not in FRAMING)
KNOWN = (
    "x-request-id x-ms-request-id x-ms-client-request-id TraceId Accept Cookie X-ReQuest-Id X_Odd User-Agent Date "
    "Range "
    "Accept-Encoding Forwarded If-None-Match Authorization Referer"
)
_known = st.sampled_from(KNOWN.split())
_id_values = st.integers(0, 130).map(lambda size: b"i" * size)
headers = st.lists(st.tuples(_names | _known, header_values | _id_values), max_size=6)


def posts(of: st.SearchStrategy[bytes], types: tuple[str, ...], target: str = "/score") -> st.SearchStrategy[bytes]:
    """POST requests with a body of the given kind and one of the given content types."""
    return st.builds(
        lambda body, kind: ask("POST", target, [("Content-Type", kind)], body),
        of,
        st.sampled_from(types),
    )
