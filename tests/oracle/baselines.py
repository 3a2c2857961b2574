"""FG-B: what is usual for each host, segment and pair, from FG-A and the pair counts of a horizon."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from common.config.project import ProjectParameters
from common.features.spec import FeatureSpec, Horizon

from .longform import values
from .prepare import constants, fill, insert, moment

OUTLIERS = """
CREATE TABLE outliers AS
WITH judged AS (
    SELECT v.*, median(x) OVER same AS middle FROM metric_values v
    WHERE metric IN (SELECT name FROM outlier_metrics) WINDOW same AS (PARTITION BY {same})
), spread AS (
    SELECT *, median(abs(x - middle)) OVER (PARTITION BY {same}) AS mad FROM judged
)
SELECT DISTINCT host_ip, window_end_ts, role, label
FROM spread JOIN metrics ON metrics.name = metric
WHERE abs(x - middle) / greatest(1.4826 * mad, floor_constant, floor_share * middle) > {z_max}
"""

FATE = """
CREATE TABLE judged_values AS
SELECT v.*, o.host_ip IS NOT NULL AS is_outlier
FROM metric_values v LEFT JOIN outliers o USING (host_ip, window_end_ts, role, label)
"""

STATISTICS = """
WITH taken AS (
    SELECT *, CASE WHEN NOT is_outlier THEN x END AS kept FROM judged_values
), centred AS (
    SELECT taken.*, abs(kept - middle) AS deviation
    FROM taken JOIN (
        SELECT {subject}, role, time_band, label, metric, quantile_cont(kept, 0.5) AS middle FROM taken GROUP BY ALL
    ) USING ({subject}, role, time_band, label, metric)
), described AS (
    SELECT {subject}, role, time_band, label, metric,
        quantile_cont(kept, 0.5) AS median, quantile_cont(kept, 0.25) AS p25, quantile_cont(kept, 0.75) AS p75,
        quantile_cont(kept, 0.95) AS p95, quantile_cont(kept, 0.99) AS p99,
        quantile_cont(deviation, 0.5) AS mad, p75 - p25 AS iqr, count(kept) AS support_count,
        support_count < {support_min} AS cold_start_flag, count(*) FILTER (is_outlier) AS outlier_count
    FROM centred GROUP BY ALL
), listed AS (
    SELECT {subject}, role, time_band, label AS window_label, {lists}, max(outlier_count)::BIGINT AS outlier_count
    FROM described JOIN metrics ON metrics.name = metric GROUP BY ALL
)
SELECT {subject}, role, time_band, window_label, {columns}, outlier_count, {stamps} FROM listed ORDER BY ALL
"""

IP_METADATA = """
WITH hosts AS (
    SELECT host_ip, arg_max(segment_id, window_start_ts) AS segment_id, count(*) AS windows_count,
           count(DISTINCT window_start_ts::DATE) AS days
    FROM fg_a_rows GROUP BY host_ip
)
SELECT host_ip, segment_id, machine_name, windows_count::BIGINT AS windows_count,
    days = (SELECT count(*) FROM horizon_days) AS is_full_history,
    coalesce((
        SELECT bool_or(starts_with(lower(machine_name), lower(prefix))) FROM non_persistent_prefixes
    ), false) AS is_non_persistent_machine,
    windows_count < {support_min} AS is_cold_start, {stamps}
FROM hosts LEFT JOIN inventory USING (host_ip)
ORDER BY ALL
"""

PAIRS = """
SELECT {subject}, dst_ip, dst_port::INTEGER AS dst_port, sum(sessions_cnt)::BIGINT AS pair_seen_count,
    max(event_ts) AS pair_last_seen_ts, count(DISTINCT window_start_ts::DATE)::BIGINT AS active_days,
    sum(sessions_cnt) / {days}::DOUBLE AS pair_daily_avg, 1 / (1 + sum(sessions_cnt))::DOUBLE AS pair_rarity_score,
    min(window_start_ts::DATE) = (SELECT max(day) FROM horizon_days) AS is_new_pair_flag,
    count(DISTINCT window_start_ts::DATE) < {rare_days} AS is_rare_pair_flag, {stamps}
FROM pair_rows GROUP BY {subject}, dst_ip, dst_port
ORDER BY ALL
"""


def fg_b(
    fg_a: pa.Table,
    pair_counts: pa.Table,
    spec: FeatureSpec,
    project: ProjectParameters,
    reference_ts: datetime,
    horizon_name: str,
    horizon: Horizon,
    inventory: pa.Table | None = None,
    month: str | None = None,
) -> dict[str, pa.Table]:
    """The five baselines: host, segment, ip_metadata, pair/host and pair/segment.

    Rows of other times than the horizon's are left out here. The inventory has one row per host, with `host_ip` and
    `machine_name`. Without a month, it is that of the reference time.
    """
    end = reference_ts - timedelta(days=horizon.gap_days)
    con = constants(spec, project)
    inside = _horizon(con, end - timedelta(days=horizon.days), end)
    values(con, _only(con, fg_a, inside), spec)
    insert(con, "pair_rows", _only(con, pair_counts, inside))
    con.execute("CREATE TABLE outlier_metrics (name VARCHAR)")
    fill(con, "outlier_metrics", [(name,) for name in spec.outlier_metrics])
    con.execute("CREATE TABLE non_persistent_prefixes (prefix VARCHAR)")
    fill(con, "non_persistent_prefixes", [(prefix,) for prefix in project.non_persistent_prefixes])
    nobody = pa.table({"host_ip": pa.array([], pa.string()), "machine_name": pa.array([], pa.string())})
    insert(con, "inventory", (nobody if inventory is None else inventory).select(["host_ip", "machine_name"]))
    con.execute(OUTLIERS.format(same="segment_id, role, time_band, label, metric", z_max=float(spec.outlier_z_max)))
    con.execute(FATE)
    stamps = f"""{moment(reference_ts)} AS reference_ts, '{spec.version}' AS feature_spec_version,
        '{horizon_name}' AS baseline_horizon, '{month or f"{reference_ts:%Y-%m}"}' AS baseline_month"""
    pairs = {"days": float(horizon.days), "rare_days": spec.rare_pair_days, "stamps": stamps}
    statistics = _columns(spec) | {"support_min": spec.support_min, "stamps": stamps}
    queries = {
        "host": STATISTICS.format(subject="host_ip, segment_id", **statistics),
        "segment": STATISTICS.format(subject="segment_id", **statistics),
        "ip_metadata": IP_METADATA.format(support_min=spec.support_min, stamps=stamps),
        "pair/host": PAIRS.format(subject="src_ip", **pairs),
        "pair/segment": PAIRS.format(subject="segment_id", **pairs),
    }
    return {name: con.sql(query).to_arrow_table() for name, query in queries.items()}


def _horizon(con: duckdb.DuckDBPyConnection, start: datetime, end: datetime) -> str:
    """The condition that a window lies inside; creates `horizon_days`, the dates on which such windows start."""
    inside = f"window_start_ts >= {moment(start)} AND window_start_ts + INTERVAL 15 MINUTES <= {moment(end)}"
    con.execute(
        f"""CREATE TABLE horizon_days AS SELECT DISTINCT window_start_ts::DATE AS day
        FROM generate_series(
            time_bucket(INTERVAL 15 MINUTES, {moment(start)}, TIMESTAMPTZ '2000-01-01 00:08:00+00'), {moment(end)},
            INTERVAL 15 MINUTES
        ) AS grid (window_start_ts)
        WHERE {inside}"""
    )
    return inside


def _only(con: duckdb.DuckDBPyConnection, table: pa.Table, condition: str) -> pa.Table:
    con.register("all_rows", table)
    chosen = con.sql(f"SELECT * FROM all_rows WHERE {condition}").to_arrow_table()
    con.unregister("all_rows")
    return chosen


def _columns(spec: FeatureSpec) -> dict[str, str]:
    """The statistics as lists with one element a metric, and the columns taken out of the lists."""
    columns = [
        f"{name}s[{number}] AS {metric}_{name}"
        for number, metric in enumerate(spec.metric_names, start=1)
        for name in spec.statistics
    ]
    lists = [f"list({name} ORDER BY position) AS {name}s" for name in spec.statistics]
    return {"columns": ", ".join(columns), "lists": ", ".join(lists)}
