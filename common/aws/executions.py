"""Executions of Step Functions that are waited for."""

from __future__ import annotations

import json
from typing import Any

from common.aws.clients import aws_errors
from common.errors import StageError
from common.retries import polled

PAUSE_SECONDS = 0.5


def output_of(states: Any, arn: str, what: str, remedy: str, seconds: float | None = None) -> dict[str, Any]:
    """The output of an execution, once it has succeeded; `what` names it in messages.

    Raises:
        StageError: it failed, or still runs after this time.
        AwsError: it cannot be described.
    """

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    with aws_errors(f"{what} cannot be followed"):
        found = polled(what, ended, first_pause_seconds=PAUSE_SECONDS, seconds=seconds) or {"status": "RUNNING"}
    if found["status"] != "SUCCEEDED":
        raise StageError(f"{what} is {found['status']}: {found.get('cause', 'no cause given')}", remedy)
    output: dict[str, Any] = json.loads(found["output"])
    return output
