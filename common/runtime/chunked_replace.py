"""A long run computed in parts, of bounded memory, and committed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from common.runtime.context import StageRun
from common.storage.scratch import scratch_folder, seen_by_engine
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def replace_in_parts(
    stage: StageRun, table: str, windows: Windows, parts: Sequence[Windows], compute: Callable[[Windows], DataFrame]
) -> int:
    """The rows that the windows have in the table after they became what `compute` makes of each part of them.

    The parts are kept aside until all of them are there, then replaced in one commit. Progress is reported by window.
    """
    with (
        stage.report.step(table),
        scratch_folder(stage.lake.uri) as own,
        seen_by_engine(own, stage.lake.uri, stage.session) as folder,
    ):
        if len(parts) == 1:
            frame = compute(parts[0])
        else:
            done = 0
            for part in parts:
                compute(part).write.parquet(f"{folder}/{part.key}")
                done += len(part)
                stage.report.progress(table, done, len(windows), "windows")
            frame = stage.session.read.parquet(*(f"{folder}/{part.key}" for part in parts))
        version, rows = stage.lake.replace(table, frame, windows.predicate)
    stage.report.wrote(table, version, rows)
    return rows
