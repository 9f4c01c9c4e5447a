"""Read one setting from its text: every function returns the value, or raises ValueError with what is wanted.

The messages stand alone ("'70000' is not a port: ..."): the same text may come from a flag, the environment or a file.
"""

import logging
import math
from collections.abc import Callable

# Longer times are taken as this one: 23 days fit the 32-bit milliseconds of poll() and Windows waits. Clamped rather
# than refused, because people write a huge number where they mean "no limit".
LONGEST_S = 2_000_000.0
LONGEST_MS = int(LONGEST_S) * 1000

_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})
_UNITS = {
    "": 1,
    "b": 1,
    "k": 1024,
    "kib": 1024,
    "kb": 1000,
    "m": 1024**2,
    "mib": 1024**2,
    "mb": 1000**2,
    "g": 1024**3,
    "gib": 1024**3,
    "gb": 1000**3,
}
_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL"}


def _whole(text: str) -> int | None:
    """Return ``text`` as an int ("7000" and "7000.0" alike, S27), None when it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number == int(number) else None


def plain(text: str) -> str:
    """Return ``text`` as it is."""
    return text


def port(text: str) -> int:
    """Return a TCP port; 0 means that the system shall choose one."""
    number = _whole(text)
    if number is None or not 0 <= number <= 65535:
        raise ValueError(f"{text!r} is not a port: give a whole number from 1 to 65535, or 0 for any free one")
    return number


def count(text: str) -> int:
    """Return a number of things of which there must be one at least."""
    number = _whole(text)
    if number is None or number < 1:
        raise ValueError(f"{text!r} does not do: give a whole number greater than zero")
    return number


def limit(text: str) -> int:
    """Return a number of things; 0 means "no limit"."""
    number = _whole(text)
    if number is None or number < 0:
        raise ValueError(f"{text!r} does not do: give a whole number, 0 for no limit")
    return number


def milliseconds(text: str) -> int:
    """Return a time in ms; 0 means "no limit"."""
    number = _whole(text)
    if number is None or number < 0:
        raise ValueError(f"{text!r} is not a time: give whole milliseconds, 0 for no limit")
    return min(number, LONGEST_MS)


def seconds(text: str) -> float:
    """Return a time in s, fractions allowed; 0 means "no limit"."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{text!r} is not a time: give seconds, for instance 30 or 0.5; 0 for no limit")
    return min(number, LONGEST_S)


def size(text: str) -> int:
    """Return a size in bytes: "4096", "10k" and "1GiB" (powers of 1024), "5MB" (powers of 1000); 0 means "no limit"."""
    stripped = text.strip().lower().replace(" ", "")
    digits = stripped.rstrip("bikmg")
    unit = stripped[len(digits) :]
    try:
        number = float(digits)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0 or unit not in _UNITS:
        raise ValueError(f"{text!r} is not a size: give bytes, or for instance 10k, 5MB, 1GiB; 0 for no limit")
    return int(number * _UNITS[unit])


def header_size(text: str) -> int:
    """Return a size in bytes that leaves room for an ordinary request's headers."""
    number = size(text)
    if number < 1024:
        raise ValueError(f"{text!r} is too small: browsers and proxies send more than that; give 1k or more")
    return number


def truth(text: str) -> bool:
    """Return a yes or no, in any of the spellings that pydantic knows too."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither yes nor no: give true or false")


def exactly_true(text: str) -> bool:
    """Return True for "true" alone: any other value switches Application Insights off (S134)."""
    return text == "true"


def names(text: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated list, spaces stripped (S113), empty ones dropped."""
    return tuple(entry for entry in (part.strip() for part in text.split(",")) if entry)


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader that takes one of ``words``, in any case."""

    def read(text: str) -> str:
        word = text.strip().lower()
        if word not in words:
            raise ValueError(f"{text!r} does not do: give {' or '.join(words)}")
        return word

    return read


def host(text: str) -> str:
    """Return the address to listen on; an IPv6 address may come in brackets."""
    name = text.strip()
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if not name or any(character in name for character in " /[]@"):
        raise ValueError(f"{text!r} is not an address: give for instance 127.0.0.1, ::1, or 0.0.0.0 for all interfaces")
    return name


def level(text: str) -> str:
    """Return the name of a logging level."""
    word = text.strip().upper()
    word = _LEVELS.get(word, word)
    if word not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        word = logging.getLevelName(int(word)) if word.isdecimal() and len(word) < 4 else ""
    if word not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError(f"{text!r} is not a log level: give DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return word


def address(text: str) -> tuple[str | None, int]:
    """Return (host or None, port) of "[HOST:]PORT"; IPv6 as "[::1]:5678"."""
    before, colon, after = text.strip().rpartition(":")
    number = _whole(after)
    if number is None or not 0 <= number <= 65535 or (colon and not before):
        raise ValueError(f"{text!r} is not an address for the debugger: give PORT or HOST:PORT, for instance 5678")
    return (host(before) if colon else None), number


def debug_sense(text: str) -> bool:
    """Return True for "connect" (or true): the IDE listens; False for "listen" (or false): the IDE attaches."""
    word = text.strip().lower()
    if word in ("connect", "listen"):
        return word == "connect"
    try:
        return truth(word)
    except ValueError:
        raise ValueError(f"{text!r} does not do: give listen (the IDE attaches) or connect (the IDE listens)") from None
