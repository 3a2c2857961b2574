"""What the role of a state machine permits: the machine's calls are checked against its policies, as AWS does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.authorization.needs import here, keys, needed
from localaws.authorization.policies import denial, trusts
from localaws.services.stepfunctions.calls import Call

_DENIED = {
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "ecs": "ECS.AccessDeniedException",
    "events": "EventBridge.AmazonEventBridgeException",
    "glue": "Glue.AccessDeniedException",
    "sns": "SNS.AuthorizationErrorException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
"""The errors of optimised integrations, which are those of the AWS SDK for Java 1."""
_SERVICE = "states.amazonaws.com"
_MANAGED_RULES = {
    "states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "ecs:runTask.sync": "StepFunctionsGetEventsForECSTaskRule",
}
"""The rules by which Step Functions learns that what it waits for has ended."""


def check(execution: Mapping[str, Any], call: Call, arguments: Mapping[str, Any]) -> None:
    """Fails a task whose call the role of its machine does not permit.

    Raises:
        _ExecutionError: the service's error for a denied access.
    """
    seen, role = keys(call.service, arguments), role_of(execution)
    for action, arn in needed(call.service, call.operation, arguments, waits=call.pattern == ".sync"):
        if message := denial(role, action, arn, str(execution["name"]), seen):
            code = sf._prefix_sdk_error(call.name, "AccessDeniedException")
            raise sf._ExecutionError(code if call.is_sdk else _DENIED.get(call.service, code), message)


def check_map(execution: Mapping[str, Any], machine: str) -> None:
    """Fails a distributed map whose role may not start child executions.

    Raises:
        _ExecutionError: States.Permissions.
    """
    if message := denial(role_of(execution), "states:StartExecution", machine, str(execution["name"])):
        raise sf._ExecutionError("States.Permissions", message)


def role_of(execution: Mapping[str, Any]) -> str:
    """The ARN of the role with which an execution, or a child execution of a distributed map, works."""
    version = sf._state_machine_versions.get(execution.get("stateMachineVersionArn"))
    machine = sf._state_machines.get(execution["stateMachineArn"].partition("/")[0]) or {}
    return str((version or machine).get("roleArn", ""))


def refusal(role: str, definition: str) -> str:
    """Why AWS does not make a machine with this role: it may not be assumed, or not watch nested executions."""
    if not trusts(role, _SERVICE):
        return (
            f"Neither the global service principal {_SERVICE}, nor the regional one is authorized to assume the "
            "provided role."
        )
    rules = [name for resource, name in _MANAGED_RULES.items() if resource in definition]
    if any(
        denial(role, f"events:{verb}", f"arn:aws:events:{here()}:rule/{rule}", "create")
        for rule in rules
        for verb in ("PutTargets", "PutRule", "DescribeRule")
    ):
        return f"'{role}' is not authorized to create managed-rule."
    return ""
