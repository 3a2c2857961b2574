"""Sessions of canonical Parquet files, which are scanned in place where every record counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import product
from operator import and_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.contracts.session import DUPLICATE_KEY, OPEN_SUBTYPES, PARSED_SCHEMA
from common.contracts.window_columns import micros, slice_column
from common.features.spec import FeatureSpec
from common.logs import LogFiles, ReadOptions
from common.logs.clock import IN_RECORD
from common.logs.files import local_path
from common.runtime.context import StageRun
from common.storage.plain_paths import plain_path
from common.windows import WINDOW, Windows
from jobs.delta.grouping import combined
from jobs.delta.kept import ROWS_PER_READ, SCHEMA, Kept, Scanned, opened
from jobs.delta.open_sessions import Records
from jobs.delta.placement import Placement
from jobs.delta.staging import SLICE, RunCounts
from jobs.delta.sums import columns_named

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


def scanned(stage: StageRun, logs: LogFiles, options: ReadOptions, placement: Placement) -> Intake | None:
    """The sessions of Parquet files that need no parsing, scanned in place.

    None if a file has another format or other columns, or any record is invalid, late or duplicate, or in a range
    ends outside the window of its batch.
    """
    if (
        options.column_mapping
        or set(logs.formats) != {"parquet"}
        or any(path.startswith("s3://") for path in logs.paths)
    ):
        return None
    schemas = [pq.read_schema(local_path(path)) for path in logs.paths]
    written = {"log_ts" in schema.names for schema in schemas}
    if not all(_is_canonical(schema, stage.spec) for schema in schemas) or len(written) > 1:
        return None
    windows, lateness = placement.windows, timedelta(minutes=stage.project.allowed_lateness_minutes)
    if not all(_lies_within(path, windows, place, lateness) for path, place in placement.slices.items()):
        return None
    frame = stage.session.read.parquet(*(plain_path(local_path(path)) for path in logs.paths))
    start, end = micros(windows)
    ended = F.unix_micros("end_ts")
    inside = (ended >= start) & (ended < end)
    if len(windows) == 1:
        late = lateness // timedelta(microseconds=1)
        logged = F.unix_micros(F.coalesce("log_ts", "end_ts")) if any(written) else ended
        inside = (logged >= start - late) & (logged <= end + late)
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
    rows, key = F.count("*"), F.xxhash64(*DUPLICATE_KEY)
    distinct = rows if have_own_numbers(logs.paths) else F.count_distinct("key")
    found = frame.select(key.alias("key"), good.alias("good"), (good & inside).alias("counted")).agg(
        rows.alias("rows"),
        distinct.alias("keys"),
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
    zones = Counter({IN_RECORD: row["rows"]})  # their times are instants
    counts = RunCounts(row["rows"], row["counted"], zones=zones, outside=outside, holes=list(logs.unreadable))
    sessions = (frame.where(inside) if outside else frame).withColumn(SLICE.name, slice_column(ended, windows))
    return Intake(sessions, Scanned(logs.paths, windows), counts, Records(windows, logs.paths), None)


def _lies_within(path: str, windows: Windows, place: int, lateness: timedelta) -> bool:
    """Whether all sessions of a Parquet file end in the window of its batch and were logged within the lateness of it.

    By its statistics, where the run has several windows.
    """
    if len(windows) == 1:
        return True
    start = windows.start + place * WINDOW
    bounds = {"end_ts": (start, start + WINDOW - timedelta(microseconds=1))}
    bounds["log_ts"] = (start - lateness, start + WINDOW + lateness)
    metadata = pq.read_metadata(local_path(path))
    names = metadata.schema.to_arrow_schema().names
    for number, (name, (first, last)) in product(range(metadata.num_row_groups), bounds.items()):
        if name not in names:
            continue
        column = metadata.row_group(number).column(names.index(name))
        found = column.statistics
        if found is not None and found.has_null_count and found.null_count == column.num_values:
            continue
        if found is None or not found.has_min_max or not first <= found.min <= found.max <= last:
            return False
    return True


def _is_canonical(schema: pa.Schema, spec: FeatureSpec) -> bool:
    """Whether it has all columns that slices read, and any other only with its type."""
    needed = read_by_slices(spec)
    return "status" not in schema.names and all(
        schema.field(field.name).type == field.type if field.name in schema.names else field.name not in needed
        for field in PARSED_SCHEMA
    )


def have_own_numbers(paths: Sequence[str]) -> bool:
    """Whether each record has a sequence number that no other one of its device has, and so none is a duplicate."""
    try:
        parts = [opened(local_path(path)).read(["device_serial", "sequence_number"]) for path in paths]
    except (pa.ArrowException, OSError):
        return False
    device, number = pa.concat_tables(parts).unify_dictionaries().combine_chunks().columns
    if device.null_count or number.null_count or not len(number):
        return False
    devices = np.asarray(device.chunk(0).indices)
    numbers = np.sort(combined(devices, number.to_numpy() - pc.min(number).as_py()))
    return bool((numbers[1:] != numbers[:-1]).all())


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
    return READ_BY_SLICES | columns_named(spec)


def identifiable() -> Column:
    """Whether a record can be told from others: by a sequence number, one of TRAFFIC by a session id other than 0."""
    has_session = F.coalesce(F.col("session_id") != "0", F.lit(False))
    return F.col("sequence_number").isNotNull() | (has_session & (F.col("event_type") == "TRAFFIC"))
