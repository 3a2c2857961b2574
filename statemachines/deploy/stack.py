"""The CloudFormation stacks: of the control plane, of ingestion, and of Customer 360."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError, WaiterError

from common.aws.clients import aws_errors
from common.errors import DeploymentError, ParameterError

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
INGESTION_TEMPLATE = TEMPLATE.with_name("ingestion.yaml")
CUSTOMER_360_TEMPLATE = TEMPLATE.with_name("customer_360.yaml")
TEMPLATES = (TEMPLATE, INGESTION_TEMPLATE, CUSTOMER_360_TEMPLATE)
WAIT = {"Delay": 1, "MaxAttempts": 900}
FORMER_PARAMETERS = {"ProjectName"}
"""Parameters of earlier templates, which are accepted and have no effect."""
BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


def check_parameters(given: Mapping[str, str]) -> None:
    """Refuses parameters that no template has.

    Raises:
        ParameterError: one of them is unknown.
    """
    known = set().union(*map(_declared, TEMPLATES))
    if unknown := sorted(set(given) - known - FORMER_PARAMETERS):
        raise ParameterError(
            f"no stack has a parameter {', '.join(unknown)}", f"Choose one of {', '.join(sorted(known))}"
        )


def deploy_stack(
    cloudformation: Any, name: str, parameters: Mapping[str, str], template: Path = TEMPLATE
) -> tuple[str, dict[str, str]]:
    """What was done to the stack (`created`, `updated` or `unchanged`) and its outputs.

    Parameters that the template does not have are those of other stacks. Those that are not given keep their values;
    in a new stack, they take the template's defaults.

    Raises:
        DeploymentError: the stack cannot be updated in its present state, or one of its resources failed.
        AwsError: a call was refused.
    """
    declared = _declared(template)
    own = {key: value for key, value in parameters.items() if key in declared}
    known = _describe(cloudformation, name)
    request = {
        "StackName": name,
        "TemplateBody": body_of(template),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": _parameters(own, declared, known),
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


def body_of(template: Path) -> str:
    """The template without comments, and with each part of a resource on a line: CloudFormation takes 51,200 bytes."""
    root = yaml.compose(template.read_text(encoding="utf-8"))
    assert root
    _on_lines(root, levels=3)
    return yaml.serialize(root, width=sys.maxsize)


def _on_lines(node: yaml.Node, levels: int) -> None:
    """Lays a node out in a block for so many levels, and what is deeper on one line."""
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = levels <= 0
        for entry in node.value:
            for inner in entry if isinstance(entry, tuple) else (entry,):
                _on_lines(inner, levels - 1)


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


def _declared(template: Path) -> set[str]:
    """The names of a template's parameters."""
    root = yaml.compose(template.read_text(encoding="utf-8"))
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


def _parameters(given: Mapping[str, str], declared: set[str], known: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    kept = {entry["ParameterKey"] for entry in (known or {}).get("Parameters", [])} & declared - set(given)
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
