"""Host and pair slices: sessions divided by host among the engine's workers, each of which writes both tables.

The engine evaluates the sums of the specification for each session, once for each internal host that it has. A worker
gets all sessions of its hosts and groups them with one sort.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.addresses import Segments, is_internal
from common.contracts import QUANTILE_SOURCES
from common.contracts.types import Table
from common.features.spec import FeatureSpec
from common.lake.table_files import FILES, as_rows, from_rows
from common.lake.window_files import WindowFiles
from common.runtime.context import StageRun
from common.windows import Windows
from jobs.delta.grouping import HostSessions
from jobs.delta.hosts import ROLES, host_slices
from jobs.delta.pairs import PROTOCOLS, pair_slices
from jobs.delta.sums import check_sums, values_of

TABLES = ("delta_pair", "delta_host")
ADDRESSES = ("src_ip", "dst_ip")
ROWS_PER_PART = 4_000_000
PARTS_AT_ONCE = 3
"""The engine holds the rows of all parts that it divides at once; further ones are made of the sessions read again."""


def slice_files(sessions: DataFrame, rows: int, stage: StageRun, windows: Windows) -> dict[str, list[AddAction]]:
    """The files of the windows that the engine's workers have written for each table.

    Args:
        sessions: kept sessions with a `slice` number.
        rows: how many they are.
        stage: the lake, the feature specification, and the internal addresses and segments.
        windows: the windows that slice numbers refer to.

    Raises:
        SpecError: the engine does not understand a sum of the specification.
    """
    for name in TABLES:
        stage.lake.ensure(name)
    places = {name: (stage.lake.location(name), stage.lake.table(name)) for name in TABLES}
    work = writer(stage.spec, stage.project.segments, windows, places)
    of_hosts = by_host(sessions, stage.spec, stage.project.internal_cidrs)
    parts = -(-len(ROLES) * rows // ROWS_PER_PART)
    try:
        frames = divided(of_hosts, parts, PARTS_AT_ONCE)
        made = [frame.mapInArrow(work, f"table string, {FILES}").toArrow() for frame in frames]
    except PySparkException:
        check_sums(stage.session, stage.spec)
        raise
    written = pa.concat_tables(made)
    return {name: from_rows(written.filter(pc.equal(written["table"], name))) for name in TABLES}


def divided(rows: DataFrame, parts: int, at_once: int) -> Iterator[DataFrame]:
    """Frames with the rows of some hosts, each in partitions with whole hosts, at most so many."""
    if parts <= 1:
        yield rows.coalesce(1)
        return
    turns = -(-parts // at_once)
    turn = F.pmod(F.xxhash64("host_ip"), F.lit(turns))
    for number in range(turns):
        some = rows.where(turn == number) if turns > 1 else rows
        yield some.repartition(-(-parts // turns), "host_ip")


def by_host(sessions: DataFrame, spec: FeatureSpec, internal_cidrs: tuple[str, ...]) -> DataFrame:
    """What slices need of each session, once for each of its addresses that is internal: host and peer."""
    shared = (
        F.col("slice"),
        F.when(F.col("event_type") == "TRAFFIC", service()).otherwise(-1).alias("service"),
        F.coalesce(F.unix_micros("start_ts"), F.lit(0)).alias("start_micros"),
        F.unix_micros("end_ts").alias("end_micros"),
        F.col("repeat_count"),
        *values_of(spec.sums),
        (F.col("app") == "incomplete").alias("is_incomplete"),
        *(F.col(column).cast("double").alias(name) for name, column in QUANTILE_SOURCES.items()),
    )
    roles = [
        sessions.where(is_internal(F.col(host), internal_cidrs)).select(
            F.col(host).alias("host_ip"), F.col(peer).alias("peer_ip"), F.lit(number).alias("is_inbound"), *shared
        )
        for number, (host, peer) in enumerate((ADDRESSES, ADDRESSES[::-1]))
    ]
    return roles[0].unionByName(roles[1])


def service() -> Column:
    """Protocol and service port as one integer."""
    protocol = F.when(F.col("protocol") == PROTOCOLS[0], 0)
    for code, name in enumerate(PROTOCOLS[1:-1], start=1):
        protocol = protocol.when(F.col("protocol") == name, code)
    return F.col("dst_port") * len(PROTOCOLS) + protocol.otherwise(len(PROTOCOLS) - 1)


def writer(
    spec: FeatureSpec, segment_names: Mapping[str, str], windows: Windows, places: Mapping[str, tuple[str, Table]]
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function that writes the slices of some hosts, all sessions of which it gets, and returns the files.

    `places` has the location and the declaration of each table.
    """
    names = dict(segment_names)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [batch for batch in batches if batch.num_rows]
        if not rows:
            return
        sessions = HostSessions(pa.Table.from_batches(rows), spec, Segments(names))
        slices = {
            "delta_pair": pair_slices(sessions, windows),
            "delta_host": host_slices(sessions, spec, windows),
        }
        for name, found in slices.items():
            files = WindowFiles(*places[name], windows)
            files.add(found, found["slice"])
            files.flush()
            written = as_rows(files.actions)
            yield from written.add_column(0, "table", pa.array([name] * len(written), pa.string())).to_batches()

    return write
