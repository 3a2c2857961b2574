"""Reads pair slices, counts sessions, and writes `pair_counts`."""

from __future__ import annotations

from common.lake.file_numbers import in_files
from common.runtime.context import StageConfig, StageRun
from jobs.pair_counts.transform import count_pairs


def run(config: StageConfig, stage: StageRun) -> None:
    """Replaces the windows of `pair_counts` in one commit."""
    several = len(config.windows) > 1
    with stage.lake.journal.run("pair_counts", config.windows):
        slices = stage.lake.read("delta_pair", config.windows)
        stage.report.rows_in, table = slices.count(), stage.lake.table("pair_counts")
        counted = in_files(count_pairs(slices, stage.project, table, several=several), stage.report.rows_in, table)
        with stage.report.step("pair_counts"):
            version, rows = stage.lake.replace("pair_counts", counted, config.windows)
    stage.report.rows_out = rows
    stage.report.wrote("pair_counts", version, rows)
