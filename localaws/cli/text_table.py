"""Executions as a text table or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from common.display import on_terminal
from localaws.cli.histories import Execution

HEADINGS = ("MACHINE", "NAME", "STATUS", "STARTED", "SECONDS", "WHY")


def lines(executions: Sequence[Execution], steps: bool) -> Iterator[str]:
    """One line per execution; with `steps`, followed by its pipelines and their steps."""
    rows = [tuple(map(on_terminal, _cells(item))) for item in executions]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS) - 1)]

    def line(row: Sequence[str]) -> str:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        return "  ".join([*cells, row[-1]]).rstrip()

    yield line(HEADINGS)
    for item, row in zip(executions, rows, strict=True):
        yield line(row)
        if steps:
            yield from map(on_terminal, _steps(item))


def _cells(item: Execution) -> tuple[str, ...]:
    return (
        item.machine,
        item.name,
        item.status,
        item.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{item.seconds:.1f}",
        f"in {item.state}: {item.why}" if item.why else "",
    )


def _steps(item: Execution) -> Iterator[str]:
    for run in item.pipelines:
        yield f"    {run.pipeline}  {run.execution}  {run.status}  {run.seconds:.1f}"
        for step in run.steps:
            reason = f"  {step.reason}" if step.reason else ""
            yield f"        {step.name}  {step.status}  {step.seconds:.1f}{reason}"


def document(item: Execution) -> dict[str, Any]:
    """An execution as JSON."""
    return {**asdict(item), "started": item.started.isoformat()}
