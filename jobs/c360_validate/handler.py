"""The validation as a Lambda function."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from common import RUN_VARIABLE
from common.runtime.environment import variables
from common.runtime.output import listening
from jobs.c360_validate.config import ValidationConfig


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The response to an event of the queue; the request's id is that of the run."""
    from jobs.c360_validate.job import handle_event

    config = _environment()
    with variables({RUN_VARIABLE: context.aws_request_id}), listening():
        return handle_event(event, config)


@cache
def _environment() -> ValidationConfig:
    """What the environment says, read once for all events."""
    from jobs.c360_validate.cli import configuration, main

    with main.make_context(main.name, []) as context:
        return configuration(context.params)
