"""Lakes with many small files, written without an engine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.config.project import ProjectParameters
from common.runtime.lake_project import LakeProject
from common.runtime.run_report import RunReport
from common.windows import Windows
from jobs.maintain.config import MaintainConfig
from jobs.maintain.job import run
from tests.factories import SPEC, fg_a_row, pair_counts_row, table_row
from tests.lakes import mark_lake, write_table

DAY = "2026-03-10"
WINDOWS = list(Windows.parse(f"{DAY}T13:08Z/{DAY}T13:53Z"))
NOW = datetime(2026, 3, 12, 2, tzinfo=UTC)
"""Two days later."""


def small_files(lake: Path, name: str, windows: list[Windows] = WINDOWS, files: int = 3) -> None:
    """Appends to each window of the table so many files of one row."""
    from common.contracts import tables

    mark_lake(lake)
    for window in windows:
        for number in range(files):
            host = f"10.1.0.{number}"
            if name == "fg_a":
                row = fg_a_row(SPEC, str(window), host_ip=host)
            elif name == "pair_counts":
                row = pair_counts_row(str(window), src_ip=host)
            else:
                row = table_row(tables(SPEC)[name], window, host_ip=host)
            write_table(lake, name, [row], mode="append")


def maintain(lake: Path, now: datetime = NOW, settings: ProjectParameters | None = None, **given: Any) -> RunReport:
    """The report of a run."""
    project = LakeProject(settings=settings or ProjectParameters())
    options: dict[str, Any] = {"tables": (), "keep": {}, "dry_run": False, "mini_batch_id": None} | given
    return run(MaintainConfig(str(lake), project, **options), now)
