"""Executions of Step Functions that are waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from common.aws.clients import aws_errors
from common.errors import StageError
from common.retries import polled

PAUSE_SECONDS = 0.5
RUNNING = "RUNNING"


def ended(
    states: Any,
    arn: str,
    what: str,
    *,
    look: Callable[[], None] = lambda: None,
    pause_seconds: float = PAUSE_SECONDS,
    seconds: float | None = None,
    looks: int | None = None,
) -> dict[str, Any] | None:
    """The description of an execution, once it has ended; None if it still runs after this time, or so many looks.

    `what` names it in messages, and `look` is called at each look, before it is judged.

    Raises:
        AwsError: it cannot be described.
    """

    def described() -> dict[str, Any] | None:
        with aws_errors(f"{what} cannot be followed"):
            found: dict[str, Any] = states.describe_execution(executionArn=arn)
            look()
        return found if found["status"] != RUNNING else None

    return polled(what, described, first_pause_seconds=pause_seconds, seconds=seconds, looks=looks)


def output_of(states: Any, arn: str, what: str, remedy: str, **pace: Any) -> dict[str, Any]:
    """The output of an execution, once it has succeeded; `pace` is as for `ended`.

    Raises:
        StageError: it failed, or still runs after its time.
        AwsError: it cannot be described.
    """
    found = ended(states, arn, what, **pace) or {"status": RUNNING}
    if found["status"] != "SUCCEEDED":
        error = f"{found['error']}: " if found.get("error") else ""
        raise StageError(f"{what} is {found['status']}: {error}{found.get('cause', 'no cause given')}", remedy)
    output: dict[str, Any] = json.loads(found["output"])
    return output
