"""Executions as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from localaws.cli.histories import Execution

COLUMNS = ("machine", "name", "status", "started", "seconds", "state", "why")
"""What a table shows of an execution; JSON holds all of it."""


def execution_row(item: Execution) -> dict[str, Any]:
    """An execution with its pipelines and their steps."""
    return asdict(item) | {"seconds": round(item.seconds, 1)}


def step_rows(item: Execution) -> Iterator[dict[str, Any]]:
    """The steps of the pipelines that an execution ran; one row without a step, if there is none."""
    own = {name: getattr(item, name) for name in ("machine", "name", "status", "why")}
    steps = [(run, step) for run in item.pipelines for step in run.steps]
    if not steps:
        yield own | dict.fromkeys(("pipeline", "step", "step_status", "step_seconds", "reason"))
    for run, step in steps:
        yield own | {
            "pipeline": run.pipeline,
            "step": step.name,
            "step_status": step.status,
            "step_seconds": round(step.seconds, 1),
            "reason": step.reason,
        }
