"""The CloudFormation stack of the control plane: tables, buckets, roles, rules and schedules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError, WaiterError

from common.aws.clients import aws_errors
from common.errors import DeploymentError, ParameterError

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
WAIT = {"Delay": 1, "MaxAttempts": 900}
BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


def deploy_stack(cloudformation: Any, name: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """What was done to the stack (`created`, `updated` or `unchanged`) and its outputs.

    Parameters that are not given keep their values; in a new stack, they take the template's defaults.

    Raises:
        ParameterError: the template has no such parameter.
        DeploymentError: the stack cannot be updated in its present state, or one of its resources failed.
        AwsError: a call was refused.
    """
    if unknown := sorted(set(parameters) - _declared()):
        raise ParameterError(
            f"the stack has no parameter {', '.join(unknown)}", f"Choose one of {', '.join(sorted(_declared()))}"
        )
    known = _describe(cloudformation, name)
    request = {
        "StackName": name,
        "TemplateBody": TEMPLATE.read_text(encoding="utf-8"),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": _parameters(parameters, known),
    }
    if known is None:
        done = "created"
        with aws_errors(f"the stack {name} could not be created"):
            cloudformation.create_stack(**request)
    elif known["StackStatus"] in BROKEN:
        raise DeploymentError(f"the stack {name} is {known['StackStatus']}", "Delete it, and deploy again")
    else:
        done = _update(cloudformation, name, request)
    if done != "unchanged":
        _wait(cloudformation, name, "stack_create_complete" if done == "created" else "stack_update_complete")
    return done, read_outputs(cloudformation, name)


def read_outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The outputs of the stack: names of tables, buckets, the bus.

    Raises:
        DeploymentError: there is no such stack.
        AwsError: the call was refused.
    """
    described = _describe(cloudformation, name)
    if described is None:
        raise DeploymentError(f"the stack {name} does not exist", "Deploy it with ndr-statemachines, or give --stack")
    return {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}


def _declared() -> set[str]:
    """The names of the template's parameters."""
    root = yaml.compose(TEMPLATE.read_text(encoding="utf-8"))
    assert isinstance(root, yaml.MappingNode)
    return {name.value for key, section in root.value if key.value == "Parameters" for name, _ in section.value}


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    with aws_errors(f"the stack {name} could not be read"):
        try:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return stack


def _parameters(given: Mapping[str, str], known: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    kept = {entry["ParameterKey"] for entry in (known or {}).get("Parameters", [])} - set(given)
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(given.items())] + [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)
    ]


def _update(cloudformation: Any, name: str, request: dict[str, Any]) -> str:
    with aws_errors(f"the stack {name} could not be updated"):
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return "unchanged"
            raise
    return "updated"


def _wait(cloudformation: Any, name: str, until: str) -> None:
    try:
        cloudformation.get_waiter(until).wait(StackName=name, WaiterConfig=WAIT)
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]
        raise DeploymentError(
            f"the stack {name} failed: {'; '.join(reversed(reasons)) or 'no reason was given'}",
            "Fix the cause and deploy again; what worked before is still in place",
        ) from None
