"""Alarms: those on queues and state machines look at these themselves, as ministack has no metrics of them.

All others are about metrics that were put or logged, of exactly their dimensions, which ministack does not heed.
"""

from __future__ import annotations

import asyncio
import operator
import time
from datetime import datetime
from typing import Any

from ministack.services import cloudwatch, sqs, stepfunctions

from localaws.server.patching import replace

SECONDS = 5.0
_STATUSES = {
    "ExecutionsFailed": "FAILED",
    "ExecutionsTimedOut": "TIMED_OUT",
    "ExecutionsAborted": "ABORTED",
    "ExecutionsSucceeded": "SUCCEEDED",
}
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


def install() -> None:
    """Has ministack evaluate alarms as this module does, when metrics are put."""
    replace(cloudwatch, "_evaluate_alarm", evaluate)


async def keep_watching() -> None:
    """Changes the state of the alarms while the server runs, and informs their topics."""
    while True:
        await asyncio.sleep(SECONDS)
        for alarm in cloudwatch._alarms.all_values():
            evaluate(alarm)


def evaluate(alarm: dict[str, Any]) -> None:
    """Changes the state of an alarm if its metric says so, and informs its topics."""
    value = _value(alarm)
    if value is not None or alarm.get("TreatMissingData") == "notBreaching":
        _change(alarm, value)


def _value(alarm: dict[str, Any]) -> float | None:
    """The present value of an alarm's metric; None if there is none."""
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm.get("Dimensions") or []}
    if alarm.get("Namespace") == "AWS/States":
        return _ended(dimensions.get("StateMachineArn", ""), str(alarm["MetricName"]), float(alarm["Period"]))
    queue = sqs._queues.get(sqs._queue_url(dimensions.get("QueueName", "")))
    if alarm.get("Namespace") != "AWS/SQS" or queue is None:
        return _recorded(alarm, dimensions)
    now, messages = time.time(), queue["messages"]
    match alarm.get("MetricName"):
        case "ApproximateNumberOfMessagesVisible":
            return float(sum(message["visible_at"] <= now for message in messages))
        case "ApproximateNumberOfMessagesNotVisible":
            return float(sum(message["visible_at"] > now for message in messages))
        case "ApproximateAgeOfOldestMessage":
            return max((now - float(message["sent_at"]) for message in messages), default=0.0)
    return None


def _recorded(alarm: dict[str, Any], dimensions: dict[str, str]) -> float | None:
    """The statistic of what was put or logged within the periods of an alarm."""
    since = time.time() - float(alarm.get("Period") or 60) * int(alarm.get("EvaluationPeriods") or 1)
    key = (alarm.get("Namespace"), alarm.get("MetricName"), cloudwatch._dims_key(dimensions))
    points = [point for point in cloudwatch._metrics.get(key) or [] if point["Timestamp"] >= since]
    if not points:
        return None
    found: float | None = cloudwatch._calc_stats(points).get(alarm.get("Statistic", "Average"))
    return found


def _ended(machine: str, metric: str, seconds: float) -> float | None:
    """How many executions of a machine ended so within the last seconds; None if the metric is another one."""
    if metric not in _STATUSES:
        return None
    since = time.time() - seconds
    ended = [
        run["stopDate"]
        for run in stepfunctions._executions.all_values()
        if run["stateMachineArn"] == machine and run["status"] == _STATUSES[metric] and run.get("stopDate")
    ]
    return float(sum(datetime.fromisoformat(stop.replace("Z", "+00:00")).timestamp() >= since for stop in ended))


def _change(alarm: dict[str, Any], value: float | None) -> None:
    threshold, comparison = float(alarm.get("Threshold") or 0), alarm.get("ComparisonOperator")
    breaches = value is not None and _COMPARISONS[str(comparison)](value, threshold)
    old, new = alarm["StateValue"], "ALARM" if breaches else "OK"
    if new == old:
        return
    said = "no value was" if value is None else f"the value {value:g} is"
    reason = f"Threshold Crossed: {said} checked with {comparison} {threshold:g}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
