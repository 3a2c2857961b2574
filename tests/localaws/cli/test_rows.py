"""Executions as rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from common.runtime.rows import FORMATS, print_rows
from localaws.cli.histories import Execution, PipelineRun, StepRun
from localaws.cli.rows import COLUMNS, execution_row, step_rows

STARTED = datetime(2026, 3, 10, 13, 8, tzinfo=UTC)
DONE = Execution("ndr-15m", "one", "arn:1", "SUCCEEDED", STARTED, 12.34)
FAILED = Execution("ndr-backfill", "a-longer-name", "arn:2", "FAILED", STARTED, 0.5, "AcquireLock", "no table")
STEPS = [StepRun("Read", "Succeeded", 1.26, None), StepRun("Write", "Failed", 2.0, "the disk is full")]


def test_a_row_holds_all_of_an_execution() -> None:
    assert set(execution_row(FAILED)) >= {*COLUMNS, "arn", "pipelines"}
    assert (execution_row(FAILED)["started"], execution_row(DONE)["seconds"]) == (STARTED, 12.3)


def test_each_step_is_a_row_of_its_execution() -> None:
    ran = replace(FAILED, pipelines=[PipelineRun("p", "e", "Failed", 3.0, STEPS)])
    own = {"machine": "ndr-backfill", "name": "a-longer-name", "status": "FAILED", "why": "no table", "pipeline": "p"}
    assert list(step_rows(ran)) == [
        own | {"step": "Read", "step_status": "Succeeded", "step_seconds": 1.3, "reason": None},
        own | {"step": "Write", "step_status": "Failed", "step_seconds": 2.0, "reason": "the disk is full"},
    ]


def test_an_execution_without_steps_is_a_row_all_the_same() -> None:
    (row,) = step_rows(FAILED)
    assert (row["why"], row["step"]) == ("no table", None)


@pytest.mark.parametrize("form", FORMATS)
def test_names_and_causes_cannot_write_to_the_terminal(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = PipelineRun("p\x07", "e", "Failed", 1.0, [StepRun("s\x9b", "Failed", 1.0, "why\u202e\nnot")])
    hostile = replace(FAILED, name="n\x1b[2J", why="no\rtable", pipelines=[run])
    print_rows([execution_row(hostile), *step_rows(hostile)], form)
    assert capsys.readouterr().out.replace("\n", "").isprintable()
