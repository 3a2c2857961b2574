"""A database of counted sessions: duplicates and start logs left out, windows, roles and segments assigned.

Views and tables that the other modules query:

- `placed`: one row per counted record, with its window (`slice`), and whether and in which segment its ends are.
- `events`: one row per record and role of an internal host, with the conditions that the counts are made of.
- `window_labels`, `roles`, `port_sets`, `metrics`, `high_risk_segments`, `settings`: the specification and the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
from publicsuffixlist import PublicSuffixList

from common.config.project import ProjectParameters
from common.features.spec import FeatureSpec
from common.windows import Windows

COUNTED = """
CREATE TABLE counted AS
SELECT * EXCLUDE (copy) FROM (
    SELECT *, row_number() OVER (
        PARTITION BY device_serial, session_id, start_ts, event_type, subtype, sequence_number
        ORDER BY source_file, source_line
    ) AS copy
    FROM sessions
    WHERE status <> 'uncounted' AND NOT (event_type = 'TRAFFIC' AND coalesce(subtype, '') = 'start')
)
WHERE copy = 1 OR (sequence_number IS NULL AND (event_type = 'THREAT' OR coalesce(session_id, '0') = '0'))
"""

SUFFIXES = PublicSuffixList(accept_unknown=False)

SLICE = "time_bucket(INTERVAL 15 MINUTES, end_ts, TIMESTAMPTZ '2000-01-01 00:08:00+00')"

PLACED = """
CREATE TABLE placed AS
SELECT counted.*, {slice} AS slice,
       s.internal AS src_internal, s.segment_id AS src_segment, d.internal AS dst_internal, d.segment_id AS dst_segment
FROM counted
JOIN addresses s ON s.ip = src_ip
JOIN addresses d ON d.ip = dst_ip
WHERE {wanted}
"""

EVENTS = """
CREATE VIEW events AS
WITH both_roles AS (
    SELECT 'outbound' AS role, src_ip AS host_ip, dst_ip AS peer_ip, src_segment AS segment_id,
           dst_segment AS peer_segment_id, *
    FROM placed WHERE src_internal
    UNION ALL
    SELECT 'inbound', dst_ip, src_ip, dst_segment, src_segment, *
    FROM placed WHERE dst_internal
)
SELECT *,
    event_type = 'TRAFFIC' AS is_traffic,
    coalesce(action = 'allow', false) AS is_allowed,
    coalesce(action = 'deny' OR action LIKE 'drop%' OR action LIKE 'reset%', false) AS is_denied,
    coalesce(action LIKE 'drop%', false) AS is_dropped,
    coalesce(action = 'alert', false) AS is_alert,
    coalesce(session_end_reason LIKE 'tcp-rst-%', false) AS is_rst,
    coalesce(session_end_reason = 'aged-out', false) AS is_aged_out,
    coalesce(bytes_received = 0 OR (bytes_received IS NULL AND packets_received = 0), false) AS is_zero_reply,
    coalesce(duration_s < (SELECT short_session_seconds FROM settings), false) AS is_short,
    is_denied OR coalesce(action LIKE 'deny%', false) OR is_rst OR is_zero_reply
        OR coalesce(app = 'incomplete', false) AS is_failed
FROM both_roles
"""


def prepare(
    sessions: pa.Table, spec: FeatureSpec, project: ProjectParameters, windows: Windows | None
) -> duckdb.DuckDBPyConnection:
    """A connection to the counted sessions.

    Every session goes to the window in which it ends. With a range, those that end outside it are left out. A single
    window takes the sessions as its mini-batch, and leaves out those that end outside it by more than the lateness.
    """
    con = constants(spec, project)
    insert(con, "sessions", sessions)
    addresses = {ip for column in ("src_ip", "dst_ip") for ip in sessions[column].to_pylist()}
    con.execute("CREATE TABLE addresses (ip VARCHAR, internal BOOLEAN, segment_id VARCHAR)")
    fill(con, "addresses", [(ip, _is_internal(ip, project), _segment(ip, project)) for ip in addresses])
    con.execute("CREATE TABLE domains (url VARCHAR, domain VARCHAR)")
    fill(con, "domains", [(url, _domain(url)) for url in set(sessions["url"].to_pylist()) if url])
    con.execute(COUNTED)
    con.execute(_placed(project, windows))
    con.execute(EVENTS)
    return con


def _placed(project: ProjectParameters, windows: Windows | None) -> str:
    if windows is None:
        return PLACED.format(slice=SLICE, wanted="true")
    first, end = moment(windows.start), moment(windows.end)
    if len(windows) > 1:
        return PLACED.format(slice=SLICE, wanted=f"end_ts >= {first} AND end_ts < {end}")
    lateness = f"INTERVAL ({round(project.allowed_lateness_minutes * 60_000_000)}) MICROSECONDS"
    return PLACED.format(slice=first, wanted=f"end_ts >= {first} - {lateness} AND end_ts <= {end} + {lateness}")


def constants(spec: FeatureSpec, project: ProjectParameters) -> duckdb.DuckDBPyConnection:
    """An in-memory database, in UTC, that holds the constants of the specification and the project."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET threads = 1")
    con.execute("CREATE TABLE window_labels (label VARCHAR, slices BIGINT)")
    fill(con, "window_labels", spec.window_labels.items())
    con.execute("CREATE TABLE roles (role VARCHAR, prefix VARCHAR)")
    fill(con, "roles", spec.roles.items())
    con.execute("CREATE TABLE port_sets (name VARCHAR, port INTEGER)")
    fill(con, "port_sets", [(name, port) for name, ports in spec.port_sets.items() for port in ports])
    con.execute("CREATE TABLE metrics (position INTEGER, name VARCHAR, floor_constant DOUBLE, floor_share DOUBLE)")
    floors = [spec.floors[metric.kind] for metric in spec.metrics]
    fill(
        con,
        "metrics",
        [
            (position, metric.name, floor.constant, floor.median_share)
            for position, (metric, floor) in enumerate(zip(spec.metrics, floors, strict=True))
        ],
    )
    con.execute("CREATE TABLE high_risk_segments (segment_id VARCHAR)")
    fill(con, "high_risk_segments", [(name,) for name in project.high_risk_segments])
    con.execute("CREATE TABLE weekend_days (isodow INTEGER)")
    fill(con, "weekend_days", [(day,) for day in project.weekend_days])
    settings = {
        "version": spec.version,
        "short_session_seconds": float(spec.short_session_seconds),
        "lookback_days": spec.lookback_days,
        "rare_days": spec.rare_days,
        "time_zone": project.time_zone,
        "work_from": project.working_hours[0],
        "work_to": project.working_hours[1],
        "off_from": project.off_hours[0],
        "off_to": project.off_hours[1],
    }
    insert(con, "settings", pa.Table.from_pylist([settings]))
    return con


def insert(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """Copies the Arrow table into a new table of the database."""
    con.register("arriving", table)
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM arriving")
    con.unregister("arriving")


def fill(con: duckdb.DuckDBPyConnection, name: str, rows: Iterable[Sequence[Any]]) -> None:
    """Inserts the rows, of which there may be none."""
    if rows := [tuple(row) for row in rows]:
        con.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' for _ in rows[0])})", rows)


def moment(value: Any) -> str:
    """The SQL literal of a time that carries a zone."""
    return f"TIMESTAMPTZ '{value.isoformat()}'"


def names(con: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """The first column of the query's result."""
    return [row[0] for row in con.execute(query).fetchall()]


def _is_internal(ip: str, project: ProjectParameters) -> bool:
    address = ip_address(ip)
    return any(address in ip_network(cidr) for cidr in project.internal_cidrs)


def _domain(url: str) -> str | None:
    """The registered domain of a URL, by a parser of URLs."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    host = host.removesuffix(".")
    if len(host) > 253 or not host.rpartition(".")[2].isalpha():
        return None
    return SUFFIXES.privatesuffix(host)


def _segment(ip: str, project: ProjectParameters) -> str:
    address = ip_address(ip)
    matching = [ip_network(prefix) for prefix in project.segments if address in ip_network(prefix)]
    if matching:
        longest = max(matching, key=lambda network: network.prefixlen)
        return next(name for prefix, name in project.segments.items() if ip_network(prefix) == longest)
    length = 24 if address.version == 4 else 64
    return str(ip_network(f"{address}/{length}", strict=False))
