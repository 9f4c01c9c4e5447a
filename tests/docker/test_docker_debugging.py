"""``sandbox debug`` and ``--vscode-debug`` where deployments are containers: tests of processes, and dev containers."""

import pytest

from tests.integration.test_ops_debugging import (
    test_debug_mode_stops_a_request_of_the_endpoint_and_gives_back_what_served,
    test_said_twice_it_changes_nothing_and_an_update_meanwhile_counts_afterwards,
    test_what_cannot_be_switched_serves_on_as_it_was,
)

pytestmark = [pytest.mark.docker, pytest.mark.slow]

__all__ = [
    "test_debug_mode_stops_a_request_of_the_endpoint_and_gives_back_what_served",
    "test_said_twice_it_changes_nothing_and_an_update_meanwhile_counts_afterwards",
    "test_what_cannot_be_switched_serves_on_as_it_was",
]
