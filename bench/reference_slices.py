"""Host slices, pair slices and pair counts of one window in DuckDB SQL; the sessions have no URLs."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from common.contracts import QUANTILE_SOURCES, QUANTILES
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.contracts.window_columns import TIMESTAMP
from common.features.spec import FeatureSpec
from common.windows import Windows

DENIED = "(action = 'deny' OR action ^@ 'drop' OR action ^@ 'reset')"
RESET = "session_end_reason ^@ 'tcp-rst'"
NO_REPLY = "(bytes_received = 0 OR (bytes_received IS NULL AND packets_received = 0))"
FAILED = f"({DENIED} OR {RESET} OR {NO_REPLY} OR app = 'incomplete')"
SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    TIMESTAMP: "TIMESTAMPTZ",
}
HOST_COLUMN = {"outbound": "src_ip", "inbound": "dst_ip"}
DUPLICATES = """
SELECT count(*) - count(DISTINCT hash(device_serial, session_id, start_ts, event_type, subtype, sequence_number))
FROM sessions
"""
SERVICES = f"""
CREATE TEMP TABLE services AS
WITH named AS (
    SELECT src_ip, dst_ip, protocol, dst_port, app, sum(repeat_count)::BIGINT AS sessions
    FROM sessions WHERE app NOT IN ('incomplete', 'insufficient-data', 'not-applicable') GROUP BY ALL
), apps AS (
    SELECT src_ip, dst_ip, protocol, dst_port, arg_min(app, (-sessions, app)) AS app FROM named GROUP BY ALL
), grouped AS (
    SELECT src_ip, dst_ip, protocol, dst_port, sum(repeat_count)::BIGINT AS sessions_cnt,
        coalesce(sum(repeat_count) FILTER ({FAILED}), 0)::BIGINT AS failed_cnt,
        coalesce(sum(bytes_sent), 0)::BIGINT AS bytes_src_sum,
        coalesce(sum(bytes_received), 0)::BIGINT AS bytes_dst_sum,
        coalesce(sum(duration_s), 0) AS duration_sum,
        min(start_ts) AS first_ts, max(start_ts) AS last_ts, max(end_ts) AS last_end_ts,
        list_sort(list(epoch_us(start_ts))) AS starts
    FROM sessions GROUP BY ALL
)
SELECT * EXCLUDE (starts), (epoch_us(last_ts) - epoch_us(first_ts)) / 1e6 AS gap_sum_s,
    coalesce(list_sum(
        list_transform(list_zip(starts[2:], starts[:-2]), lambda pair: ((pair[1] - pair[2]) / 1e6) ** 2)
    ), 0) AS gap_sq_sum_s,
    {{src_internal}} AS src_internal, {{dst_internal}} AS dst_internal,
    {{src_segment}} AS src_segment, {{dst_segment}} AS dst_segment
FROM grouped LEFT JOIN apps USING (src_ip, dst_ip, protocol, dst_port)
"""
DELTA_PAIR = """
CREATE TEMP TABLE delta_pair AS
WITH shared AS (
    SELECT *, dst_port AS peer_port, {bounds} FROM services
)
SELECT src_ip AS host_ip, 'outbound' AS role, dst_ip AS peer_ip, src_segment AS segment_id,
    dst_segment AS peer_segment_id, {columns} FROM shared WHERE src_internal
UNION ALL
SELECT dst_ip, 'inbound', src_ip, dst_segment, src_segment, {columns} FROM shared WHERE dst_internal
"""
PAIR_COLUMNS = (
    "protocol, peer_port, app, NULL::VARCHAR AS domain, NULL::INTEGER AS threat_severity, sessions_cnt, failed_cnt, "
    "bytes_src_sum, bytes_dst_sum, duration_sum, first_ts, last_ts, last_end_ts, gap_sum_s, gap_sq_sum_s, "
    'window_start_ts, window_end_ts, date, "window"'
)
PAIR_COUNTS = """
SELECT src_ip, dst_ip, dst_port, any_value(src_segment) AS segment_id, sum(sessions_cnt)::BIGINT AS sessions_cnt,
    max(last_end_ts) AS event_ts, {bounds}
FROM services WHERE src_internal OR dst_internal GROUP BY src_ip, dst_ip, dst_port
"""


def kept(files: str, present: Collection[str], window: Windows) -> str:
    """All columns of the sessions of Parquet files, null where these lack them, and where each session is from."""
    columns = (
        name if name in present else f"NULL::{SQL_TYPES[kind]} AS {name}"
        for name, kind in ((field.name, field.type) for field in arrow_schema(SESSION_COLUMNS))
    )
    return f"""
    SELECT {", ".join(columns)}, filename AS source_file, file_row_number + 1 AS source_line,
        '{window.start:%Y-%m-%d}' AS date, '{window.key}' AS "window"
    FROM read_parquet('{files}', filename = true, file_row_number = true)
    """


def internal(address: str) -> str:
    """Whether an address is internal in the default project."""
    private = " OR ".join(f"{address} ^@ '{prefix}'" for prefix in ("10.", "192.168.", "fc", "fd"))
    return f"({private} OR ({address} ^@ '172.' AND split_part({address}, '.', 2)::INTEGER BETWEEN 16 AND 31))"


def segment(address: str) -> str:
    """The /24 of an IPv4 address."""
    return f"regexp_replace({address}, '[0-9]+$', '0/24')"


def bounds(window: Windows) -> str:
    """The window columns."""
    return (
        f"TIMESTAMPTZ '{window.start}' AS window_start_ts, TIMESTAMPTZ '{window.end}' AS window_end_ts, "
        f"'{window.start:%Y-%m-%d}' AS date, '{window.key}' AS \"window\""
    )


def delta_host(spec: FeatureSpec, window: Windows, role: str) -> str:
    """The host slices of a role."""
    host = HOST_COLUMN[role]
    sums = {
        metric.name: f"sum(repeat_count) FILTER ({metric.sum})" if metric.counts else f"sum({metric.sum})"
        for metric in spec.sums
    }
    types = dict.fromkeys(sums, "BIGINT") | {"duration_sum": "DOUBLE"}
    shares = list(QUANTILES.values())
    quantiles = [f"quantile_cont({column}::DOUBLE, {shares}) AS {name}" for name, column in QUANTILE_SOURCES.items()]
    listed = [f"{source}[{n}] AS {source}_{name}" for source in QUANTILE_SOURCES for n, name in enumerate(QUANTILES, 1)]
    listing = ", ".join(f"coalesce({value}, 0)::{types[name]} AS {name}" for name, value in sums.items())
    return f"""
    WITH inside AS (SELECT *, {host} AS host_ip FROM sessions WHERE {internal(host)}),
    summed AS (SELECT host_ip, {listing}, {", ".join(quantiles)} FROM inside GROUP BY host_ip),
    minutes AS (
        SELECT host_ip, epoch_us(end_ts) // 60000000 AS minute, sum(repeat_count) AS sessions FROM inside GROUP BY ALL
    ), busiest AS (SELECT host_ip, max(sessions)::BIGINT AS max_sessions_per_minute FROM minutes GROUP BY host_ip)
    SELECT host_ip, '{role}' AS role, {segment("host_ip")} AS segment_id, {", ".join(sums)},
        max_sessions_per_minute, {", ".join(listed)}, {bounds(window)}
    FROM summed JOIN busiest USING (host_ip)
    """
