"""The stage is shared by all tests of the session; it begins to play as soon as it is known what was chosen."""

from collections.abc import Iterator

import pytest

from tests.conformance import reference
from tests.conformance.case import Case, Situation
from tests.conformance.stage import Stage


def _situations(items: list[pytest.Item]) -> list[str]:
    """The situations that the collected tests speak of, in the order of the table."""
    chosen: dict[str, None] = {}
    for item in items:
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            if isinstance(value, Situation):
                chosen[value.name] = None
    return list(chosen)


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    reference.installed()
    made = Stage()
    made.announce(_situations(request.session.items))
    yield made
    made.close()


def name_of(value: object) -> str | None:
    """The id of a parametrised test: situation/case, as the specification writes them."""
    if isinstance(value, Situation):
        return value.name
    return value.name if isinstance(value, Case) else None
