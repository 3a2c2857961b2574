"""Random baselines that fit the FG-A rows of one window, instead of computing them from a month of FG-A."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from bench.history import nullable
from bench.workload import SEED
from common.features.spec import FeatureSpec
from common.lake.ids import new_id
from common.lake.lake import Lake
from common.lake.publications import Publication
from common.windows import Windows

TIME_BANDS = ("working_hours", "off_hours")
COLD_SHARE = 0.05
SPREADS = {"p25": 0.8, "p75": 1.25, "p95": 1.6, "p99": 2.0, "mad": 0.2, "iqr": 0.45}
PAIRS = """
SELECT DISTINCT src_ip, dst_ip, dst_port FROM (
    SELECT host_ip AS src_ip, peer_ip AS dst_ip, peer_port AS dst_port FROM read_parquet('{days}/*/*/*.parquet')
    WHERE role = 'outbound'
    UNION ALL
    SELECT src_ip, dst_ip, dst_port FROM counts WHERE hash(src_ip, dst_ip, dst_port) % 10 < 9
) ORDER BY ALL
"""


def write_baselines(lake: Lake, spec: FeatureSpec, source: Lake, window: Windows) -> None:
    """Writes FG-B of every horizon for the window's month, and copies `fg_a` and `pair_counts` of the source."""
    for name in ("fg_a", "pair_counts"):
        shutil.copytree(source.location(name), lake.location(name))
    rows, counts = source.arrow("fg_a", windows=window), source.arrow("pair_counts", windows=window)
    with duckdb.connect() as connection:
        connection.register("counts", counts)
        pairs = connection.sql(PAIRS.format(days=source.location("pair_days"))).to_arrow_table()
    segments = rows.take(np.unique(rows["segment_id"].to_numpy(zero_copy_only=False), return_index=True)[1])
    rng = np.random.default_rng((SEED, 3))
    for horizon in spec.horizons:
        partition = Publication(spec.version, horizon, f"{window.start:%Y-%m}", new_id()).partition
        _write(lake, "fg_b/host", _statistics(rng, spec, rows), partition)
        _write(lake, "fg_b/segment", _statistics(rng, spec, segments), partition)
        _write(lake, "fg_b/pair/host", _pairs(rng, pairs), partition)
        bounds = {"history_start_ts": window.start, "history_end_ts": window.end}
        counted = dict.fromkeys(("host", "segment", "ip_metadata", "pair_host", "pair_segment"), rows.num_rows)
        published = {f"rows_{name}": number for name, number in counted.items()} | bounds
        published |= {"previous_publication_id": None}
        _write(lake, "fg_b/publications", pa.table({name: [value] for name, value in published.items()}), partition)


def _write(lake: Lake, name: str, rows: pa.Table, partition: dict[str, str]) -> None:
    table = lake.table(name)
    stamps = {**partition, "reference_ts": datetime(2026, 3, 1, tzinfo=UTC)}
    columns = {column: rows[column] for column in rows.column_names}
    columns |= {column: pa.repeat(pa.scalar(value), rows.num_rows) for column, value in stamps.items()}
    schema = nullable(table)
    cast = [pc.cast(columns[field.name], field.type) for field in schema]
    write_deltalake(
        lake.location(name),
        pa.Table.from_arrays(cast, schema=schema),
        partition_by=list(table.partitions),
        mode="append",
    )


def _statistics(rng: np.random.Generator, spec: FeatureSpec, rows: pa.Table) -> pa.Table:
    """One row per row of FG-A, role, time band and label, with statistics around the row's own values."""
    parts = [
        _of_label(rng, spec, rows, role, band, label)
        for band in TIME_BANDS
        for role in spec.roles
        for label in spec.window_labels
    ]
    return pa.concat_tables(parts)


def _of_label(
    rng: np.random.Generator, spec: FeatureSpec, rows: pa.Table, role: str, band: str, label: str
) -> pa.Table:
    n = rows.num_rows
    support = rng.integers(50, 600, n)
    support[rng.random(n) < COLD_SHARE] = 10
    columns: dict[str, object] = {name: rows[name] for name in ("host_ip", "segment_id")}
    columns |= {"role": pa.repeat(role, n), "time_band": pa.repeat(band, n), "window_label": pa.repeat(label, n)}
    for metric in spec.metric_names:
        usual = rows[spec.fg_a_name(role, metric, label)].to_numpy() * rng.lognormal(0, 0.3, n)
        columns[f"{metric}_median"] = pa.array(usual, from_pandas=True)
        for name, factor in SPREADS.items():
            columns[f"{metric}_{name}"] = pa.array(usual * factor, from_pandas=True)
        columns[f"{metric}_support_count"] = pa.array(support)
        columns[f"{metric}_cold_start_flag"] = pa.array(support < spec.support_min)
    columns["outlier_count"] = pa.array(rng.integers(0, 3, n))
    return pa.table(columns)


def _pairs(rng: np.random.Generator, pairs: pa.Table) -> pa.Table:
    n = pairs.num_rows
    seen = rng.geometric(0.02, n)
    days = np.minimum(seen, rng.integers(1, 31, n))
    drawn = {
        "pair_seen_count": seen,
        "pair_last_seen_ts": pa.repeat(pa.scalar(datetime(2026, 2, 20, tzinfo=UTC)), n),
        "active_days": days,
        "pair_daily_avg": seen / 30,
        "pair_rarity_score": 1 / (1 + seen),
        "is_new_pair_flag": np.zeros(n, dtype=bool),
        "is_rare_pair_flag": days < 2,
    }
    return pa.table({name: pairs[name] for name in pairs.column_names} | drawn)
