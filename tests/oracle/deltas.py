"""Slices: hosts, pairs and pair counts of one window each."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from .prepare import names

BOUNDS = """slice AS window_start_ts, slice + INTERVAL 15 MINUTES AS window_end_ts,
    strftime(slice AT TIME ZONE 'UTC', '%Y-%m-%d') AS date,
    strftime(slice AT TIME ZONE 'UTC', '%Y%m%dT%H%MZ') AS "window\""""

COUNTS = {
    "sessions_cnt": "is_traffic",
    "allow_cnt": "is_traffic AND is_allowed",
    "deny_cnt": "is_traffic AND is_denied",
    "drop_cnt": "is_traffic AND is_dropped",
    "alert_cnt": "is_alert",
    "rst_cnt": "is_traffic AND is_rst",
    "aged_out_cnt": "is_traffic AND is_aged_out",
    "zero_reply_cnt": "is_traffic AND is_zero_reply",
    "short_session_cnt": "is_traffic AND is_short",
    "tcp_cnt": "is_traffic AND protocol = 'tcp'",
    "udp_cnt": "is_traffic AND protocol = 'udp'",
    "icmp_cnt": "is_traffic AND protocol = 'icmp'",
    "threat_cnt": "event_type = 'THREAT'",
    "traffic_cnt": "is_traffic",
}
SUMS = {
    "bytes_src_sum": ("bytes_sent", "BIGINT"),
    "bytes_dst_sum": ("bytes_received", "BIGINT"),
    "packets_src_sum": ("packets_sent", "BIGINT"),
    "packets_dst_sum": ("packets_received", "BIGINT"),
    "duration_sum": ("duration_s", "DOUBLE"),
}
QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
QUANTILE_SOURCES = {"bytes_src": "bytes_sent", "bytes_dst": "bytes_received", "duration": "duration_s"}


def counts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The SQL of every count and sum over records, as `expression AS name`."""
    conditions = dict(COUNTS)
    for name in names(con, "SELECT DISTINCT name FROM port_sets ORDER BY name"):
        ports = f"(SELECT port FROM port_sets WHERE name = '{name}')"
        conditions[f"{name}_port_sessions_cnt"] = f"is_traffic AND dst_port IN {ports}"
    return [
        *(
            f"sum(CASE WHEN {condition} THEN repeat_count ELSE 0 END)::BIGINT AS {name}"
            for name, condition in conditions.items()
        ),
        *(f"coalesce(sum({column}) FILTER (is_traffic), 0)::{kind} AS {name}" for name, (column, kind) in SUMS.items()),
    ]


def delta_host(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per host, role and slice."""
    quantiles = [
        f"quantile_cont({column}::DOUBLE, {share}) FILTER (is_traffic) AS {source}_{name}"
        for source, column in QUANTILE_SOURCES.items()
        for name, share in QUANTILES.items()
    ]
    query = f"""
    WITH minutes AS (
        SELECT host_ip, role, slice, date_trunc('minute', end_ts) AS minute, sum(repeat_count) AS n
        FROM events WHERE is_traffic GROUP BY ALL
    ), busiest AS (
        SELECT host_ip, role, slice, max(n) AS n FROM minutes GROUP BY ALL
    ), sums AS (
        SELECT host_ip, role, segment_id, slice, {", ".join([*counts(con), *quantiles])}
        FROM events GROUP BY host_ip, role, segment_id, slice
    )
    SELECT sums.* EXCLUDE (slice), coalesce(busiest.n, 0)::BIGINT AS max_sessions_per_minute, {BOUNDS}
    FROM sums LEFT JOIN busiest USING (host_ip, role, slice)
    ORDER BY ALL
    """
    return con.sql(query).to_arrow_table()


PAIR = "host_ip, role, peer_ip, protocol, dst_port, slice"


def _most(word: str, table: str, weight: str, wanted: str) -> str:
    """The SQL of a query for the word of most weight in each pair slice; of as many, the first by name."""
    return f"""
        SELECT {PAIR}, {word} FROM (SELECT {PAIR}, {word}, sum({weight}) AS n FROM {table} WHERE {wanted} GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY {PAIR} ORDER BY n DESC, {word}) = 1
    """


def delta_pair(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per host, role, peer, protocol, service port and slice."""
    no_apps = "('incomplete', 'insufficient-data', 'not-applicable')"
    is_url = "NOT is_traffic AND domain IS NOT NULL AND (subtype = 'url' OR contains(url, '/'))"
    query = f"""
    WITH apps AS ({_most("app", "events", "repeat_count", f"is_traffic AND app NOT IN {no_apps}")}),
    threats AS (
        SELECT {PAIR}, max(list_position(['informational', 'low', 'medium', 'high', 'critical'], severity)) AS severity
        FROM events WHERE NOT is_traffic AND coalesce(subtype, '') NOT IN ('url', 'file', 'data') GROUP BY ALL
    ),
    sites AS ({_most("domain", "events JOIN domains USING (url)", "1", is_url)}),
    stepped AS (
        SELECT *, (epoch_us(start_ts) - lag(epoch_us(start_ts)) OVER (
            PARTITION BY host_ip, role, peer_ip, protocol, dst_port, slice ORDER BY start_ts
        )) / 1e6 AS gap
        FROM events WHERE is_traffic
    )
    SELECT host_ip, role, peer_ip, protocol, dst_port::INTEGER AS peer_port, segment_id, peer_segment_id,
        any_value(apps.app) AS app, any_value(sites.domain) AS domain,
        any_value(threats.severity) AS threat_severity,
        sum(repeat_count)::BIGINT AS sessions_cnt,
        sum(CASE WHEN is_failed THEN repeat_count ELSE 0 END)::BIGINT AS failed_cnt,
        coalesce(sum(bytes_sent), 0)::BIGINT AS bytes_src_sum,
        coalesce(sum(bytes_received), 0)::BIGINT AS bytes_dst_sum,
        coalesce(sum(duration_s), 0)::DOUBLE AS duration_sum,
        min(start_ts) AS first_ts, max(start_ts) AS last_ts, max(end_ts) AS last_end_ts,
        coalesce(sum(gap), 0)::DOUBLE AS gap_sum_s, coalesce(sum(gap * gap), 0)::DOUBLE AS gap_sq_sum_s,
        {BOUNDS}
    FROM stepped
    LEFT JOIN apps USING ({PAIR}) LEFT JOIN sites USING ({PAIR})
    LEFT JOIN threats USING ({PAIR})
    GROUP BY host_ip, role, peer_ip, protocol, dst_port, segment_id, peer_segment_id, slice
    ORDER BY ALL
    """
    return con.sql(query).to_arrow_table()


def pair_counts(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per source, destination, service port and slice, of every session that has an internal end."""
    query = f"""
    SELECT src_ip, dst_ip, dst_port::INTEGER AS dst_port, src_segment AS segment_id,
        sum(repeat_count)::BIGINT AS sessions_cnt, max(end_ts) AS event_ts, {BOUNDS}
    FROM placed
    WHERE event_type = 'TRAFFIC' AND (src_internal OR dst_internal)
    GROUP BY src_ip, dst_ip, dst_port, src_segment, slice
    ORDER BY ALL
    """
    return con.sql(query).to_arrow_table()
