"""The CloudFormation stacks: of the control plane, of ingestion, and of Customer 360."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError, WaiterError

from common.aws.clients import aws_errors, client
from common.errors import DeploymentError, ParameterError
from statemachines.deploy.changes import Change, check_allowed, propose

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
INGESTION_TEMPLATE = TEMPLATE.with_name("ingestion.yaml")
CUSTOMER_360_TEMPLATE = TEMPLATE.with_name("customer_360.yaml")
OBSERVABILITY_TEMPLATE = TEMPLATE.with_name("observability.yaml")
TEMPLATES = (TEMPLATE, INGESTION_TEMPLATE, CUSTOMER_360_TEMPLATE)
WAIT = {"Delay": 1, "MaxAttempts": 900}
FORMER_PARAMETERS = {"ProjectName"}
"""Parameters of earlier templates, which are accepted and have no effect."""
_REFERENCE = re.compile(r"\$\{([\w:]+)\}")
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
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
    cloudformation: Any,
    name: str,
    parameters: Mapping[str, str],
    template: Path = TEMPLATE,
    allow_replace: bool = False,
    tell: Callable[[Change], None] = lambda change: None,
) -> tuple[str, dict[str, str]]:
    """What was done to the stack (`created`, `updated` or `unchanged`) and its outputs.

    Parameters that the template does not have are those of other stacks. Those that are not given keep their values;
    in a new stack, they take the template's defaults. What a deleted stack kept is taken over. `tell` is told each
    change of an existing stack before anything changes.

    Raises:
        DeploymentError: the stack cannot be updated in its present state, a resource would be replaced or deleted
            without being allowed to, or one failed.
        AwsError: a call was refused.
    """
    declared = _declared(template)
    own = {key: value for key, value in parameters.items() if key in declared}
    known = stack_described(cloudformation, name)
    if known and known["StackStatus"] in BROKEN:
        raise DeploymentError(f"the stack {name} is {known['StackStatus']}", "Delete it, and deploy again")
    is_new = known is None or known["StackStatus"] == "REVIEW_IN_PROGRESS"
    request = {
        "StackName": name,
        "TemplateBody": body_wanted(cloudformation, template, own, known),
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(own, declared, None if is_new else known),
    }
    done = apply_request(cloudformation, request, is_new, allow_replace, tell)
    return done, read_outputs(cloudformation, name)


def apply_request(
    cloudformation: Any, request: Mapping[str, Any], is_new: bool, allow_replace: bool, tell: Callable[[Change], None]
) -> str:
    """What was done to a stack by a request to create or update it: `created`, `updated` or `unchanged`.

    Raises:
        DeploymentError: a resource would be replaced or deleted without being allowed to, or one failed.
        AwsError: a call was refused.
    """
    name = request["StackName"]
    with aws_errors(f"the stack {name} could not be {'created' if is_new else 'updated'}"):
        proposed = propose(cloudformation, request, is_new)
        if proposed is None and not _updated(cloudformation, request):
            return "unchanged"
        if proposed and not is_new:
            for change in proposed.changes:
                tell(change)
            check_allowed(cloudformation, name, proposed, allow_replace)
        if proposed:
            cloudformation.execute_change_set(ChangeSetName=proposed.arn, StackName=name)
    _wait(cloudformation, name, "stack_create_complete" if is_new else "stack_update_complete")
    return "created" if is_new else "updated"


def body_of(template: Path, values: Mapping[str, str] | None = None) -> str:
    """The template without comments, and with each part of a resource on a line: CloudFormation takes 51,200 bytes.

    With values of parameters and pseudo parameters, what outlives its stack has its name in plain letters: only so
    CloudFormation takes over what is there.
    """
    root = _composed(template)
    if values:
        _name_kept(root, values)
    _on_lines(root, levels=3)
    return yaml.serialize(root, width=sys.maxsize)


def body_wanted(
    cloudformation: Any, template: Path, parameters: Mapping[str, str], known: Mapping[str, Any] | None
) -> str:
    """The body that a deployment of the template with these parameters sends for a stack as it is described.

    Raises:
        AwsError: the account is unknown.
    """
    declared = _declared(template)
    own = {key: value for key, value in parameters.items() if key in declared}
    return body_of(template, _values(cloudformation, template, own, known))


def holding_data(cloudformation: Any, template: Path, parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Type and name of what is kept when a stack of the template with these parameters is deleted.

    Raises:
        AwsError: the account is unknown.
    """
    return _name_kept(_composed(template), _values(cloudformation, template, parameters, None))


def _name_kept(root: yaml.MappingNode, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Resolves the names of the resources that are kept when their stack is deleted; gives their types and names."""
    found = []
    for _, resource in _entries(_entry(root, "Resources")):
        if any(key == "DeletionPolicy" for key, _ in _entries(resource)):
            for key, node in _entries(_entry(resource, "Properties")):
                if key.endswith("Name") and node.tag == "!Sub":
                    node.value = _REFERENCE.sub(lambda match: values[match[1]], node.value)
                    node.tag = "tag:yaml.org,2002:str"
                    found.append((str(_entry(resource, "Type").value), str(node.value)))
    return found


def _entries(node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    return [(key.value, value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []


def _entry(node: yaml.Node, name: str) -> yaml.Node:
    return dict(_entries(node))[name]


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
    described = stack_described(cloudformation, name)
    if described is None:
        raise DeploymentError(f"the stack {name} does not exist", "Deploy it with ndr-statemachines, or give --stack")
    return {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}


def _declared(template: Path) -> set[str]:
    """The names of a template's parameters."""
    return {name for name, _ in _entries(_entry(_composed(template), "Parameters"))}


def _defaults(template: Path) -> dict[str, str]:
    parameters = _entries(_entry(_composed(template), "Parameters"))
    return {name: str(node.value) for name, one in parameters for key, node in _entries(one) if key == "Default"}


def _composed(template: Path) -> yaml.MappingNode:
    root = yaml.compose(template.read_text(encoding="utf-8"))
    assert isinstance(root, yaml.MappingNode)
    return root


def _values(
    cloudformation: Any, template: Path, given: Mapping[str, str], known: Mapping[str, Any] | None
) -> dict[str, str]:
    """The values of the parameters that names are made of, and where the stack is."""
    kept = {entry["ParameterKey"]: entry["ParameterValue"] for entry in (known or {}).get("Parameters", [])}
    with aws_errors("the account cannot be told"):
        account = str(client("sts").get_caller_identity()["Account"])
    place = {"AWS::AccountId": account, "AWS::Region": str(cloudformation.meta.region_name)}
    return {**_defaults(template), **kept, **given, **place}


def stack_described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack; None if there is none.

    Raises:
        AwsError: the call was refused.
    """
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


def _updated(cloudformation: Any, request: Mapping[str, Any]) -> bool:
    """Whether a stack whose resources stay as they are was updated all the same, as its outputs change."""
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


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
