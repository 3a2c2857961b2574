"""Rows for tests: sessions, FG-A rows and pair counts as a base row with overrides, edge cases, and random tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa

from common.config.project import ProjectParameters
from common.contracts import tables
from common.contracts.session import PARSED_SCHEMA
from common.contracts.types import Table
from common.features.spec import FeatureSpec, load_spec
from common.windows import Windows
from tests.types import Row

_numbers: Iterator[int] = count(1)

SPEC = load_spec("v1")

WINDOW = Windows.parse("2026-03-10T13:08Z")
"""The window in which the base row ends, a Tuesday."""


def utc(text: str) -> datetime:
    """The UTC time of a text such as `2026-03-10T13:08:00.000001`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def session(**overrides: Any) -> Row:
    """A row of a canonical session: 10 s of HTTPS from 10.1.1.10 to 198.51.100.7 that end at 13:15 UTC.

    Times may be texts in UTC. Of start, end and duration, what is not given follows from the others. Session id and
    sequence number differ from row to row, so that no two rows are duplicates by accident.
    """
    number = next(_numbers)
    row: Row = {
        "event_type": "TRAFFIC",
        "subtype": "end",
        "end_ts": "2026-03-10T13:15:00",
        "duration_s": 10.0,
        "src_ip": "10.1.1.10",
        "src_port": 50000,
        "dst_ip": "198.51.100.7",
        "dst_port": 443,
        "protocol": "tcp",
        "bytes_sent": 1000,
        "bytes_received": 4000,
        "packets_sent": 10,
        "packets_received": 20,
        "action": "allow",
        "session_end_reason": "tcp-fin",
        "app": "ssl",
        "rule": "outbound-web",
        "src_zone": "trust",
        "dst_zone": "untrust",
        "src_user": None,
        "session_id": str(number),
        "device_serial": "007200001",
        "sequence_number": number,
        "repeat_count": 1,
        "threat_id": None,
        "severity": None,
        "url": None,
        "virtual_system": None,
        "source_file": "made-up.csv",
        "source_line": number,
        "status": "kept",
    }
    if unknown := set(overrides) - {"start_ts"} - set(row):
        raise TypeError(f"a session has no {sorted(unknown)}")
    row |= overrides
    row |= {name: utc(row[name]) for name in ("start_ts", "end_ts") if isinstance(row.get(name), str)}
    if "start_ts" not in overrides:
        row["start_ts"] = row["end_ts"] - timedelta(seconds=row["duration_s"] or 0)
    elif row["start_ts"] is not None and "end_ts" not in overrides:
        row["end_ts"] = row["start_ts"] + timedelta(seconds=row["duration_s"] or 0)
    elif row["start_ts"] is not None and "duration_s" not in overrides:
        row["duration_s"] = (row["end_ts"] - row["start_ts"]) / timedelta(seconds=1)
    return row


def threat(**overrides: Any) -> Row:
    """A row of a THREAT record with action alert, which has no start, duration, bytes or packets."""
    absent = ("start_ts", "duration_s", "bytes_sent", "bytes_received", "packets_sent", "packets_received")
    base = {
        "event_type": "THREAT",
        "subtype": "vulnerability",
        "action": "alert",
        "session_end_reason": None,
        "threat_id": "Made-up(30001)",
        "severity": "medium",
    }
    return session(**{**base, **dict.fromkeys(absent), **overrides})


def sessions(*rows: Mapping[str, Any]) -> pa.Table:
    """The rows as a table of parsed sessions."""
    return pa.Table.from_pylist([dict(row) for row in rows], PARSED_SCHEMA)


EDGE_PROJECT = ProjectParameters(
    time_zone="America/New_York",
    internal_cidrs=("10.0.0.0/8", "192.168.0.0/16", "fd00::/8"),
    segments={
        "10.9.0.0/16": "servers",
        "10.9.8.0/24": "vault",
        "192.168.7.0/25": "lab",
        "fd00:9::/32": "servers-v6",
        "203.0.113.0/24": "partner",
    },
    high_risk_segments=("vault", "lab", "203.0.112.0/24"),
)
"""The project of the edge cases: nested segments of both versions, one of them outside; 172.16.0.0/12 is external."""

EDGE_WINDOWS = Windows.parse("2026-03-07T13:08Z/2026-03-10T13:38Z")
"""The windows in which the edge cases without history end: Saturday to Tuesday."""


def edge_case_sessions() -> pa.Table:
    """The edge cases of `tests.oracle.edge_cases`, all in one table."""
    from tests.oracle.edge_cases import edge_case_rows

    return sessions(*edge_case_rows())


def random_sessions(rows: int, seed: int, first: str = "2026-03-09T00:00:00", hours: float = 48) -> pa.Table:
    """Random sessions among few addresses, ports and instants, so that ties, repeats and both roles are common."""
    dice = random.Random(seed)
    inside = [f"10.{net}.{sub}.{host}" for net in (1, 9) for sub in (1, 8) for host in (10, 11, 12)]
    inside += ["fd00:1::10", "fd00:9::11", "192.168.7.5"]
    outside = ["198.51.100.7", "198.51.100.8", "203.0.113.9", "172.16.1.1", "2001:db8::1"]
    made = []
    for _ in range(rows):
        end = utc(first) + timedelta(
            seconds=dice.randrange(round(hours * 3600)), microseconds=dice.choice((0, 1, 999_999))
        )
        source = dice.choice(inside + outside[:2])
        target = dice.choice(inside + outside if source in inside else inside)
        if dice.random() < 0.05:
            made.append(threat(end_ts=end, src_ip=source, dst_ip=target, action=dice.choice(("alert", "reset-both"))))
            continue
        protocol = dice.choice(("tcp", "tcp", "tcp", "udp", "icmp", "other"))
        made.append(
            session(
                end_ts=end,
                duration_s=dice.choice((0.0, 0.5, 1.0, 30.0, 3600.0)),
                src_ip=source,
                dst_ip=target,
                dst_port=0 if protocol == "icmp" else dice.choice((22, 53, 443, 445, 1433, 3389, 8080)),
                protocol=protocol,
                bytes_sent=dice.choice((None, 0, 60, 1500, 10**9)),
                bytes_received=dice.choice((None, 0, 60, 4000)),
                packets_sent=dice.choice((None, 0, 1, 9)),
                packets_received=dice.choice((None, 0, 1, 9)),
                action=dice.choice(("allow", "allow", "allow", "deny", "drop", "drop-icmp", "reset-both", None)),
                session_end_reason=dice.choice(("tcp-fin", "aged-out", "tcp-rst-from-client", "policy-deny", None)),
                app=dice.choice(("ssl", "incomplete", None)),
                repeat_count=dice.choice((1, 1, 1, 5)),
            )
        )
    return sessions(*made)


def fg_a_row(spec: FeatureSpec, window: str = "2026-03-09T13:08Z", **overrides: Any) -> Row:
    """A row of FG-A: a host in its /24 that did nothing in working hours, but has a history."""
    return {
        "host_ip": "10.1.1.10",
        "segment_id": "10.1.1.0/24",
        "time_band": "working_hours",
        **dict.fromkeys(spec.fg_a_features(), 0),
        **window_columns(Windows.parse(window)),
        **overrides,
    }


def fg_a_table(spec: FeatureSpec, *rows: Mapping[str, Any]) -> pa.Table:
    """The rows as a table of FG-A."""
    return pa.Table.from_pylist([dict(row) for row in rows], tables(spec)["fg_a"].arrow)


def pair_counts_row(window: str = "2026-03-09T13:08Z", **overrides: Any) -> Row:
    """A row of the pair counts: one session of HTTPS that ends when the window starts."""
    return {
        "src_ip": "10.1.1.10",
        "dst_ip": "198.51.100.7",
        "dst_port": 443,
        "segment_id": "10.1.1.0/24",
        "sessions_cnt": 1,
        "event_ts": Windows.parse(window).start,
        **window_columns(Windows.parse(window)),
        **overrides,
    }


def pair_counts_table(spec: FeatureSpec, *rows: Mapping[str, Any]) -> pa.Table:
    """The rows as a table of pair counts."""
    return pa.Table.from_pylist([dict(row) for row in rows], tables(spec)["pair_counts"].arrow)


def random_fg_a(spec: FeatureSpec, windows: Windows, seed: int, hosts: int = 8) -> pa.Table:
    """Random FG-A rows of hosts in three segments, some rarely active: ties, constants, outliers and nulls."""
    dice = random.Random(seed)
    rows = []
    for window in windows:
        for number in range(hosts):
            if dice.random() < (0.9 if number % 4 else 0.05):
                name = f"10.1.{number % 3}.{number}"
                band = "working_hours" if 7 <= window.start.hour < 17 else "off_hours"
                row = fg_a_row(spec, str(window), host_ip=name, segment_id=f"10.1.{number % 3}.0/24", time_band=band)
                rows.append(row | {feature: _random_value(dice, feature) for feature in spec.fg_a_features()})
    return fg_a_table(spec, *rows)


def _random_value(dice: random.Random, feature: str) -> float | None:
    if "lookback30d" in feature and dice.random() < 0.3:
        return None
    if "ratio" in feature or "share" in feature:
        return dice.choice((-0.5, 0.0, 0.25, 1.0) if "asymmetry" in feature else (0.0, 0.25, 1.0))
    if "bytes" in feature or "duration" in feature:
        return dice.choice((0.0, dice.random() * 1e6, 1e6, 1e6)) if dice.random() > 0.002 else 1e12
    return float(dice.choice((0, 1, 2, 3, 5))) if dice.random() > 0.002 else 5000.0


def table_row(table: Table, window: Windows, **overrides: Any) -> Row:
    """A row of any table in the window: numbers are 0, flags false, texts `x`, and times the start of the window."""
    values = {"string": "x", "boolean": False, "timestamp": window.start}
    row = {column.name: values.get(column.type, 0) for column in table.columns} | window_columns(window)
    return {name: value for name, value in row.items() if name in table.column_names} | overrides


def window_columns(window: Windows) -> Row:
    """The columns of every table that say which window a row is of."""
    return {
        "window_start_ts": window.start,
        "window_end_ts": window.end,
        "date": f"{window.start:%Y-%m-%d}",
        "window": window.key,
    }
