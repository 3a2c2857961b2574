"""Chunked replace: a long range computed in chunks of bounded memory and committed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from common.runtime.context import StageRun
from common.runtime.output import doing, progress
from common.storage.scratch import scratch_folder, seen_by_engine
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def replace_in_chunks(
    stage: StageRun, table: str, windows: Windows, chunks: Sequence[Windows], compute: Callable[[Windows], DataFrame]
) -> int:
    """Replaces the windows of the table by the frames that `compute` makes of each chunk; returns the rows written.

    Chunks are staged as Parquet until all are computed, then replaced in one commit. Progress is logged in windows.
    Without a chunk, the windows are empty afterwards.
    """
    with (
        stage.report.step(table),
        scratch_folder(stage.lake.uri) as scratch,
        seen_by_engine(scratch, stage.lake.uri, stage.session) as folder,
    ):
        if not chunks:
            stage.lake.ensure(table)
            stage.lake.remove(table, windows.predicate)
            return 0
        if len(chunks) == 1:
            frame = compute(chunks[0])
        else:
            done = 0
            progress(done, len(windows), "windows")
            for chunk in chunks:
                compute(chunk).write.parquet(f"{folder}/{chunk.key}")
                done += len(chunk)
                progress(done, len(windows), "windows")
            doing("writing")
            frame = stage.session.read.parquet(*(f"{folder}/{chunk.key}" for chunk in chunks))
        version, rows = stage.lake.replace(table, frame, windows)
    stage.report.wrote(table, version, rows)
    return rows
