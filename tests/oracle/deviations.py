"""FG-C: how far each host is from its baseline, from FG-A, FG-B and the pair counts of the same windows."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from common.config.project import ProjectParameters
from common.features.spec import FeatureSpec, Metric

from .longform import values
from .prepare import constants, fill, insert

TRANSFORMS = ("z_mad", "ratio", "log_ratio")

CHOSEN = """
CREATE TABLE chosen AS
SELECT DISTINCT v.host_ip, v.segment_id, v.time_band, v.window_end_ts, v.role, v.label,
    CASE WHEN NOT h.sessions_cnt_cold_start_flag THEN 'host'
         WHEN NOT s.sessions_cnt_cold_start_flag THEN 'segment'
         ELSE 'none' END AS source
FROM metric_values v
LEFT JOIN host h ON h.host_ip = v.host_ip AND h.segment_id = v.segment_id AND h.role = v.role
    AND h.time_band = v.time_band AND h.window_label = v.label
LEFT JOIN segment s ON s.segment_id = v.segment_id AND s.role = v.role
    AND s.time_band = v.time_band AND s.window_label = v.label
"""

COMPARED = """
CREATE TABLE compared AS
SELECT v.*, coalesce(h.median, s.median) AS median, coalesce(h.mad, s.mad) AS mad, coalesce(h.iqr, s.iqr) AS iqr
FROM metric_values v
JOIN chosen c USING (host_ip, window_end_ts, role, label)
LEFT JOIN host_long h ON c.source = 'host' AND h.host_ip = v.host_ip AND h.segment_id = v.segment_id
    AND h.role = v.role AND h.time_band = v.time_band AND h.window_label = v.label AND h.metric = v.metric
LEFT JOIN segment_long s ON c.source = 'segment' AND s.segment_id = v.segment_id
    AND s.role = v.role AND s.time_band = v.time_band AND s.window_label = v.label AND s.metric = v.metric
WHERE v.metric IN (SELECT name FROM deviation_metrics)
"""

DEVIATIONS = """
CREATE TABLE deviations AS
SELECT *, greatest(1.4826 * mad, iqr / 1.349, floor) AS scale,
    CASE WHEN known THEN greatest(-{clip}, least({clip}, (x - median) / scale)) END AS z_mad,
    CASE WHEN known THEN x / greatest(median, floor) END AS ratio,
    CASE WHEN known THEN ln(greatest(x, floor) / greatest(median, floor)) END AS log_ratio
FROM (
    SELECT compared.*, x IS NOT NULL AND median IS NOT NULL AS known,
           greatest(floor_constant, floor_share * median) AS floor
    FROM compared JOIN metrics ON metrics.name = metric
)
"""

SOURCES = """
SELECT host_ip, window_end_ts,
    CASE WHEN bool_or(source = 'segment') THEN 'segment' WHEN bool_or(source = 'host') THEN 'host' ELSE 'none' END
        AS baseline_source
FROM chosen GROUP BY ALL
"""

STRENGTH = """
SELECT host_ip, window_end_ts, max(abs(z_mad)) AS anomaly_strength_core
FROM deviations WHERE metric IN (SELECT name FROM core_metrics) GROUP BY ALL
"""

SCORES = """
SELECT host_ip, window_end_ts, {columns}
FROM (
    SELECT host_ip, window_end_ts, label, score, avg(CASE WHEN z_mad > 0 THEN z_mad WHEN z_mad <= 0 THEN 0 END) AS value
    FROM deviations JOIN composites USING (role, metric) GROUP BY ALL
)
GROUP BY ALL
"""

PAIRS = """
SELECT src_ip AS host_ip, window_end_ts, max(rarity) AS pair_rarity_max, avg(rarity) AS pair_rarity_mean,
       avg(CASE WHEN is_known THEN 0 ELSE 1 END) AS new_pair_share
FROM (
    SELECT p.*, b.src_ip IS NOT NULL AS is_known,
        CASE WHEN b.src_ip IS NULL THEN 1 ELSE b.pair_rarity_score END AS rarity
    FROM pair_rows p LEFT JOIN pair_host b USING (src_ip, dst_ip, dst_port)
)
GROUP BY ALL
"""


def fg_c(
    fg_a: pa.Table,
    pair_counts: pa.Table,
    baselines: Mapping[str, pa.Table],
    spec: FeatureSpec,
    horizon_name: str,
    month: str,
) -> pa.Table:
    """One row per FG-A row: its deviations from the baselines of that horizon and month.

    The baselines are keyed as `fg_b` returns them; `ip_metadata` and `pair/segment` are not needed.
    """
    con = constants(spec, ProjectParameters())
    values(con, fg_a, spec)
    insert(con, "pair_rows", pair_counts)
    for name in ("host", "segment", "pair/host"):
        _baseline(con, name.replace("/", "_"), baselines[name], spec, horizon_name, month)
    for name in ("host", "segment"):
        con.execute(f"CREATE TABLE {name}_long AS {_long(name, spec)}")
    _lists(con, spec)
    con.execute(CHOSEN)
    con.execute(COMPARED)
    con.execute(DEVIATIONS.format(clip=float(spec.z_clip)))
    return con.sql(_wide(spec, horizon_name, month)).to_arrow_table()


def _baseline(
    con: duckdb.DuckDBPyConnection, name: str, table: pa.Table, spec: FeatureSpec, horizon_name: str, month: str
) -> None:
    con.register("published", table)
    con.execute(
        f"""CREATE TABLE {name} AS SELECT * FROM published WHERE feature_spec_version = '{spec.version}'
        AND baseline_horizon = '{horizon_name}' AND baseline_month = '{month}'"""
    )
    con.unregister("published")


def _long(name: str, spec: FeatureSpec) -> str:
    subject = "host_ip, segment_id" if name == "host" else "segment_id"
    return " UNION ALL ".join(
        f"""SELECT {subject}, role, time_band, window_label, '{metric.name}' AS metric,
        {metric.name}_median AS median, {metric.name}_mad AS mad, {metric.name}_iqr AS iqr FROM {name}"""
        for metric in spec.deviation_metrics
    )


def _lists(con: duckdb.DuckDBPyConnection, spec: FeatureSpec) -> None:
    con.execute("CREATE TABLE deviation_metrics (name VARCHAR)")
    fill(con, "deviation_metrics", [(metric.name,) for metric in spec.deviation_metrics])
    places = [(label, role, metric.name) for label, role, metric in _places(spec)]
    con.execute("CREATE TABLE places (label VARCHAR, role VARCHAR, metric VARCHAR, place INTEGER)")
    fill(con, "places", [(*place, number) for number, place in enumerate(places, start=1)])
    con.execute("CREATE TABLE core_metrics (name VARCHAR)")
    fill(con, "core_metrics", [(name,) for name in spec.core_metrics])
    con.execute("CREATE TABLE composites (score VARCHAR, role VARCHAR, metric VARCHAR)")
    listed = [
        (score, role, metric)
        for score, composite in spec.composites.items()
        for role, metrics in composite.metrics.items()
        for metric in metrics
    ]
    fill(con, "composites", listed)


def _places(spec: FeatureSpec) -> list[tuple[str, str, Metric]]:
    """Label, role and metric of every deviation, in the order of the columns."""
    labels, metrics = spec.window_labels, spec.deviation_metrics
    return [(label, role, metric) for label in labels for role in spec.roles for metric in metrics]


def _wide(spec: FeatureSpec, horizon_name: str, month: str) -> str:
    features = ", ".join(
        f"{transform}s[{number}] AS {spec.roles[role]}{metric.name}_{label}_{transform}"
        for number, (label, role, metric) in enumerate(_places(spec), start=1)
        for transform in TRANSFORMS
    )
    lists = ", ".join(f"list({transform} ORDER BY place) AS {transform}s" for transform in TRANSFORMS)
    scores = ", ".join(f"max(value) FILTER (score = '{score}') AS {score}" for score in spec.composites)
    parts = {
        "deviated": f"""SELECT host_ip, window_end_ts, {features} FROM (
            SELECT host_ip, window_end_ts, {lists} FROM deviations JOIN places USING (label, role, metric) GROUP BY ALL
        )""",
        "strength": STRENGTH,
        "scores": SCORES.format(columns=scores),
        "pairs": PAIRS,
    }
    joined = " ".join(f"LEFT JOIN {name} USING (host_ip, window_end_ts)" for name in parts)
    columns = ", ".join(f"{name}.* EXCLUDE (host_ip, window_end_ts)" for name in parts)
    return f"""
    WITH sources AS ({SOURCES}), {", ".join(f"{name} AS ({query})" for name, query in parts.items())}
    SELECT host_ip, segment_id, time_band, '{horizon_name}' AS baseline_horizon, '{month}' AS baseline_month,
        baseline_source, {columns}, window_start_ts, window_end_ts,
        strftime(window_start_ts AT TIME ZONE 'UTC', '%Y-%m-%d') AS date,
        strftime(window_start_ts AT TIME ZONE 'UTC', '%Y%m%dT%H%MZ') AS "window"
    FROM fg_a_rows JOIN sources USING (host_ip, window_end_ts) {joined}
    ORDER BY host_ip, window_end_ts
    """
