"""The use cases of tests/integration/test_ops.py, against containers: what holds for processes holds for them."""

import pytest

from tests.integration.test_ops import (
    test_a_changed_variable_replaces_the_instances_and_the_snapshot_of_the_code_stays,
    test_a_deployment_with_live_traffic_is_not_deleted,
    test_a_failing_script_is_told_with_its_own_line_and_can_be_corrected,
    test_a_file_reads_the_code_anew,
    test_an_endpoint_with_a_deployment_answers_and_is_shown_as_azure_shows_it,
    test_an_init_that_takes_too_long_is_told_and_ended,
    test_an_update_that_fails_leaves_the_old_instances_serving,
    test_of_two_commands_on_one_deployment_one_wins_and_the_other_is_told,
    test_rules_of_the_gateway_restart_nothing,
    test_scaling_restarts_nothing,
    test_two_deployments_are_created_at_the_same_time,
    test_two_deployments_share_and_the_deleted_one_is_gone,
    test_up_twice_does_nothing_the_second_time_and_down_takes_it_away,
    test_without_waiting_a_failure_is_kept_with_the_deployment,
    test_without_waiting_the_command_returns_and_the_deployment_comes,
)

pytestmark = [pytest.mark.docker, pytest.mark.slow]

__all__ = [
    "test_a_changed_variable_replaces_the_instances_and_the_snapshot_of_the_code_stays",
    "test_a_deployment_with_live_traffic_is_not_deleted",
    "test_a_failing_script_is_told_with_its_own_line_and_can_be_corrected",
    "test_a_file_reads_the_code_anew",
    "test_an_endpoint_with_a_deployment_answers_and_is_shown_as_azure_shows_it",
    "test_an_init_that_takes_too_long_is_told_and_ended",
    "test_an_update_that_fails_leaves_the_old_instances_serving",
    "test_of_two_commands_on_one_deployment_one_wins_and_the_other_is_told",
    "test_rules_of_the_gateway_restart_nothing",
    "test_scaling_restarts_nothing",
    "test_two_deployments_are_created_at_the_same_time",
    "test_two_deployments_share_and_the_deleted_one_is_gone",
    "test_up_twice_does_nothing_the_second_time_and_down_takes_it_away",
    "test_without_waiting_a_failure_is_kept_with_the_deployment",
    "test_without_waiting_the_command_returns_and_the_deployment_comes",
]
