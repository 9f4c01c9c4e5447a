"""Shorten what repeats in a stack of frames, so that a runaway recursion is a few lines and not a thousand."""

from collections.abc import Sequence
from traceback import FrameSummary, StackSummary

LONGEST_CYCLE = 12  # functions calling each other in turn
SHOWN_REPEATS = 2
FRAME_LIMIT = 60  # frames shown of one exception after folding; a third of them from the outer end


def fold(frames: Sequence[FrameSummary]) -> list[str]:
    """Format frames as Python does, with repeated cycles counted instead of shown."""
    keys = [(frame.filename, frame.lineno, frame.name) for frame in frames]
    parts: list[str] = []
    at = 0
    while at < len(frames):
        cycle, times = _repeats(keys, at)
        shown = min(times, SHOWN_REPEATS) * cycle
        parts += [_format(frame) for frame in frames[at : at + shown]]
        if times > SHOWN_REPEATS:
            what = "line" if cycle == 1 else f"{cycle} lines"
            parts.append(f"  [Previous {what} repeated {times - SHOWN_REPEATS} more times]\n")
        at += times * cycle
    if len(parts) <= FRAME_LIMIT:
        return parts
    outer = FRAME_LIMIT // 3
    inner = FRAME_LIMIT - outer
    return [*parts[:outer], f"  [{len(parts) - FRAME_LIMIT} frames left out]\n", *parts[-inner:]]


def _repeats(keys: Sequence[tuple[str, int | None, str]], at: int) -> tuple[int, int]:
    """Give the cycle's length and how often it stands at `at`: (1, 1) where nothing repeats."""
    for cycle in range(1, LONGEST_CYCLE + 1):
        times = 1
        while keys[at : at + cycle] == keys[at + times * cycle : at + (times + 1) * cycle] != []:
            times += 1
        if times > SHOWN_REPEATS:
            return cycle, times
    return 1, 1


def _format(frame: FrameSummary) -> str:
    return "".join(StackSummary.from_list([frame]).format())
