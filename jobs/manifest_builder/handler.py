"""The builder as a Lambda function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from common import RUN_VARIABLE
from common.runtime.environment import variables
from common.runtime.output import listening
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.job import run
from jobs.manifest_builder.stores import Stores


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The response to an event of the queue or the schedule; the request's id is that of the run.

    Nothing is begun in the second half of its time: one that is cut off fails all its messages, and keeps its lock.
    """
    config, stores = _environment()
    half = context.get_remaining_time_in_millis() / 2
    stores = replace(stores, may_go_on=lambda: context.get_remaining_time_in_millis() > half)
    with variables({RUN_VARIABLE: context.aws_request_id}), listening():
        return run(event, config, stores)


@cache
def _environment() -> tuple[BuilderConfig, Stores]:
    """What the environment says, read once for all events."""
    from jobs.manifest_builder.aws_stores import aws_stores
    from jobs.manifest_builder.cli import configuration, main

    with main.make_context(main.name, []) as context:
        config = configuration(context.params)
    return config, aws_stores(config)
