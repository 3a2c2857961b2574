"""Stacks of the former layout, in which one stack had all of a system, are upgraded: nothing moves but its owner.

A stack lets go of what other stacks have now: first all of that is made to outlive it, then the stack's new template
leaves it behind, and then the others take it over. It is in use all the time, and all can be interrupted and repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from botocore.exceptions import ClientError

from common.aws.caller import identity
from common.aws.clients import aws_errors, client
from common.errors import DeploymentError
from statemachines.deploy.described import deployed_template, stack_described
from statemachines.deploy.parts import CONTROL_PLANE, STACKS, TEMPLATES, Part, Stack
from statemachines.deploy.stack import CAPABILITIES, apply_request
from statemachines.deploy.templates import composed, names_of, resources, retain, text_of

OWNERS: dict[Part | None, str] = {
    None: CONTROL_PLANE,
    "ndr": CONTROL_PLANE,
    "ingestion": "ndr-ingestion",
    "customer-360": "ndr-customer-360",
}
"""The stack that had what the stacks of a part have now; the foundation's was the control plane's."""
DROPPED = ("LoggingPolicy", "KeyPolicy", "UndeliveredEvents", "IngestionDeadLetters", "UndeliverableFiles")
"""Resources that have become others: policies of roles, and queues under another name."""
LOGGING_POLICY = "state-machine-logs"
QUEUES = {
    "undelivered-events": "undelivered-events-dlq",
    "ingestion-dead-letters": "ingestion-dlq",
    "c360-dead-letters": "c360-dlq",
}
"""Queues of dead letters, and the names that they have now."""
RECEIVED = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 120}


def former_stacks(cloudformation: Any, prefix: str) -> dict[str, set[str]]:
    """The stacks that still have what is another one's, and the resources that they let go of.

    Raises:
        AwsError: a call was refused.
    """
    found = {}
    for _, template, name in (row for row in STACKS if row[2] in OWNERS.values()):
        body = deployed_template(cloudformation, f"{prefix}{name}")
        lost = {one for one, _ in resources(composed(body))} - names_of(TEMPLATES[template]) if body else set()
        others = set().union(*(names_of(path) for other, path in TEMPLATES.items() if other != template))
        if lost & others:
            found[f"{prefix}{name}"] = lost & (others | set(DROPPED))
    return found


def in_order(stacks: Sequence[Stack], former: Collection[str], prefix: str) -> list[Stack]:
    """The stacks in the order of their deployment: one that lets go of something before those that take it over.

    Raises:
        DeploymentError: the foundation would take over what the stack of a part has that is left out.
    """
    by_name = {stack.name: stack for stack in stacks}
    if f"{prefix}{CONTROL_PLANE}" in former and f"{prefix}{CONTROL_PLANE}" not in by_name:
        raise DeploymentError(
            f"the stack {prefix}{CONTROL_PLANE} still has the buckets and tables, which the foundation takes over",
            "Deploy once with the part ndr",
        )
    order: dict[str, Stack] = {}
    for stack in stacks:
        owner = owner_of(stack, prefix)
        if owner and owner in former:
            order.setdefault(owner, by_name[owner])
        order.setdefault(stack.name, stack)
    return list(order.values())


def owner_of(stack: Stack, prefix: str) -> str | None:
    """The stack that had what a stack has now, whose parameters a new one takes."""
    return f"{prefix}{OWNERS[stack.part]}" if stack.part in OWNERS else None


def let_go(cloudformation: Any, name: str, leaving: Collection[str]) -> None:
    """Has these resources of a stack outlive it; nothing else of it changes.

    Raises:
        AwsError: a call was refused.
        DeploymentError: the stack cannot be updated.
    """
    root = composed(deployed_template(cloudformation, name) or "")
    for resource in (node for one, node in resources(root) if one in leaving):
        retain(resource)
    described = stack_described(cloudformation, name) or {}
    request = {
        "StackName": name,
        "TemplateBody": text_of(root),
        "Capabilities": CAPABILITIES,
        "Parameters": [
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in described.get("Parameters", [])
        ],
    }
    apply_request(cloudformation, request, is_new=False, allow_replace=False, tell=lambda change: None)


def remove_left(prefix: str, tell: Callable[[str, str], None]) -> None:
    """Removes what the former layout had and nothing has now; letters of its dead-letter queues go to the new ones.

    `tell` is told what was done to what.

    Raises:
        AwsError: a call was refused.
    """
    with aws_errors("what the former layout left cannot be removed"):
        if _remove_policy(f"{prefix}-{LOGGING_POLICY}"):
            tell(f"policy {prefix}-{LOGGING_POLICY}", "removed")
        for old, new in QUEUES.items():
            if (count := _moved(f"{prefix}-{old}", f"{prefix}-{new}")) is not None:
                tell(f"queue {prefix}-{old}", f"removed, {count} messages are in {prefix}-{new}")


def _remove_policy(name: str) -> bool:
    """Whether there was a managed policy of this name."""
    iam = client("iam")
    arn = f"arn:{identity().partition}:iam::{identity().account}:policy/{name}"
    try:
        pages = list(iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return False
        raise
    for role in (role["RoleName"] for page in pages for role in page["PolicyRoles"]):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    return True


def _moved(old: str, new: str) -> int | None:
    """How many messages of a queue were sent to another, after which it was removed; None where there is none."""
    sqs = client("sqs")
    try:
        source, target = sqs.get_queue_url(QueueName=old)["QueueUrl"], sqs.get_queue_url(QueueName=new)["QueueUrl"]
    except ClientError as error:
        if error.response["Error"]["Code"].endswith("NonExistentQueue"):
            return None
        raise
    count = 0
    while messages := sqs.receive_message(QueueUrl=source, MessageAttributeNames=["All"], **RECEIVED).get("Messages"):
        for message in messages:
            attributes = message.get("MessageAttributes", {})
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"], MessageAttributes=attributes)
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            count += 1
    sqs.delete_queue(QueueUrl=source)
    return count
