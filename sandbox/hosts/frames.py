"""What goes to a command on a host, as one stream: its input, the size of the terminal, signals, and that we are there.

A frame is a letter, four bytes of length (most significant first), and so many bytes. Where the stream ends, whoever
sent it is gone, and the command is ended as by a terminal that hangs up.
"""

import struct
from collections.abc import Callable

WORDS = b"A"  # the first one: the command as JSON, a list of texts; no list of processes shows it
INPUT = b"I"  # bytes of its standard input
END = b"E"  # of its standard input
SIZE = b"W"  # of the terminal: rows and columns, two bytes each
SIGNAL = b"S"  # its number, one byte
PULSE = b"P"  # nothing, said now and then

PULSE_S = 10.0
SILENCE_S = 60.0  # so long without a frame, and whoever sent them is taken for gone
BLOCK = 2**16  # bytes that are read or written at once
_HEAD = struct.Struct(">cI")
_SIZE = struct.Struct(">HH")


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """Write one."""
    return _HEAD.pack(kind, len(content)) + content


def size(rows: int, columns: int) -> bytes:
    """Write the size of a terminal."""
    return frame(SIZE, _SIZE.pack(rows, columns))


def sized(content: bytes) -> tuple[int, int]:
    """Return rows and columns."""
    rows, columns = _SIZE.unpack(content)
    return rows, columns


def read(give: Callable[[int], bytes]) -> tuple[bytes, bytes] | None:
    """Read one, None at the end; ``give`` returns so many bytes or fewer, none at the end."""
    head = exactly(give, _HEAD.size)
    if head is None:
        return None
    kind, length = _HEAD.unpack(head)
    content = exactly(give, length)
    return None if content is None else (kind, content)


def exactly(give: Callable[[int], bytes], size: int) -> bytes | None:
    """Read so many bytes, None where there are fewer."""
    got = bytearray()
    while len(got) < size:
        data = give(min(size - len(got), BLOCK))
        if not data:
            return None
        got += data
    return bytes(got)
