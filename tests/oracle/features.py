"""FG-A: what each host does in each look-back, from the sessions of that look-back."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from common.windows import Windows

from .deltas import COUNTS, SUMS, counts
from .prepare import insert, names

KEY = "host_ip, window_end_ts, label, role"

SCOPES = """
CREATE OR REPLACE TEMP TABLE scopes AS
SELECT window_start_ts, window_end_ts, label, window_end_ts - slices * INTERVAL 15 MINUTES AS from_ts
FROM wins CROSS JOIN window_labels;

CREATE OR REPLACE TEMP TABLE active AS
SELECT DISTINCT window_start_ts, window_end_ts, host_ip, segment_id
FROM wins JOIN events ON slice = window_start_ts;

CREATE OR REPLACE TEMP TABLE subjects AS
SELECT host_ip, window_end_ts, label, role, from_ts,
       date_trunc('day', from_ts) - (SELECT lookback_days FROM settings) * INTERVAL 1 DAY AS history_from_ts
FROM active JOIN scopes USING (window_start_ts, window_end_ts) CROSS JOIN roles;

CREATE OR REPLACE TEMP TABLE scoped AS
SELECT window_end_ts, label, events.*
FROM subjects s JOIN events
  ON events.host_ip = s.host_ip AND events.role = s.role AND slice >= from_ts AND slice < window_end_ts;
"""

BUSIEST_MINUTE = f"""
SELECT {KEY}, max(n) AS max_sessions_per_minute FROM (
    SELECT {KEY}, slice, date_trunc('minute', end_ts) AS minute, sum(repeat_count) AS n
    FROM scoped WHERE is_traffic GROUP BY ALL
) GROUP BY ALL
"""

DISTINCT = """
WITH per_value AS (
    SELECT {key}, {column} AS value, sum(repeat_count) AS n,
           sum(coalesce(bytes_sent, 0) + coalesce(bytes_received, 0)) AS bytes
    FROM scoped WHERE is_traffic GROUP BY ALL
), shared AS (
    SELECT *, n / sum(n) OVER (PARTITION BY {key}) AS share, sum(bytes) OVER (PARTITION BY {key}) AS all_bytes
    FROM per_value
)
SELECT {key}, count(*) AS {name}_nunique, -sum(share * log2(share)) AS {name}_entropy,
    max(share) AS {name}_top1_sessions_share,
    max(CASE WHEN all_bytes = 0 THEN 0 ELSE bytes / all_bytes END) AS {name}_top1_bytes_share
FROM shared GROUP BY ALL
"""

SEGMENTS = f"""
SELECT {KEY}, count(DISTINCT peer_segment_id) AS peer_segment_nunique,
    sum(repeat_count) FILTER (high_risk) AS high_risk_segment_sessions_cnt,
    count(DISTINCT peer_ip) FILTER (high_risk) AS high_risk_segment_unique_dsts
FROM (
    SELECT *, peer_segment_id IN (SELECT segment_id FROM high_risk_segments) AS high_risk FROM scoped WHERE is_traffic
)
GROUP BY ALL
"""

SEEN = """
CREATE OR REPLACE TEMP TABLE seen AS
SELECT DISTINCT host_ip, role, peer_ip, dst_port, slice FROM events WHERE is_traffic
"""

WITH_HISTORY = """
SELECT DISTINCT s.host_ip, s.window_end_ts, s.label
FROM subjects s JOIN seen ON seen.host_ip = s.host_ip AND slice >= history_from_ts AND slice < from_ts
"""

NOVELTY = """
WITH present AS (
    SELECT DISTINCT {key}, {columns} FROM scoped WHERE is_traffic
), known AS (
    SELECT {present_key}, {present_columns},
           count(DISTINCT strftime(seen.slice AT TIME ZONE 'UTC', '%Y-%m-%d')) AS days
    FROM present
    JOIN subjects s USING ({key})
    LEFT JOIN seen ON seen.host_ip = present.host_ip AND seen.role = present.role AND {same}
        AND seen.slice >= history_from_ts AND seen.slice < from_ts
    GROUP BY ALL
)
SELECT {key}, count(*) FILTER (days = 0) AS new_{name}_cnt,
       count(*) FILTER (days < (SELECT rare_days FROM settings)) AS rare_{name}_cnt
FROM known GROUP BY ALL
"""

SPREAD = """
peer_ip_nunique peer_port_nunique peer_segment_nunique peer_ip_entropy peer_port_entropy
peer_ip_top1_sessions_share peer_port_top1_sessions_share peer_ip_top1_bytes_share peer_port_top1_bytes_share
max_sessions_per_minute high_risk_segment_sessions_cnt high_risk_segment_unique_dsts
"""
DERIVED = {
    "duration_mean": ("duration_sum", "sessions_cnt"),
    "deny_ratio": ("deny_cnt", "sessions_cnt"),
    "bytes_asymmetry_ratio": ("bytes_src_sum - bytes_dst_sum", "bytes_src_sum + bytes_dst_sum"),
    "transport_tcp_ratio": ("tcp_cnt", "sessions_cnt"),
    "transport_udp_ratio": ("udp_cnt", "sessions_cnt"),
    "transport_icmp_ratio": ("icmp_cnt", "sessions_cnt"),
}
FLAGS = {
    "has_high_risk_port_activity": "high_risk_port_sessions_cnt",
    "has_high_risk_segment_interaction": "high_risk_segment_sessions_cnt",
}
NOVEL = {
    "new_peer_cnt_lookback30d": "new_peer_cnt",
    "rare_peer_cnt_lookback30d": "rare_peer_cnt",
    "new_peer_ratio_lookback30d": "CASE WHEN peer_ip_nunique = 0 THEN 0 ELSE new_peer_cnt / peer_ip_nunique END",
    "new_dst_port_cnt_lookback30d": "new_port_cnt",
    "rare_dst_port_cnt_lookback30d": "rare_port_cnt",
    "new_pair_cnt_lookback30d": "new_peer_cnt",
    "new_src_dst_port_cnt_lookback30d": "new_pair_and_port_cnt",
}

CONTEXT = """
SELECT *, CASE WHEN is_working_hours = 1 AND is_weekend = 0 THEN 'working_hours' ELSE 'off_hours' END AS time_band,
       1 - greatest(is_working_hours, is_off_hours) AS is_night_hours
FROM (
    SELECT window_start_ts, window_end_ts, hour(local)::INTEGER AS hour_of_day,
        (hour(local) >= work_from AND hour(local) < work_to)::INTEGER AS is_working_hours,
        (hour(local) >= off_from AND hour(local) < off_to)::INTEGER AS is_off_hours,
        (isodow(local) IN (SELECT isodow FROM weekend_days))::INTEGER AS is_weekend
    FROM (SELECT *, window_start_ts AT TIME ZONE time_zone AS local FROM wins CROSS JOIN settings)
)
"""


def fg_a(con: duckdb.DuckDBPyConnection, windows: Windows) -> pa.Table:
    """One row per window of the run and host with an event in it."""
    con.execute("DROP TABLE IF EXISTS wins")
    bounds = [{"window_start_ts": window.start, "window_end_ts": window.end} for window in windows]
    times = pa.timestamp("us", "UTC")
    insert(
        con,
        "wins",
        pa.Table.from_pylist(bounds, pa.schema([("window_start_ts", times), ("window_end_ts", times)])),
    )
    con.execute(SCOPES)
    con.execute(SEEN)
    con.execute(f"CREATE OR REPLACE TEMP TABLE long AS {_long(con)}")
    return con.sql(_wide(con)).to_arrow_table()


def _long(con: duckdb.DuckDBPyConnection) -> str:
    """One row per host, window, label and role, one column per metric."""
    parts = {
        "sums": f"SELECT {KEY}, {', '.join(counts(con))} FROM scoped GROUP BY ALL",
        "busiest": BUSIEST_MINUTE,
        "peers": DISTINCT.format(key=KEY, column="peer_ip", name="peer_ip"),
        "ports": DISTINCT.format(key=KEY, column="dst_port", name="peer_port"),
        "segments": SEGMENTS,
        "peer_novelty": _novelty("peer", "peer_ip"),
        "port_novelty": _novelty("port", "dst_port"),
        "both_novelty": _novelty("pair_and_port", "peer_ip", "dst_port"),
    }
    ports = [f"{name}_port_sessions_cnt" for name in names(con, "SELECT DISTINCT name FROM port_sets")]
    added = [*COUNTS, *SUMS, *SPREAD.split(), *ports, "new_peer_cnt", "rare_peer_cnt", "new_port_cnt", "rare_port_cnt"]
    added.append("new_pair_and_port_cnt")
    metrics = [
        *(
            f"CASE WHEN {below} = 0 THEN 0 ELSE ({above}) / ({below}) END AS {name}"
            for name, (above, below) in DERIVED.items()
        ),
        *(f"({column} > 0)::INTEGER AS {name}" for name, column in FLAGS.items()),
        *(f"CASE WHEN has_history THEN {value} END AS {name}" for name, value in NOVEL.items()),
    ]
    return f"""
    WITH {", ".join(f"{name} AS ({query})" for name, query in parts.items())}, with_history AS ({WITH_HISTORY}),
    filled AS (
        SELECT {KEY}, h.host_ip IS NOT NULL AS has_history, {", ".join(f"coalesce({c}, 0) AS {c}" for c in added)}
        FROM subjects {" ".join(f"LEFT JOIN {name} USING ({KEY})" for name in parts)}
        LEFT JOIN (SELECT *, true AS found FROM with_history) h USING (host_ip, window_end_ts, label)
    )
    SELECT *, {", ".join(metrics)} FROM filled
    """


def _novelty(name: str, *columns: str) -> str:
    return NOVELTY.format(
        name=name,
        key=KEY,
        columns=", ".join(columns),
        present_key=", ".join(f"present.{column}" for column in KEY.split(", ")),
        present_columns=", ".join(f"present.{column}" for column in columns),
        same=" AND ".join(f"seen.{column} = present.{column}" for column in columns),
    )


def _wide(con: duckdb.DuckDBPyConnection) -> str:
    """One row per host and window, one column per feature."""
    metrics = names(con, "SELECT name FROM metrics ORDER BY position")
    labels = names(con, "SELECT label FROM window_labels ORDER BY slices")
    prefixes = names(con, "SELECT prefix FROM roles ORDER BY prefix")
    features = [
        f"{metric}_by_place[{1 + labels.index(label) * len(prefixes) + prefixes.index(prefix)}]::DOUBLE"
        f" AS {prefix}{metric}_{label}"
        for label in labels
        for prefix in prefixes
        for metric in metrics
    ]
    lists = [f"list({metric} ORDER BY slices, prefix) AS {metric}_by_place" for metric in metrics]
    return f"""
    WITH context AS ({CONTEXT}), listed AS (
        SELECT host_ip, window_end_ts, {", ".join(lists)}
        FROM long JOIN window_labels USING (label) JOIN roles USING (role) GROUP BY ALL
    ), wide AS (SELECT host_ip, window_end_ts, {", ".join(features)} FROM listed)
    SELECT host_ip, segment_id, time_band, wide.* EXCLUDE (host_ip, window_end_ts),
        hour_of_day, is_working_hours, is_off_hours, is_night_hours, is_weekend, window_start_ts, window_end_ts,
        strftime(window_start_ts AT TIME ZONE 'UTC', '%Y-%m-%d') AS date,
        strftime(window_start_ts AT TIME ZONE 'UTC', '%Y%m%dT%H%MZ') AS "window"
    FROM active JOIN context USING (window_start_ts, window_end_ts) JOIN wide USING (host_ip, window_end_ts)
    ORDER BY host_ip, window_end_ts
    """
