"""What schedules and rules invoke: the keywords of a schedule's input are replaced, functions are called as by AWS."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, lambda_svc, scheduler

from localaws.authorization import targets
from localaws.server.patching import replace
from localaws.server.wire import Document, Operation

_MINUTE = 60.0

_original_invoke = eventbridge._invoke_target
_original_update = scheduler._update_schedule


def install(start_pipeline: Operation, roles: bool) -> None:
    """Makes ministack replace the keywords, start pipelines, invoke functions asynchronously, and run what is due.

    With `roles`, a target is invoked only if the role of its rule or schedule permits it.
    """

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> Any:
        is_schedule = event.get("Source") == "aws.scheduler"
        if roles and (message := targets.refusal(target, rule, is_schedule)):
            return targets.drop(target, rule, event, message)
        if ":sagemaker:" in target.get("Arn", "") and is_schedule:
            return start_pipeline(_start_of(target, str(event["EventId"])))
        return invoke_target(target, event, rule, view)

    replace(scheduler, "_update_schedule", update_schedule)
    replace(eventbridge, "_invoke_target", invoke)
    replace(eventbridge, "_dispatch_to_lambda", invoke_function)


def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> Any:
    """Invokes the target of a rule, or of a schedule with the keywords of its input replaced."""
    if event.get("Source") == "aws.scheduler" and isinstance(target.get("Input"), str):
        text = target["Input"]
        for keyword, value in _attributes(event, rule).items():
            text = text.replace(f"<aws.scheduler.{keyword}>", value)
        target = {**target, "Input": text}
    return _original_invoke(target, event, rule, view)


def _start_of(target: Mapping[str, Any], token: str) -> Document:
    """The request that starts the pipeline of a target."""
    given = target.get("SageMakerPipelineParameters") or {}
    return {
        "PipelineName": target["Arn"],
        "PipelineParameters": given.get("PipelineParameterList") or [],
        "ClientRequestToken": token,
    }


def update_schedule(name: str, body: dict[str, Any]) -> Any:
    """Changes a schedule; one that now has another time runs at that, also where it has run or waited before."""
    key = f"{body.get('GroupName', 'default')}/{name}"
    before = (scheduler._schedules.get(key) or {}).get("ScheduleExpression")
    answer = _original_update(name, body)
    if before not in (None, body.get("ScheduleExpression")):
        scheduler._schedule_last_fired.pop(scheduler._schedules._scoped(key), None)
    return answer


def invoke_function(arn: str, payload: str) -> None:
    """Invokes a function asynchronously, so that it is tried again if it fails or is throttled."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _attributes(event: Mapping[str, Any], schedule: Mapping[str, Any]) -> dict[str, str]:
    moment = datetime.fromtimestamp(scheduled_seconds(schedule, float(event["Time"])), UTC)
    return {
        "schedule-arn": str(schedule["Arn"]),
        "scheduled-time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": str(event["EventId"]),
        "attempt-number": "1",
    }


def scheduled_seconds(schedule: Mapping[str, Any], now: float) -> float:
    """The time, in seconds since 1970, for which an invocation that happens now was scheduled.

    ministack looks every ten seconds for what is due. A cron expression names a minute, a rate counts from the
    creation of its schedule, and `at` names the time itself.
    """
    expression = str(schedule["ScheduleExpression"])
    at = scheduler._at_time_epoch(expression)
    if at is not None:
        return float(at)
    interval: float | None = eventbridge._parse_rate_seconds(expression)
    if interval is None:
        return math.floor(now / _MINUTE) * _MINUTE
    created = float(schedule["CreationDate"])
    return created + math.floor((now - created) / interval) * interval
