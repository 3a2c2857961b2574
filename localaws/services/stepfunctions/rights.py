"""What the role of a state machine permits: the machine's calls are checked against its policies, as AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ecs, iam
from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions.calls import Call

Permission = tuple[str, str]
"""An action and the ARN of what it is done to."""

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
    for action, arn in _needed(call, arguments):
        if message := denial(role_of(execution), action, arn, str(execution["name"]), _keys(call, arguments)):
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


def denial(role: str, action: str, arn: str, session: str, keys: Mapping[str, str] | None = None) -> str:
    """AWS's message if the policies of a role do not permit an action; empty if they do.

    `keys` are what conditions of the policies see of the call, by names in lower case.
    """
    account, name = get_account_id(), role.rpartition("/")[2]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    context = iam_evaluator.EvalContext(principal, "AssumedRole", account, action, arn, get_region())
    context.service_context.update(keys or {})
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(name, account), *limits)
    if result.decision == "Allow":
        return ""
    return str(iam_actions.identity_denial_message(action, principal, arn, result.decision == "Deny"))


def refusal(role: str, definition: str) -> str:
    """Why AWS does not make a machine with this role: it may not be assumed, or not watch nested executions."""
    record = iam._roles.get_scoped(get_account_id(), None, role.rpartition("/")[2])
    if record is None or not _trusts(record["AssumeRolePolicyDocument"]):
        return (
            f"Neither the global service principal {_SERVICE}, nor the regional one is authorized to assume the "
            "provided role."
        )
    rules = [name for resource, name in _MANAGED_RULES.items() if resource in definition]
    if any(
        denial(role, f"events:{verb}", f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{rule}", "create")
        for rule in rules
        for verb in ("PutTargets", "PutRule", "DescribeRule")
    ):
        return f"'{role}' is not authorized to create managed-rule."
    return ""


def _trusts(document: Any) -> bool:
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        and iam_evaluator._service_principal_matches(statement.get("Principal"), _SERVICE)
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def _needed(call: Call, arguments: Mapping[str, Any]) -> Iterator[Permission]:
    """What a call needs; a call of a service that is not listed here needs its action on everything."""
    here = f"{get_region()}:{get_account_id()}"
    named = f"{call.service}:{call.operation}"
    if call.service == "s3":
        yield from _of_s3(call.operation, arguments)
    elif call.service == "dynamodb":
        body = json.dumps(arguments).encode()
        items = iam_actions.dynamodb_transaction_checks(named, body, *here.split(":"))
        yield from items or (
            (named, arn) for arn in iam_actions.dynamodb_resource_arns(body, *here.split(":")) or ["*"]
        )
    elif call.service == "sagemaker":
        pipeline = str(arguments.get("PipelineName", "*"))
        arn = pipeline if pipeline.startswith("arn:") else f"arn:aws:sagemaker:{here}:pipeline/{pipeline}"
        yield named, str(arguments.get("PipelineExecutionArn", arn))
    elif call.service == "glue":
        verbs = ["StartJobRun", *(["GetJobRun", "BatchStopJobRun"] if call.pattern == ".sync" else [])]
        yield from ((f"glue:{verb}", f"arn:aws:glue:{here}:job/{arguments['JobName']}") for verb in verbs)
    elif call.service == "events":
        for entry in arguments["Entries"]:
            bus = str(entry.get("EventBusName", "default"))
            yield named, bus if bus.startswith("arn:") else f"arn:aws:events:{here}:event-bus/{bus}"
    elif call.service == "logs":
        group, stream = arguments.get("LogGroupName", "*"), arguments.get("LogStreamName", "*")
        yield named, f"arn:aws:logs:{here}:log-group:{group}:log-stream:{stream}"
    elif call.service == "ecs":
        yield from _of_ecs(call, arguments)
    elif call.service == "states":
        yield from _of_states(call, str(arguments.get("StateMachineArn") or arguments.get("ExecutionArn", "*")))
    elif call.service == "scheduler":
        group, name = arguments.get("GroupName", "default"), arguments.get("Name", "*")
        yield named, f"arn:aws:scheduler:{here}:schedule/{group}/{name}"
    else:
        yield named, str(arguments.get("TopicArn", "*"))


def _keys(call: Call, arguments: Mapping[str, Any]) -> dict[str, str]:
    """What conditions see of a call of ECS."""
    if call.service != "ecs":
        return {}
    return {"ecs:cluster": _cluster(arguments), "iam:passedtoservice": "ecs-tasks.amazonaws.com"}


def _cluster(arguments: Mapping[str, Any]) -> str:
    name = str(arguments.get("Cluster", "default")).rpartition("/")[2]
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{name}"


def _of_ecs(call: Call, arguments: Mapping[str, Any]) -> Iterator[Permission]:
    """What a call of ECS needs; a task that is started gets the roles of its definition."""
    tasks = f"{_cluster(arguments).replace(':cluster/', ':task/')}/*"
    if call.operation != "RunTask":
        named = arguments.get("Tasks") or [arguments.get("Task", "*")]
        yield from ((f"ecs:{call.operation}", str(task)) for task in named)
        return
    definition = ecs._task_defs.get(ecs._resolve_td_key(str(arguments["TaskDefinition"]))) or {}
    yield "ecs:RunTask", str(definition.get("taskDefinitionArn", "*"))
    for role in {definition.get("executionRoleArn"), definition.get("taskRoleArn")} - {None, ""}:
        yield "iam:PassRole", str(role)
    if call.pattern == ".sync":
        yield from (("ecs:DescribeTasks", tasks), ("ecs:StopTask", tasks))


def _of_s3(operation: str, arguments: Mapping[str, Any]) -> Iterator[Permission]:
    bucket = f"arn:aws:s3:::{arguments.get('Bucket', '')}"
    if operation in ("ListObjectsV2", "ListObjects", "HeadBucket"):
        yield "s3:ListBucket", bucket
        return
    if operation == "CopyObject":
        yield "s3:GetObject", f"arn:aws:s3:::{str(arguments['CopySource']).removeprefix('/').partition('?')[0]}"
    action = {"CopyObject": "PutObject", "HeadObject": "GetObject"}.get(operation, operation)
    yield f"s3:{action}", f"{bucket}/{arguments['Key']}" if "Key" in arguments else bucket


def _of_states(call: Call, machine: str) -> Iterator[Permission]:
    yield f"states:{call.operation}", machine
    if call.pattern == ".sync":
        executions = f"{':'.join(machine.split(':')[:7]).replace(':stateMachine:', ':execution:')}:*"
        yield from ((f"states:{verb}Execution", executions) for verb in ("Describe", "Stop"))
