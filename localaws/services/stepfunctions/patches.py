"""All patches of ministack's Step Functions: each private function and its replacement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonata import parser, timebox, tokenizer
from ministack.services import stepfunctions as sf

from localaws.server.patching import replace
from localaws.services.stepfunctions import (
    branches,
    choice,
    definition,
    executions,
    expressions,
    failures,
    history,
    integrations,
    interpreter,
    maps,
    mocks,
    nested,
    variables,
    waiting,
)

_PATCHES: dict[str, Callable[..., Any]] = {
    "_add_event": history.add_event,
    "_apply_state_assign": variables.apply_state_assign,
    "_create_state_machine": definition.create_state_machine,
    "_delete_state_machine": executions.delete_state_machine,
    "_describe_execution": executions.describe_execution,
    "_error_matches": failures.error_matches,
    "_execute_choice": choice.execute_choice,
    "_execute_task": mocks.execute_task,
    "_find_matching_retrier": failures.find_matching_retrier,
    "_get_mock_response": mocks.get_mock_response,
    "_invoke_dynamodb": integrations.invoke_dynamodb,
    "_invoke_nested_start_execution": nested.invoke_nested_start_execution,
    "_invoke_nested_start_execution_sync": nested.invoke_nested_start_execution_sync,
    "_invoke_resource": mocks.invoke_resource,
    "_invoke_resource_with_timeout": waiting.invoke_with_timeout,
    "_prefix_sdk_error": integrations.prefix_sdk_error,
    "_register_sfn_jsonata_functions": expressions.register_functions,
    "_run_execution": executions.run_execution,
    "_run_map_items": maps.run_map_items,
    "_run_parallel_branches": branches.run_parallel_branches,
    "_run_sub_machine": interpreter.run_states,
    "_scaled_sleep": waiting.scaled_sleep,
    "_start_execution": executions.start_execution,
    "_stop_execution": executions.stop_execution,
    "_update_state_machine": definition.update_state_machine,
    "_validate_definition_jsonata": definition.validate_definition,
}


def install() -> None:
    """Patches Step Functions and its JSONata library."""
    for name, function in _PATCHES.items():
        replace(sf, name, function)
    sf._SERVICE_DISPATCH["arn:aws:states:::events:putEvents"] = integrations.invoke_events_put_events
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:s3:copyObject"] = integrations.copy_object
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:s3:getObject"] = integrations.get_object
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:s3:listObjectsV2"] = integrations.list_objects
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:s3:putObject"] = integrations.put_object
    sf._AWS_SDK_SERVICE_MAP["scheduler"] = {"service_key": "scheduler", "protocol": "rest-json"}
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:scheduler:getSchedule"] = integrations.get_schedule
    sf._SERVICE_DISPATCH["arn:aws:states:::aws-sdk:scheduler:updateSchedule"] = integrations.update_schedule
    replace(parser, "Parser.parse", expressions.parse)
    replace(tokenizer, "Tokenizer.create", expressions.create)
    replace(timebox, "Timebox.__init__", expressions.start_time)
    replace(timebox, "Timebox.check_runaway", expressions.check_runaway)
