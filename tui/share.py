"""The rule of the sliders: percentages always sum to 100, and moving one back brings the others back."""

from collections.abc import Collection, Mapping

WHOLE = 100


def moved(start: Mapping[str, int], name: str, to: int, locked: Collection[str] = ()) -> dict[str, int]:
    """Return the shares after one of them was moved.

    All are computed from ``start``, the shares when the edit began: the one that moves takes its value as far as the
    locked ones leave room, the others share the rest in proportion to what they had (equally, where they had nothing).

    Args:
        start: shares that sum to 100, or to 0 where there is no traffic yet.
        name: which one moves.
        to: where to; kept between 0 and what is left beside the locked ones.
        locked: names whose shares stay.
    """
    fixed = {each for each in locked if each in start and each != name}
    others = [each for each in start if each != name and each not in fixed]
    room = WHOLE - sum(start[each] for each in fixed)
    own = room if not others else min(max(to, 0), room)
    rest = divided(room - own, [start[each] for each in others])
    found = dict(zip(others, rest, strict=True))
    return {each: own if each == name else found.get(each, start[each]) for each in start}


def even(start: Mapping[str, int], locked: Collection[str] = ()) -> dict[str, int]:
    """Return the shares when all that are not locked have the same; the first ones take what does not divide."""
    free = [each for each in start if each not in locked]
    if not free:
        return dict(start)
    room = WHOLE - sum(share for each, share in start.items() if each in locked)
    found = dict(zip(free, divided(room, [1] * len(free)), strict=True))
    return {each: found.get(each, start[each]) for each in start}


def divided(amount: int, weights: list[int]) -> list[int]:
    """Divide a whole number in proportion to weights, without a rest (largest remainder); equally if all are zero."""
    if not weights:
        return []
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    found = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda each: (-(amount * weights[each] % total), each))
    for each in by_remainder[: amount - sum(found)]:
        found[each] += 1
    return found
