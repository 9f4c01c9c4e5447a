"""The table of all situations, in the order in which they are played."""

from tests.conformance.case import Case, Situation
from tests.conformance.situations import (
    configuration,
    cors,
    echo,
    inputs,
    life,
    limits,
    logs,
    results,
    schema,
    starts,
    swagger,
    world,
)

SITUATIONS: dict[str, Situation] = {
    situation.name: situation
    for module in (life, echo, inputs, schema, results, swagger, cors, world, configuration, logs, starts, limits)
    for situation in module.SITUATIONS
}


def cases() -> list[tuple[Situation, Case]]:
    """Every case with its situation; each situation also starts (and, if it serves, stops)."""
    found = []
    for situation in SITUATIONS.values():
        found.append((situation, Case("start", situation.spec, facts=situation.facts, logs=situation.logs)))
        found += [(situation, case) for case in situation.cases]
        if situation.serves:
            found.append((situation, Case("stop", "S13", facts={"exit": situation.ends})))
    return found
