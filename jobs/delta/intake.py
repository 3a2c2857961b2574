"""Ingest: logs to the sessions that count, without late ones and duplicates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from operator import and_
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from common.contracts.session import DUPLICATE_KEY, OPEN_SUBTYPES, PARSED_SCHEMA
from common.contracts.window_columns import micros, slice_column
from common.errors import InputError
from common.features.spec import FeatureSpec
from common.logs import Hole, LogFiles, ReadOptions, find_logs, read_files
from common.logs.files import local_path
from common.runtime.context import StageRun
from common.runtime.output import activity, progress
from common.storage.batches import EVENT_FILE
from common.storage.plain_paths import plain_path
from common.storage.scratch import scratch_folder, seen_by_engine
from common.windows import WINDOW, Windows
from jobs.delta.config import DeltaConfig
from jobs.delta.kept import ROWS_PER_READ, SCHEMA, Kept, Scanned, Staged, opened
from jobs.delta.open_sessions import Records
from jobs.delta.placement import Placement, placed
from jobs.delta.staging import RECORD, SLICE, RunCounts, Staging

READ_BY_SLICES = frozenset({
    "event_type", "subtype", "start_ts", "end_ts", "duration_s", "src_ip", "src_port", "dst_ip", "dst_port", "protocol",
    "bytes_sent", "bytes_received", "packets_sent", "packets_received", "action", "session_end_reason", "app",
    "session_id", "device_serial", "sequence_number", "repeat_count",
})  # fmt: skip
IPV4 = r"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$"


@dataclass(frozen=True)
class Intake:
    """Sessions that count, with their slice number, for the engine and, with all columns, as Arrow; the counts; the
    records of open sessions; and the path of the rejects, None without any.
    """

    sessions: DataFrame
    kept: Kept
    counts: RunCounts
    records: Records
    rejects_path: str | None


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
        clean = _clean_parquet(stage, logs, options, placement)
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


def _clean_parquet(stage: StageRun, logs: LogFiles, options: ReadOptions, placement: Placement) -> Intake | None:
    """The sessions of Parquet files that need no parsing, scanned in place.

    None if a file has another format or other columns, or any record is invalid, late or duplicate. Late is, in a
    range, what ends outside the window of its batch.
    """
    if (
        options.column_mapping
        or set(logs.formats) != {"parquet"}
        or any(path.startswith("s3://") for path in logs.paths)
    ):
        return None
    if not all(_is_canonical(pq.read_schema(local_path(path)), stage.spec) for path in logs.paths):
        return None
    windows = placement.windows
    if not all(_ends_within(path, windows, place) for path, place in placement.slices.items()):
        return None
    frame = stage.session.read.parquet(*(plain_path(local_path(path)) for path in logs.paths))
    start, end = micros(windows)
    ended = F.unix_micros("end_ts")
    inside = (ended >= start) & (ended < end)
    if len(windows) == 1:
        late = timedelta(minutes=stage.project.allowed_lateness_minutes) // timedelta(microseconds=1)
        inside = (ended >= start - late) & (ended <= end + late)
    good = reduce(
        and_,
        (
            F.col("event_type") == "TRAFFIC",
            F.coalesce(~F.col("subtype").isin(*OPEN_SUBTYPES), F.lit(True)),
            F.col("start_ts").isNotNull(),
            F.col("src_ip").rlike(IPV4),
            F.col("dst_ip").rlike(IPV4),
            F.col("dst_port").between(0, 65535),
            F.col("src_port").between(0, 65535),
            F.col("protocol").isin("tcp", "udp", "other"),
            F.col("repeat_count") >= 1,
            F.col("duration_s") >= 0,
            *(
                F.coalesce(F.col(name) >= 0, F.lit(True))
                for name in ("bytes_sent", "bytes_received", "packets_sent", "packets_received")
            ),
            identifiable(),
        ),
    )
    found = frame.select(
        F.xxhash64(*DUPLICATE_KEY).alias("key"), good.alias("good"), (good & inside).alias("counted")
    ).agg(
        F.count("*").alias("rows"),
        F.count_distinct("key").alias("keys"),
        F.sum(F.col("good").cast("long")).alias("good"),
        F.sum(F.col("counted").cast("long")).alias("counted"),
    )
    try:
        row = found.collect()[0]
    except PySparkException:
        return None  # a damaged page, perhaps: the reader of Parquet files says where
    if not row["rows"] or not row["rows"] == row["keys"] == row["good"]:
        return None
    outside = row["rows"] - row["counted"]
    if (outside and len(windows) == 1) or not all(_is_readable(path, stage.spec) for path in logs.paths):
        return None
    counts = RunCounts(read=row["rows"], kept=row["counted"], outside=outside, holes=list(logs.unreadable))
    sessions = (frame.where(inside) if outside else frame).withColumn(SLICE.name, slice_column(ended, windows))
    return Intake(sessions, Scanned(logs.paths, windows), counts, Records(windows, logs.paths), None)


def _ends_within(path: str, windows: Windows, place: int) -> bool:
    """Whether all sessions of a Parquet file end in the window of its batch, according to its statistics."""
    if len(windows) == 1:
        return True
    metadata = pq.read_metadata(local_path(path))
    column = metadata.schema.to_arrow_schema().get_field_index("end_ts")
    start = windows.start + place * WINDOW
    for number in range(metadata.num_row_groups):
        found = metadata.row_group(number).column(column).statistics
        if found is None or not found.has_min_max or not start <= found.min <= found.max < start + WINDOW:
            return False
    return True


def _is_canonical(schema: pa.Schema, spec: FeatureSpec) -> bool:
    """Whether it has all columns that slices read, and any other only with its type."""
    needed = read_by_slices(spec)
    return "status" not in schema.names and all(
        schema.field(field.name).type == field.type if field.name in schema.names else field.name not in needed
        for field in PARSED_SCHEMA
    )


def _is_readable(path: str, spec: FeatureSpec) -> bool:
    """Whether the columns that the engine does not read are undamaged."""
    file = opened(local_path(path))
    names = [name for name in file.schema_arrow.names if name in SCHEMA.names and name not in read_by_slices(spec)]
    try:
        for batch in file.iter_batches(ROWS_PER_READ, columns=names):
            batch.validate(full=True)  # text that is not UTF-8, too
    except (pa.ArrowException, OSError):
        return False
    return True


def read_by_slices(spec: FeatureSpec) -> frozenset[str]:
    """The columns that slices read: the usual ones, and whatever else a sum of the specification names."""
    named = set(re.findall(r"\w+", " ".join(metric.sum for metric in spec.sums)))
    return READ_BY_SLICES | (named & set(SCHEMA.names))


def identifiable() -> Column:
    """Whether a record can be told from others: by a sequence number, one of TRAFFIC by a session id other than 0."""
    has_session = F.coalesce(F.col("session_id") != "0", F.lit(False))
    return F.col("sequence_number").isNotNull() | (has_session & (F.col("event_type") == "TRAFFIC"))


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
