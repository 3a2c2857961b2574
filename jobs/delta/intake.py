"""Ingest: logs to the sessions that count, without late ones and duplicates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from common.contracts.session import DUPLICATE_KEY
from common.errors import InputError
from common.logs import Hole, LogFiles, ReadOptions, find_logs, read_files
from common.runtime.context import StageRun
from common.runtime.output import activity, progress
from common.storage.batches import EVENT_FILE
from common.storage.scratch import scratch_folder, seen_by_engine
from jobs.delta.config import DeltaConfig
from jobs.delta.kept import Staged
from jobs.delta.open_sessions import Records
from jobs.delta.placement import Placement, placed
from jobs.delta.scanning import Intake, identifiable, scanned
from jobs.delta.staging import RECORD, SLICE, RunCounts, Staging


@contextmanager
def ingest(config: DeltaConfig, stage: StageRun) -> Iterator[Intake]:
    """The sessions of the input; temporary files are removed on exit.

    Raises:
        InputError: there is no input, or it has no record.
    """
    options = ReadOptions(
        config.log_format,
        config.log_time_zone or stage.project.log_time_zone,
        stage.project.device_time_zones,
        stage.project.column_mapping,
        stage.project.columns,
    )
    with activity("finding logs", stage.report.stage):
        found = find_logs(config.inputs, options)
    placement = placed([*found.paths, *(hole.path for hole in found.unreadable)], config.inputs, config.windows)
    logs = _of_windows(found, placement, stage)
    stage.report.details["files"] = len(logs.paths)
    if logs.skipped:
        stage.report.details["skipped_files"] = [f"{path}: {reason}" for path, reason in logs.skipped]
    with stage.report.step("check"):
        clean = scanned(stage, logs, options, placement)
    if clean is not None:
        yield clean
        return
    with scratch_folder(stage.lake.uri) as folder:
        with stage.report.step("parse"):
            staging = _stage_files(folder, logs, options, placement, stage)
        with seen_by_engine(folder, stage.lake.uri, stage.session) as seen:
            with stage.report.step("duplicates"):
                intake = _without_duplicates(stage.session, staging, seen)
            yield intake


def _of_windows(found: LogFiles, placement: Placement, stage: StageRun) -> LogFiles:
    """The log files without those of batches that are not of the run's windows, which the report names or counts.

    A batch whose time is unknown may be of these windows: it is a hole in them.

    Raises:
        InputError: none is left.
    """
    details = stage.report.details
    if placement.left_out:
        details["batches_of_other_windows"] = len(placement.left_out)
    if placement.unknown:
        details["batches_without_time"] = [f"{folder}: {reason}" for folder, reason in placement.unknown]
    kept = set(placement.paths)
    if not kept & set(found.paths):
        folder = [*placement.left_out, *(folder for folder, _ in placement.unknown), *placement.paths][0]
        raise InputError(
            f"no batch of the input is of {placement.windows}; {folder} is not, for example",
            "Check --input and --window",
        )
    logs = {path: name for path, name in zip(found.paths, found.formats, strict=True) if path in kept}
    holes = [hole for hole in found.unreadable if hole.path in kept]
    holes += [Hole(f"{folder}/{EVENT_FILE}", reason, None, None) for folder, reason in placement.unknown]
    return replace(found, paths=tuple(logs), formats=tuple(logs.values()), unreadable=tuple(holes))


def _stage_files(
    folder: Path,
    logs: LogFiles,
    options: ReadOptions,
    placement: Placement,
    stage: StageRun,
) -> Staging:
    lateness = timedelta(minutes=stage.project.allowed_lateness_minutes)
    staging = Staging(folder, placement, lateness, RunCounts(holes=list(logs.unreadable)))
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(done, logs.stored_bytes, "bytes")

    with staging:
        for batch in read_files(logs.paths, options, threads=os.cpu_count() or 1, read=count):
            staging.add(batch)
    if not staging.counts.read:
        raise InputError(
            f"the input has no records ({len(logs.paths)} files, the first is {logs.paths[0]})", "Check --input"
        )
    return staging


def _without_duplicates(session: SparkSession, staging: Staging, folder: str) -> Intake:
    """The staged sessions without duplicates, which are counted.

    Of the records of a session in one window the longest counts, the first of equals: a long session may be logged
    again and again. Of records in several windows that also end at the same time, that in the earliest window counts.
    """
    sessions = session.read.parquet(f"{folder}/{Path(staging.sessions_path).name}")
    keyed = sessions.where(identifiable()).withColumn("key", F.xxhash64(*DUPLICATE_KEY))
    repeated = keyed.groupBy("key").count().where("count > 1").select("key")
    suspects = keyed.join(F.broadcast(repeated), "key", "left_semi")
    longest = F.col("duration_s").desc_nulls_last()
    in_window = Window.partitionBy(*DUPLICATE_KEY, SLICE.name).orderBy(longest, RECORD.name)
    numbered = suspects.withColumn("copy", F.row_number().over(in_window))
    across = Window.partitionBy(*DUPLICATE_KEY, "end_ts", F.col("copy") > 1).orderBy(SLICE.name, RECORD.name)
    later = numbered.withColumn("place", F.row_number().over(across)).where("copy > 1 OR place > 1").select(RECORD.name)
    dropped = later.toArrow()
    counts = staging.counts
    counts.duplicate += dropped.num_rows
    counts.kept -= dropped.num_rows
    if dropped.num_rows:
        sessions = sessions.join(F.broadcast(session.createDataFrame(dropped)), RECORD.name, "left_anti")
    rejects = f"{folder}/{Path(staging.rejects_path).name}"
    kept = Staged(staging.sessions_path, dropped[RECORD.name])
    ends = (staging.sessions_path, staging.ends_path)
    records = Records(staging.placement.windows, ends, staging.open_path)
    return Intake(sessions, kept, counts, records, rejects if counts.rejected else None)
