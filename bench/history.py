"""A lake with the history before a window: slices of the last 24 hours, and a month of pair history."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.sessions import SLICES_BEFORE
from bench.workload import SEED, UDP_PORTS, Network
from common.arrays import Flags, Integers
from common.contracts import QUANTILE_SOURCES, QUANTILES
from common.contracts.types import Table
from common.contracts.window_columns import TIMESTAMP, WINDOW_MICROS, micros
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.lake.table_files import TableFiles
from common.windows import WINDOWS_PER_DAY, Windows

DRAWS_PER_ROW = 4
SLICES_PER_COMMIT = 16
Rows = dict[str, pa.Array | NDArray[np.generic]]


def write_history(
    lake: Lake, spec: FeatureSpec, network: Network, window: Windows, slice_rows: int, day_rows: int, days: int
) -> None:
    """Writes `delta_pair` and `delta_host` of the slices before the window, and `pair_days` of `days` days.

    The last day of `pair_days` is the one on which the slices start.
    """
    before = list(window.extended(SLICES_BEFORE))[:-1]
    for _, members in groupby(enumerate(before), key=lambda entry: entry[0] // SLICES_PER_COMMIT):
        numbers, parts = zip(*members, strict=True)
        slices = (_slice(network, spec, number, part, slice_rows) for number, part in zip(numbers, parts, strict=True))
        pairs, hosts = zip(*slices, strict=True)
        _write(lake, "delta_pair", pairs, Windows(parts[0].start, parts[-1].end))
        _write(lake, "delta_host", hosts, Windows(parts[0].start, parts[-1].end))
    last = before[0].start.date()
    digests = lake.digests("delta_pair", "date")
    for age in reversed(range(days)):
        day = last - timedelta(days=age)
        digest = digests.get(f"{day:%Y-%m-%d}", hashlib.sha256(f"{day}".encode()).hexdigest()[:16])
        _write(lake, "pair_days", [_day(network, day, age, digest, day_rows)], {"date": f"{day:%Y-%m-%d}"})


def _write(lake: Lake, name: str, rows: Iterable[Rows], where: Windows | Mapping[str, str]) -> None:
    """Writes the rows in one commit, as the product does: a file for each slice or day."""
    table = lake.table(name)
    files = TableFiles(lake.location(name), table)
    for one in rows:
        columns = [pa.array(one[field.name]).cast(field.type) for field in table.arrow]
        of_file = pa.Table.from_arrays(columns, schema=nullable(table))
        files.write(of_file, {column: of_file[column][0].as_py() for column in table.partitions})
    lake.replace_files(name, files.actions, where)


def nullable(table: Table) -> pa.Schema:
    """The schema of a table as the engines create it."""
    return pa.schema([field.with_nullable(True) for field in table.arrow])


def _drawn(
    network: Network, rng: np.random.Generator, rows: int, slices: Integers | int
) -> tuple[Integers, Integers, Integers, Flags]:
    """At most `rows` distinct pairs by role: host, peer, port and whether outbound."""
    number = slices if isinstance(slices, int) else rng.choice(slices, rows * DRAWS_PER_ROW)
    found = network.rows_by_role(network.draw(rng, rows * DRAWS_PER_ROW, number, evenly=True))
    chosen = np.sort(rng.permutation(len(found[0]))[:rows])
    host, peer, port, outbound = found
    return host[chosen], peer[chosen], port[chosen], outbound[chosen]


def _slice(network: Network, spec: FeatureSpec, number: int, window: Windows, rows: int) -> tuple[Rows, Rows]:
    """The rows of `delta_pair` and `delta_host` of one slice; shared columns of the latter sum up the former."""
    rng = np.random.default_rng((SEED, 1, number))
    host, peer, port, outbound = _drawn(network, rng, rows, number)
    n = len(host)
    sessions = rng.geometric(0.1, n)
    start, end = micros(window)
    first = start + rng.integers(0, WINDOW_MICROS // 2, n)
    span = np.where(sessions > 1, rng.integers(0, WINDOW_MICROS // 2, n), 0)
    bounds = _bounds(window)
    pairs: Rows = {
        **_named(network, host, outbound),
        **_ends(network, peer, port),
        **_said(port),
        "protocol": pa.array(["tcp", "udp"]).take(pa.array(np.isin(port, UDP_PORTS).astype(np.int64))),
        "sessions_cnt": sessions,
        "failed_cnt": rng.binomial(sessions, 0.1),
        "bytes_src_sum": (rng.lognormal(7, 2, n) * sessions).astype(np.int64),
        "bytes_dst_sum": (rng.lognormal(8, 2, n) * sessions).astype(np.int64),
        "duration_sum": np.round(rng.lognormal(1, 1.5, n) * sessions),
        "first_ts": pa.array(first).cast(TIMESTAMP),
        "last_ts": pa.array(first + span).cast(TIMESTAMP),
        "last_end_ts": pa.array(np.full(n, end - 1)).cast(TIMESTAMP),
        "gap_sum_s": span / 1e6,
        "gap_sq_sum_s": (span / 1e6) ** 2 / np.maximum(sessions - 1, 1),
        **_repeated(bounds, n),
    }
    return pairs, _hosts(network, spec, rng, host, outbound, pairs, bounds)


def _hosts(
    network: Network,
    spec: FeatureSpec,
    rng: np.random.Generator,
    host: Integers,
    outbound: Flags,
    pairs: Rows,
    bounds: dict[str, object],
) -> Rows:
    owner, place = np.unique(host * 2 + outbound, return_inverse=True)
    n = len(owner)
    shared = ("sessions_cnt", "bytes_src_sum", "bytes_dst_sum", "duration_sum")
    sums = {name: np.bincount(place, np.asarray(pairs[name])).round().astype(np.int64) for name in shared}
    sessions = sums["sessions_cnt"]
    ports = {f"{name}_port_sessions_cnt": rng.binomial(sessions, 0.05) for name in spec.port_sets}
    counts = {metric.name: rng.binomial(sessions, 0.2) for metric in spec.sums if metric.name not in ports}
    quantiles = {
        f"{source}_{name}": rng.lognormal(6 + share * 4, 0.3, n)
        for source in QUANTILE_SOURCES
        for name, share in QUANTILES.items()
    }
    return {
        **_named(network, owner // 2, owner % 2 == 1),
        **counts,
        **ports,
        **quantiles,
        **sums,
        "traffic_cnt": sessions,
        "max_sessions_per_minute": np.maximum(sessions // 12, 1),
        **_repeated(bounds, n),
    }


def _day(network: Network, day: date, age: int, digest: str, rows: int) -> Rows:
    """The rows of `pair_days` of one day."""
    rng = np.random.default_rng((SEED, 2, age))
    host, peer, port, outbound = _drawn(network, rng, rows, np.arange(WINDOWS_PER_DAY))
    n = len(host)
    midnight = (datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    first = rng.integers(0, WINDOWS_PER_DAY, n)
    last = rng.integers(first, WINDOWS_PER_DAY)
    offset = midnight + 8 * 60_000_000
    return {
        **_named(network, host, outbound),
        **_ends(network, peer, port),
        **_said(port),
        "sessions_cnt": rng.geometric(0.02, n),
        "slices_cnt": np.maximum(last - first, 1),
        "first_slice_ts": pa.array(offset + first * WINDOW_MICROS).cast(TIMESTAMP),
        "last_slice_ts": pa.array(offset + last * WINDOW_MICROS).cast(TIMESTAMP),
        "source_digest": pa.repeat(digest, n),
        "date": pa.repeat(f"{day:%Y-%m-%d}", n),
    }


def _said(port: Integers) -> Rows:
    """The application of each port; the logs have no URLs."""
    ports, place = np.unique(port, return_inverse=True)
    apps = pa.array([f"app-{number}" for number in ports.tolist()])
    return {"app": apps.take(pa.array(place)), "domain": pa.nulls(len(port), pa.string())}


def _named(network: Network, host: Integers, outbound: Flags) -> Rows:
    number = pa.array(host)
    return {
        "host_ip": network.addresses.take(number),
        "segment_id": network.segments.take(number),
        "role": pa.array(["inbound", "outbound"]).take(pa.array(outbound.astype(np.int64))),
    }


def _ends(network: Network, peer: Integers, port: Integers) -> Rows:
    number = pa.array(peer)
    return {
        "peer_ip": network.addresses.take(number),
        "peer_segment_id": network.segments.take(number),
        "peer_port": port,
    }


def _bounds(window: Windows) -> dict[str, object]:
    return {
        "window_start_ts": window.start,
        "window_end_ts": window.end,
        "date": f"{window.start:%Y-%m-%d}",
        "window": window.key,
    }


def _repeated(values: dict[str, object], n: int) -> Rows:
    return {name: pa.repeat(pa.scalar(value), n) for name, value in values.items()}
