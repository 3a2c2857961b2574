"""The CloudFormation stacks: created, updated and taken over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from common.aws.caller import identity
from common.aws.clients import aws_errors
from common.aws.tags import as_list, as_mapping
from common.errors import DeploymentError, ParameterError
from statemachines.deploy.changes import TAKEN_OVER, Change, check_allowed, propose
from statemachines.deploy.described import deployed_template, output_values, read_outputs, stack_described
from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.tags import environment_tags
from statemachines.deploy.templates import adoptable, body_of, declared, defaults, kept_in, parameters_of

WAIT = {"Delay": 1, "MaxAttempts": 900}
FORMER_PARAMETERS = {"ProjectName"}
"""Parameters of earlier templates, which are accepted and have no effect."""
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""What a stack is that was never made, or not removed as a whole: CloudFormation does nothing with it but remove it."""


def check_parameters(given: Mapping[str, str]) -> None:
    """Refuses parameters that no template has, and values that a template does not allow.

    Raises:
        ParameterError: one of them is unknown, or its value is not allowed.
    """
    templates = [parameters_of(template) for template in TEMPLATES.values()]
    known = set().union(*templates)
    if unknown := sorted(set(given) - known - FORMER_PARAMETERS):
        raise ParameterError(
            f"no stack has a parameter {', '.join(unknown)}", f"Choose one of {', '.join(sorted(known))}"
        )
    for accepted in templates:
        for name, value in given.items():
            if remedy := _refused(accepted.get(name, {}), value):
                raise ParameterError(f"the parameter {name} cannot be {value!r}", remedy)


def _refused(rule: Mapping[str, Any], value: str) -> str:
    """What to give instead of a value that a parameter's declaration does not allow; empty where it does."""
    if value not in (allowed := rule.get("AllowedValues", [value])):
        return f"Choose one of {', '.join(allowed)}"
    if not re.fullmatch(pattern := rule.get("AllowedPattern", ".*"), value, re.DOTALL):
        return f"Give what matches {pattern}: {rule.get('Description', '')}"
    if rule.get("Type") == "Number":
        least, most = float(rule.get("MinValue", "-inf")), float(rule.get("MaxValue", "inf"))
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) or not least <= float(value) <= most:
            return f"Give a number from {least:g} to {most:g}"
    return ""


def deploy_stack(
    cloudformation: Any,
    name: str,
    parameters: Mapping[str, str],
    template: Path,
    allow_replace: bool = False,
    tell: Callable[[Change], None] = lambda change: None,
    moves: bool = False,
) -> tuple[str, dict[str, str]]:
    """What was done to the stack (`created`, `updated` or `unchanged`) and its outputs.

    Parameters that the template does not have are those of other stacks. Those that are not given keep their values;
    in a new stack, they take the template's defaults. What a deleted stack kept is taken over; a stack whose making or
    removal failed is removed first. `tell` is told each change of an existing stack before anything changes. `moves`
    says that a new stack takes over what another has left.

    Raises:
        DeploymentError: the stack cannot be updated in its present state, a resource would be replaced or deleted
            without being allowed to, or one failed.
        AwsError: a call was refused.
    """
    accepted = declared(template)
    own = {key: value for key, value in parameters.items() if key in accepted}
    known = stack_described(cloudformation, name)
    if known and known["StackStatus"] in BROKEN and remove_stack(cloudformation, name):
        known = None
    is_new = known is None or known["StackStatus"] == "REVIEW_IN_PROGRESS"
    values = _values(cloudformation, template, own, known)
    request = {
        "StackName": name,
        "TemplateBody": body_of(template, values),
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(own, accepted, None if is_new else known),
        **({"Tags": as_list(tags)} if (tags := environment_tags(own.get("Environment", ""))) else {}),
    }
    if known and not is_new and _is_same(cloudformation, known, request):
        return "unchanged", output_values(known)
    is_adopting = is_new and _adopt(cloudformation, request, template, values, adoptable(template, moves), tell)
    done = apply_request(cloudformation, request, is_new and not is_adopting, allow_replace, tell)
    return "created" if is_adopting else done, read_outputs(cloudformation, name)


def remove_stack(cloudformation: Any, name: str) -> bool:
    """Whether there was a stack of that name; there is none now.

    Raises:
        DeploymentError: it cannot be removed.
        AwsError: a call was refused.
    """
    with aws_errors(f"the stack {name} cannot be removed"):
        if stack_described(cloudformation, name) is None:
            return False
        cloudformation.delete_stack(StackName=name)
        try:
            cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAIT)
        except WaiterError as error:
            raise DeploymentError(
                f"the stack {name} cannot be removed: {error}", "Look at its events, and repeat the command"
            ) from None
    return True


def _is_same(cloudformation: Any, known: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether a stack was made by this very request, so that there is no need to ask what would change."""
    values = {one["ParameterKey"]: one["ParameterValue"] for one in known.get("Parameters", [])}
    given = {one["ParameterKey"]: one.get("ParameterValue") for one in request["Parameters"]}
    if any(value is not None and values.get(name) != value for name, value in given.items()):
        return False
    if "Tags" in request and as_mapping(known.get("Tags")) != as_mapping(request["Tags"]):
        return False
    return bool(deployed_template(cloudformation, request["StackName"]) == request["TemplateBody"])


def _adopt(
    cloudformation: Any,
    request: Mapping[str, Any],
    template: Path,
    values: Mapping[str, str],
    names: Sequence[str],
    tell: Callable[[Change], None],
) -> bool:
    """Whether any of the resources named is there already: then the stack is made, and has taken them over.

    CloudFormation sets nothing of what it takes over, so that the stack says no more than what identifies it, and an
    update has to say the rest.
    """
    with aws_errors(f"the stack {request['StackName']} could not be created"):
        probe = {**request, "TemplateBody": body_of(template, values, names)}
        proposed = propose(cloudformation, probe, is_new=True)
        if proposed is None:
            return False
        cloudformation.delete_change_set(ChangeSetName=proposed.arn)
    taken = [change for change in proposed.changes if change.what == TAKEN_OVER]
    if taken:
        for change in taken:
            tell(change)
        reduced = {**request, "TemplateBody": body_of(template, values, [change.resource for change in taken])}
        apply_request(cloudformation, reduced, is_new=True, allow_replace=False, tell=tell)
    return bool(taken)


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


def body_wanted(
    cloudformation: Any, template: Path, parameters: Mapping[str, str], known: Mapping[str, Any] | None
) -> str:
    """The body that a deployment of the template with these parameters sends for a stack as it is described.

    Raises:
        AwsError: the account is unknown.
    """
    own = {key: value for key, value in parameters.items() if key in declared(template)}
    return body_of(template, _values(cloudformation, template, own, known))


def holding_data(cloudformation: Any, template: Path, parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Type and name of what is kept when a stack of the template with these parameters is deleted.

    Raises:
        AwsError: the account is unknown.
    """
    return kept_in(template, _values(cloudformation, template, parameters, None))


def _values(
    cloudformation: Any, template: Path, given: Mapping[str, str], known: Mapping[str, Any] | None
) -> dict[str, str]:
    """The values of the parameters that names are made of, and where the stack is."""
    kept = {entry["ParameterKey"]: entry["ParameterValue"] for entry in (known or {}).get("Parameters", [])}
    place = {"AWS::AccountId": identity().account, "AWS::Region": str(cloudformation.meta.region_name)}
    return {**defaults(template), **kept, **given, **place}


def _parameters(given: Mapping[str, str], accepted: set[str], known: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    kept = {entry["ParameterKey"] for entry in (known or {}).get("Parameters", [])} & accepted - set(given)
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
