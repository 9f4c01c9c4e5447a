import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_http.config import values
from inference_http.config.option_table import OPTIONS


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.port, "0", 0),
        (values.port, "65535", 65535),
        (values.port, "7000.0", 7000),
        (values.count, "3", 3),
        (values.limit, "0", 0),
        (values.milliseconds, "0", 0),
        (values.milliseconds, "1" + "0" * 30, values.LONGEST_MS),
        (values.seconds, "0.5", 0.5),
        (values.seconds, "1e9", values.LONGEST_S),
        (values.size, "4096", 4096),
        (values.size, "10k", 10240),
        (values.size, "5MB", 5_000_000),
        (values.size, "1GiB", 1 << 30),
        (values.size, " 1.5 KiB ", 1536),
        (values.size, "0", 0),
        (values.header_size, "1k", 1024),
        (values.truth, "Yes", True),
        (values.truth, "off", False),
        (values.exactly_true, "true", True),
        (values.exactly_true, "True", False),
        (values.names, " a, b ,,c", ("a", "b", "c")),
        (values.names, "", ()),
        (values.one_of("auto", "fork"), "FORK", "fork"),
        (values.host, "[::1]", "::1"),
        (values.host, "0.0.0.0", "0.0.0.0"),
        (values.level, "warn", "WARNING"),
        (values.level, "10", "DEBUG"),
        (values.address, "5678", (None, 5678)),
        (values.address, "0.0.0.0:5678", ("0.0.0.0", 5678)),
        (values.address, "[::1]:5678", ("::1", 5678)),
        (values.debug_sense, "connect", True),
        (values.debug_sense, "listen", False),
        (values.debug_sense, "true", True),
    ],
)
def test_text_becomes_the_value(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.port, "65536"),
        (values.port, "-1"),
        (values.port, "http"),
        (values.port, "80.5"),
        (values.count, "0"),
        (values.count, "inf"),
        (values.limit, "-1"),
        (values.milliseconds, "-1"),
        (values.seconds, "nan"),
        (values.seconds, "-0.1"),
        (values.seconds, "soon"),
        (values.size, "10 parsecs"),
        (values.size, "k"),
        (values.size, "1kk"),
        (values.size, "-1"),
        (values.header_size, "100"),
        (values.truth, "maybe"),
        (values.one_of("auto", "fork"), "thread"),
        (values.host, ""),
        (values.host, "http://x"),
        (values.level, "LOUD"),
        (values.level, "15"),
        (values.address, ":5678"),
        (values.address, "x"),
        (values.address, "h:70000"),
        (values.debug_sense, "both"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_would_do(read, text):
    with pytest.raises(ValueError, match="give") as caught:
        read(text)
    assert repr(text) in str(caught.value)


@given(st.sampled_from(OPTIONS), st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_text_is_a_value_or_a_value_error(option, text):
    try:
        value = option.read(text)
    except ValueError:
        return
    assert value is not None
    assert not isinstance(value, float) or math.isfinite(value)
