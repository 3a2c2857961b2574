"""Executions as lines of text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from localaws.cli.histories import Execution, PipelineRun, StepRun
from localaws.cli.text_table import document, lines

STARTED = datetime(2026, 3, 10, 13, 8, tzinfo=UTC)
DONE = Execution("ndr-15m", "one", "arn:1", "SUCCEEDED", STARTED, 12.34)
FAILED = Execution("ndr-backfill", "a-longer-name", "arn:2", "FAILED", STARTED, 0.5, "AcquireLock", "no table")


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    assert list(lines([DONE, FAILED], steps=False)) == [
        "MACHINE       NAME           STATUS     STARTED               SECONDS  WHY",
        "ndr-15m       one            SUCCEEDED  2026-03-10T13:08:00Z  12.3",
        "ndr-backfill  a-longer-name  FAILED     2026-03-10T13:08:00Z  0.5      in AcquireLock: no table",
    ]


def test_names_and_causes_cannot_write_to_the_terminal() -> None:
    step = StepRun("s\x9b", "Failed", 1.0, "why\u202e\nnot")
    run = PipelineRun("p\x07", "e", "Failed", 1.0, [step])
    hostile = replace(FAILED, name="n\x1b[2J", why="no\rtable", pipelines=[run])
    text = list(lines([hostile], True))
    assert len(text) == 4 and all(line.isprintable() for line in text)


def test_no_execution_is_a_line_of_headings() -> None:
    assert list(lines([], steps=True)) == ["MACHINE  NAME  STATUS  STARTED  SECONDS  WHY"]


def test_a_document_holds_all_of_an_execution() -> None:
    assert document(FAILED)["started"] == "2026-03-10T13:08:00+00:00"
    assert document(FAILED)["why"] == "no table"
