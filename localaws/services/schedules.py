"""The context attributes of EventBridge Scheduler: keywords in a schedule's input that stand for the invocation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, scheduler

from localaws.server.patching import replace

_MINUTE = 60.0

_original_invoke = eventbridge._invoke_target


def install() -> None:
    """Makes ministack replace the keywords."""
    replace(eventbridge, "_invoke_target", invoke_target)


def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> Any:
    """Invokes the target of a rule, or of a schedule with the keywords of its input replaced."""
    if event.get("Source") == "aws.scheduler" and isinstance(target.get("Input"), str):
        text = target["Input"]
        for keyword, value in _attributes(event, rule).items():
            text = text.replace(f"<aws.scheduler.{keyword}>", value)
        target = {**target, "Input": text}
    return _original_invoke(target, event, rule, view)


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
