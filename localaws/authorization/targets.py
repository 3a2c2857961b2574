"""What rules, schedules and event source mappings do with their roles: their targets, and the queue that is read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc, sns, sqs

from localaws.authorization.needs import Permission
from localaws.authorization.policies import denial, trusts
from localaws.server.patching import replace
from localaws.server.wire import identifier
from localaws.services import queues

_EVENTS, _SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"
_READ = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

_original_concurrency = lambda_svc._sqs_esm_concurrency
_log = logging.getLogger(__name__)


def install(roles: bool) -> None:
    """Makes event source mappings take nothing that the role of their function may not."""
    if roles:
        replace(lambda_svc, "_sqs_esm_concurrency", concurrency_of_mapping)


def refusal(target: Mapping[str, Any], rule: Mapping[str, Any], is_schedule: bool) -> str:
    """Why a rule or schedule may not invoke its target; empty if it may.

    A topic decides by its own policy; functions and queues of rules are not checked.
    """
    arn, source = str(target["Arn"]), str(rule.get("Arn", ""))
    service = _SCHEDULER if is_schedule else _EVENTS
    if arn.startswith("arn:aws:sns:") and not is_schedule:
        account = arn.split(":")[4]
        allowed = sns.topic_policy_allows(arn, service, source, account)
        return "" if allowed else f"{service} is not authorized to perform: sns:Publish on resource: {arn}"
    role = str(target.get("RoleArn") or "")
    for action, resource in _needed(arn, service):
        if not trusts(role, service, source):
            return f"The execution role you provide must allow {service} to assume the role."
        if message := denial(role, action, resource, identifier(32)):
            return message
    return ""


def _needed(arn: str, service: str) -> Iterator[Permission]:
    kind = arn.split(":")[2]
    if kind == "states":
        yield "states:StartExecution", arn
    elif kind == "sagemaker":
        yield "sagemaker:StartPipelineExecution", arn
    elif kind == "lambda" and service == _SCHEDULER:
        yield "lambda:InvokeFunction", arn


def drop(target: Mapping[str, Any], rule: Mapping[str, Any], event: Mapping[str, Any], message: str) -> None:
    """Sends an event that its target may not get to the queue of dead letters, if there is one that takes it."""
    _log.error("%s: %s is not invoked: %s", rule.get("Arn"), target.get("Arn"), message)
    queue = str((target.get("DeadLetterConfig") or {}).get("Arn") or "")
    url = sqs._queue_name_to_url.get(queue.rpartition(":")[2])
    if not url or not _takes(url, queue, str(rule.get("Arn", ""))):
        return
    found = {"RULE_ARN": rule.get("Arn"), "TARGET_ARN": target.get("Arn"), "ERROR_CODE": "NO_PERMISSIONS"}
    attributes = {
        name: {"DataType": "String", "StringValue": str(value)}
        for name, value in (found | {"ERROR_MESSAGE": message}).items()
    }
    queues.send({"QueueUrl": url, "MessageBody": json.dumps(dict(event)), "MessageAttributes": attributes})


def _takes(url: str, queue: str, rule: str) -> bool:
    """Whether the policy of a queue lets EventBridge send for a rule."""
    policy = (sqs._queues.get(url) or {}).get("attributes", {}).get("Policy")
    context = iam_evaluator.EvalContext("*", "Service", "", "sqs:SendMessage", queue, queue.split(":")[3])
    context.service_context.update({"aws:sourcearn": rule, "aws:sourceaccount": queue.split(":")[4]})
    found = iam_evaluator.evaluate_resource_policy(policy, context, service=_EVENTS)
    return bool(found.decision == "Allow")


def concurrency_of_mapping(
    esm: dict[str, Any], func_rec: dict[str, Any], config: dict[str, Any], queue: dict[str, Any] | None = None
) -> int:
    """How many batches of a mapping may be under way: none that its function's role may not read and delete."""
    role, arn = str((config or {}).get("Role", "")), str(esm.get("EventSourceArn", ""))
    for action in _READ:
        if message := denial(role, action, arn, str(esm.get("UUID"))):
            esm["LastProcessingResult"] = f"PROBLEM: {message}"
            return 0
    return int(_original_concurrency(esm, func_rec, config, queue))
