"""Pair slices: what each internal host did with each peer and service in each window, by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import or_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.addresses import Segments, is_internal
from common.arrays import Floats, Integers
from common.config.project import ProjectParameters
from common.contracts.types import Table
from common.contracts.window_columns import TIMESTAMP, window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows
from jobs.delta.hosts import MICROS, holds, in_micros

FAILURES = ("deny_cnt", "rst_cnt", "zero_reply_cnt")
"""The counts of `delta_host` whose sessions count as failed; those with app `incomplete` are the others."""
PROTOCOLS = ("tcp", "udp", "icmp", "other")


def pair_slices(
    sessions: DataFrame, spec: FeatureSpec, project: ProjectParameters, windows: Windows, table: Table
) -> DataFrame:
    """One row per host, role, peer, protocol, service port and window, as `delta_pair` declares it.

    Sessions are grouped once by source and destination, and both roles derive from the same groups. Protocol and port
    are grouped as one integer, which is much cheaper than a text column.

    Args:
        sessions: kept sessions with a `slice` number.
        spec: the feature specification.
        project: the internal addresses and the segment names.
        windows: the windows that slice numbers refer to.
        table: the declaration of `delta_pair`.
    """
    inside = {f"{side}_internal": is_internal(F.col(f"{side}_ip"), project.internal_cidrs) for side in ("src", "dst")}
    protocol = F.when(F.col("protocol") == PROTOCOLS[0], 0)
    for code, name in enumerate(PROTOCOLS[1:-1], start=1):
        protocol = protocol.when(F.col("protocol") == name, code)
    service = (F.col("dst_port") * len(PROTOCOLS) + protocol.otherwise(len(PROTOCOLS) - 1)).alias("service")
    failed = reduce(or_, (holds(spec, name) for name in FAILURES)) | (F.col("app") == "incomplete")
    keys = ["src_ip", "dst_ip", service, *(["slice"] if len(windows) > 1 else [])]
    grouped = (
        sessions.where("event_type = 'TRAFFIC'")
        .groupBy(*keys)
        .agg(
            F.sum("repeat_count").alias("sessions_cnt"),
            F.sum(F.when(failed, F.col("repeat_count"))).alias("failed_cnt"),
            F.sum("bytes_sent").alias("bytes_src_sum"),
            F.sum("bytes_received").alias("bytes_dst_sum"),
            F.sum(in_micros(F.col("duration_s"))).alias("duration_micros"),
            F.max(F.unix_micros("end_ts")).alias("last_end_micros"),
            F.collect_list(F.unix_micros("start_ts")).alias("start_micros"),
        )
    )
    return grouped.select("*", *(column.alias(name) for name, column in inside.items())).mapInArrow(
        finisher(project, windows, table), table.ddl
    )


def finisher(
    project: ProjectParameters, windows: Windows, table: Table
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function from grouped batches to rows of `delta_pair`, one per role: adds gaps, segments and windows."""
    segment_names = dict(project.segments)
    schema = table.arrow

    def finish(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        segments = Segments(segment_names)
        for batch in batches:
            if not batch.num_rows:
                continue
            shared = _shared_columns(batch, windows)
            side = {
                name: (batch.column(f"{name}_ip"), segments.names(batch.column(f"{name}_ip")))
                for name in ("src", "dst")
            }
            for role, host, peer in (("outbound", "src", "dst"), ("inbound", "dst", "src")):
                columns = shared | {
                    "host_ip": side[host][0],
                    "segment_id": side[host][1],
                    "peer_ip": side[peer][0],
                    "peer_segment_id": side[peer][1],
                    "role": pa.repeat(role, batch.num_rows),
                }
                rows = pa.RecordBatch.from_arrays(
                    [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
                )
                yield rows.filter(batch.column(f"{host}_internal"))

    return finish


def _shared_columns(batch: pa.RecordBatch, windows: Windows) -> dict[str, pa.Array]:
    """The columns that are the same in both roles."""
    service = batch.column("service").to_numpy()
    slices = batch.column("slice").to_numpy() if len(windows) > 1 else np.zeros(batch.num_rows, dtype=np.int64)
    first, last, squares = gap_sums(batch.column("start_micros"))
    sums = ("sessions_cnt", "failed_cnt", "bytes_src_sum", "bytes_dst_sum")
    return {
        **{name: pc.fill_null(batch.column(name), 0) for name in sums},
        "protocol": pa.array(PROTOCOLS).take(pa.array(service % len(PROTOCOLS))),
        "peer_port": pa.array(service // len(PROTOCOLS)),
        "duration_sum": pc.divide(pc.fill_null(batch.column("duration_micros"), 0).cast(pa.float64()), float(MICROS)),
        "first_ts": pa.array(first).cast(TIMESTAMP),
        "last_ts": pa.array(last).cast(TIMESTAMP),
        "last_end_ts": batch.column("last_end_micros").cast(TIMESTAMP),
        "gap_sum_s": pa.array((last - first) / MICROS),
        "gap_sq_sum_s": pa.array(squares),
        **window_columns(slices, windows),
    }


def gap_sums(starts: pa.ListArray) -> tuple[Integers, Integers, Floats]:
    """First and last start (us) and the sum of squared gaps (s^2) of each list of session starts, `(n_lists,)` each.

    Every list has at least one start.
    """
    lengths = starts.value_lengths().to_numpy()
    flat = starts.flatten().to_numpy()
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    heads = bounds[:-1]
    ordered = flat
    if len(flat) > len(lengths):
        owner = np.repeat(np.arange(len(lengths)), lengths)
        ordered = flat[np.lexsort((flat, owner))]
    gaps = np.diff(ordered, prepend=ordered[:1]) / MICROS
    gaps[heads] = 0.0
    return ordered[heads], ordered[bounds[1:] - 1], np.add.reduceat(gaps * gaps, heads)
