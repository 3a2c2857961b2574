"""The tables of a snapshot, written a slice of the customers at a time where all would not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.c360.manifest import StagedTable
from common.runtime.run_report import RunReport
from jobs.c360_staging import transform
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.inputs import Inputs
from jobs.c360_staging.rows import Rows, slices_for
from jobs.c360_staging.writing import write_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass
class Tables:
    """Writes the tables of one run; `counts` are those of the events that contradict the plan in force."""

    config: StagingConfig
    inputs: Inputs
    rows: Rows
    report: RunReport
    counts: dict[str, int] = field(default_factory=dict)

    def latest(self, dataset: str) -> StagedTable:
        """The table of the last snapshot of a dataset, which has no rows if there was none."""
        days = self.inputs.days(dataset)
        if not days:
            return StagedTable(0, ())
        last = self.rows.unique(dataset).where(F.col("business_date") == F.lit(days[-1]))
        return self._written(dataset, [last], days[-1])

    def plan_history(self) -> StagedTable:
        """The table of the plans of each customer."""
        self.counts["conflicts"] = self._history.agg(F.sum("conflicts")).collect()[0][0] or 0
        return self._written("plan_history", [self._history])

    def activity_logs(self) -> StagedTable:
        """The table of the events, each with the plan in force."""
        superseded = self.rows.counts["duplicate_activity_logs"]
        slices = slices_for(max(self._history.count(), superseded))
        return self._written("activity_logs", (
            transform.with_plans(
                self.rows.unique("activity_logs", number, slices),
                transform.slice_of(self._history, ["customer_id"], number, slices),
            )
            for number in range(slices)
        ))  # fmt: skip

    def _written(self, table: str, frames: Iterable[DataFrame], business_date: date | None = None) -> StagedTable:
        with self.report.step(table):
            files = [
                file
                for frame in frames
                for file in write_table(frame, self.config.staging_uri, table, self.inputs.run_id)
            ]
        files.sort(key=lambda file: file.name)
        return StagedTable(sum(file.rows for file in files), tuple(files), business_date)

    @cached_property
    def _history(self) -> DataFrame:
        """The intervals of all customers."""
        said = transform.said_of_plans(self.rows.unique("customers"), self.rows.unique("activity_logs"))
        slices = slices_for(self.inputs.rows("customers"))
        if slices > 1:
            said = self.rows.kept("said", [transform.with_slice(said, ["customer_id"], slices)], "slice")
        days = self.inputs.days("customers")
        with self.report.step("intervals"):
            return self.rows.kept("intervals", (
                transform.plan_history(said.where(F.col("slice") == number) if slices > 1 else said, days)
                for number in range(slices)
            ))  # fmt: skip
