"""Sessions of canonical Parquet files, which are scanned in place where every record counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.contracts.session import PARSED_SCHEMA
from common.features.spec import FeatureSpec
from common.logs import LogFiles, ReadOptions
from common.logs.clock import IN_RECORD
from common.logs.files import local_path
from common.runtime.context import StageRun
from common.runtime.parts import each_part
from common.windows import WINDOW, Windows
from jobs.delta.checking import CHECKED, checked
from jobs.delta.duplicates import has_duplicates
from jobs.delta.kept import Kept, Scanned, parts_of
from jobs.delta.open_sessions import Records
from jobs.delta.placement import Placement
from jobs.delta.staged import RunCounts
from jobs.delta.sums import columns_named

READ_BY_SLICES = frozenset({
    "event_type", "subtype", "start_ts", "end_ts", "duration_s", "src_ip", "src_port", "dst_ip", "dst_port", "protocol",
    "bytes_sent", "bytes_received", "packets_sent", "packets_received", "action", "session_end_reason", "app",
    "session_id", "device_serial", "sequence_number", "repeat_count",
})  # fmt: skip


@dataclass(frozen=True)
class Intake:
    """Sessions that count, with their slice number; the counts; the records of open sessions; and the files of the
    rejects.
    """

    kept: Kept
    counts: RunCounts
    records: Records
    rejects: tuple[str, ...] = ()


def scanned(stage: StageRun, logs: LogFiles, options: ReadOptions, placement: Placement) -> Intake | None:
    """The sessions of Parquet files that need no parsing, scanned in place.

    None if a file has another format or other columns, or any record is invalid, late or duplicate, or in a range
    ends outside the window of its batch, if names are to become pseudonyms, or if workers may share only the lake.
    """
    if (
        options.column_mapping
        or (stage.engine.is_cluster and stage.lake.is_remote)
        or stage.project.pseudonyms  # names of people are not read in place
        or set(logs.formats) != {"parquet"}
        or any(path.startswith("s3://") for path in logs.paths)
    ):
        return None
    if not all(_is_canonical(pq.read_schema(local_path(path)), stage.spec) for path in logs.paths):
        return None
    windows, lateness = placement.windows, timedelta(minutes=stage.project.allowed_lateness_minutes)
    if not all(_lies_within(path, windows, place, lateness) for path, place in placement.slices.items()):
        return None
    kept = Scanned(logs.paths, windows)
    found = CHECKED.empty_table()
    for part in each_part(stage.engine, partial(checked, lateness=lateness), parts_of(kept.pieces())):
        if part["good"] != part["read"]:
            return None
        found = pa.concat_tables([found, part])
    read, inside = (pc.sum(found[name]).as_py() or 0 for name in ("read", "inside"))
    outside = read - inside
    if not read or (outside and len(windows) == 1):
        return None
    if has_duplicates(kept, stage.engine):
        return None
    zones = Counter({IN_RECORD: read})  # their times are instants
    counts = RunCounts(read, inside, zones=zones, outside=outside, holes=list(logs.unreadable))
    return Intake(kept, counts, Records((), kept, ()))


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


def read_by_slices(spec: FeatureSpec) -> frozenset[str]:
    """The columns that slices read: the usual ones, and whatever else a sum of the specification names."""
    return READ_BY_SLICES | columns_named(spec)
