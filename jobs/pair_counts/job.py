"""Reads pair slices, counts sessions, and writes `pair_counts`."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from common.lake.pieces import spans
from common.lake.reader import LakeReader
from common.lake.table_files import as_rows
from common.lake.window_files import WindowFiles
from common.lake.window_rows import rows_by_window
from common.runtime.context import StageConfig, StageRun
from common.runtime.part_files import replace_by_parts
from common.windows import Windows
from jobs.pair_counts.transform import CODED, COLUMNS, count_pairs

ROWS_PER_PART = 2_000_000


def run(config: StageConfig, stage: StageRun) -> None:
    """Replaces the windows of `pair_counts` in one commit."""
    lake, report = stage.lake, stage.report
    with lake.journal.run("pair_counts", config.windows):
        lake.version("delta_pair")
        held = rows_by_window(lake, "delta_pair", config.windows)
        rows = {window: held.get(window.key, 0) for window in config.windows}
        report.rows_in = sum(rows.values())
        with report.step("pair_counts"):
            work = Counting(lake, stage.project.internal_cidrs)
            parts = list(spans(rows, ROWS_PER_PART))
            report.rows_out = replace_by_parts(stage, "pair_counts", config.windows, work, parts)


@dataclass(frozen=True)
class Counting:
    """The work on some windows: files of `pair_counts`."""

    lake: LakeReader
    internal_cidrs: tuple[str, ...]

    def __call__(self, windows: Windows) -> pa.Table:
        """The files, one for each day that has rows."""
        lake = self.lake
        slices = lake.arrow("delta_pair", COLUMNS, windows, coded=CODED)
        files = WindowFiles(lake.location("pair_counts"), lake.table("pair_counts"), windows)
        rows, window = count_pairs(slices, windows, self.internal_cidrs)
        files.add(rows, pa.chunked_array([window]))
        files.flush()
        return as_rows(files.actions)
