"""How traffic is moved to a new version, step by step. Pure."""

from collections.abc import Collection, Mapping


def with_share(before: Mapping[str, int], name: str, share: int) -> dict[str, int]:
    """Return the traffic in which ``name`` has ``share`` percent, and the others the rest, as they shared it before.

    Whole percent, which sum to 100; what is left over by rounding goes to those that lost most of it.
    """
    others = {each: part for each, part in before.items() if each != name and part > 0}
    if not others:
        return {name: 100}
    found = {**_spread(others, 100 - share), name: share}
    return {each: part for each, part in found.items() if part > 0}


def among(before: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    """Return the traffic that those of ``names`` share as they did before; empty where none of them had any."""
    found = _spread({each: part for each, part in before.items() if each in names and part > 0}, 100)
    return {each: part for each, part in found.items() if part > 0}


def _spread(others: Mapping[str, int], left: int) -> dict[str, int]:
    total = sum(others.values())
    exact = {each: left * part / total for each, part in others.items()}
    made = {each: int(part) for each, part in exact.items()}
    for each in sorted(exact, key=lambda one: made[one] - exact[one])[: left - sum(made.values())]:
        made[each] += 1
    return made
