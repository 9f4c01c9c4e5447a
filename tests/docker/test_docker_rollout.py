"""What changes an endpoint under load, and the agent, where instances are containers: the tests of processes."""

import pytest

from sandbox.agent import place
from tests.integration.test_rollout_load import (
    test_a_deployment_is_updated_in_place,
    test_a_key_is_rotated,
    test_a_new_deployment_is_promoted_and_its_predecessor_deleted,
)
from tests.support.boxes import until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

__all__ = [
    "test_a_deployment_is_updated_in_place",
    "test_a_key_is_rotated",
    "test_a_new_deployment_is_promoted_and_its_predecessor_deleted",
]


@pytest.fixture(autouse=True)
def _less(box):
    box.least = 3000  # the tests wait for so many answers


def test_a_container_that_hangs_is_replaced_by_the_agent(box, engine):
    quick = {"initial_delay": 0, "period": 1, "timeout": 1, "failure_threshold": 2}
    box.start("blue", liveness_probe=quick, readiness_probe={**quick, "failure_threshold": 120})
    (first,) = box.instances()
    place.start(box.api.home)
    engine.pause(first.id)
    until(lambda: [one for one in box.instances() if one.id != first.id], 90)
    until(lambda: box.ask().status == 200, 90)
    assert box.who() == "blue"
