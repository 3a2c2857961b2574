"""The errors that a Retry or Catch matches, and the delay of a retry."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import stepfunctions as sf

_DEFAULT_ATTEMPTS = 3


def error_matches(error_equals: Sequence[str], error: str) -> bool:
    """Whether the names match an error; States.Runtime never matches, States.DataLimitExceeded only by its name."""
    if error == "States.Runtime":
        return False
    if error in error_equals or error == "States.DataLimitExceeded":
        return error in error_equals
    return "States.ALL" in error_equals or ("States.TaskFailed" in error_equals and error != "States.Timeout")


def find_matching_retrier(
    retriers: Sequence[Mapping[str, Any]], error: str, retry_counts: Mapping[int, int]
) -> tuple[dict[str, Any] | None, int]:
    """The matching retrier with the delay of the next retry as its interval, and its index; None if it is used up.

    ministack multiplies interval and backoff itself, without MaxDelaySeconds and JitterStrategy; therefore the interval
    includes the backoff, which is set to 1.
    """
    for index, retrier in enumerate(retriers):
        if sf._error_matches(retrier.get("ErrorEquals", []), error):
            count = retry_counts.get(index, 0)
            if count >= retrier.get("MaxAttempts", _DEFAULT_ATTEMPTS):
                return None, -1
            return {**retrier, "IntervalSeconds": delay(retrier, count), "BackoffRate": 1.0}, index
    return None, -1


def delay(retrier: Mapping[str, Any], count: int) -> float:
    """The delay (s) of the retry that follows `count` retries."""
    seconds = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** count
    seconds = min(seconds, float(retrier.get("MaxDelaySeconds", seconds)))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds
