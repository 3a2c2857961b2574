"""FG-A of one window in DuckDB SQL, from the slices of the last 24 hours and the days of pair history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bench.reference_slices import bounds
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, partition_key

PEAK = "max_sessions_per_minute"
DERIVED = {
    "duration_mean": "duration_sum{i} / sessions_cnt{i}",
    "deny_ratio": "deny_cnt{i} / sessions_cnt{i}",
    "bytes_asymmetry_ratio": "(bytes_src_sum{i} - bytes_dst_sum{i}) / (bytes_src_sum{i} + bytes_dst_sum{i})",
    "transport_tcp_ratio": "tcp_cnt{i} / sessions_cnt{i}",
    "transport_udp_ratio": "udp_cnt{i} / sessions_cnt{i}",
    "transport_icmp_ratio": "icmp_cnt{i} / sessions_cnt{i}",
    "has_high_risk_port_activity": "(high_risk_port_sessions_cnt{i} > 0)::INTEGER",
}
NOVEL = {
    "new_peer_cnt_lookback30d": "peer_new{i}",
    "rare_peer_cnt_lookback30d": "peer_rare{i}",
    "new_peer_ratio_lookback30d": "coalesce(peer_new{i} / peer_ip_nunique{i}, 0)",
    "new_dst_port_cnt_lookback30d": "port_new{i}",
    "rare_dst_port_cnt_lookback30d": "port_rare{i}",
    "new_pair_cnt_lookback30d": "peer_new{i}",
    "new_src_dst_port_cnt_lookback30d": "service_new{i}",
}


@dataclass(frozen=True)
class Axis:
    """The look-backs of a window: the first slice of each label, and days as bits from the history's first day."""

    spec: FeatureSpec
    window: Windows

    @property
    def origin(self) -> datetime:
        return self.window.end - self.spec.longest * WINDOW

    @property
    def first_day(self) -> date:
        return self.origin.date() - timedelta(days=self.spec.lookback_days)

    def starts(self) -> list[datetime]:
        return [self.window.end - slices * WINDOW for slices in self.spec.window_labels.values()]

    def bit(self, day: date) -> int:
        return 1 << (day - self.first_day).days

    def slice_days(self) -> list[date]:
        return sorted({self.origin.date(), self.window.start.date()})

    def reach(self, start: datetime) -> int:
        """The bit mask of the days before a look-back's start that count for novelty."""
        oldest = start.date() - timedelta(days=self.spec.lookback_days)
        return ~(self.bit(oldest) - 1)


def fg_a_steps(spec: FeatureSpec, lake: Lake, window: Windows) -> Iterator[tuple[str, str]]:
    """The statements that compute FG-A, by name; the last, `fg_a`, is the query of its rows."""
    axis = Axis(spec, window)
    labels = range(len(spec.window_labels))
    sums = ", ".join(f"sum(s{i}) AS s{i}, sum(b{i}) AS b{i}, bit_or(m{i}) AS m{i}" for i in labels)
    queries = {
        "active": "SELECT DISTINCT host_ip, segment_id FROM delta_host",
        "stretches": _stretches(axis, lake),
        "keyed": _keyed(axis),
        "peers": f"SELECT host_ip, inbound, peer_ip, any_value(segment) AS segment, {sums} FROM keyed GROUP BY ALL",
        "ports": f"SELECT host_ip, inbound, peer_port, {sums} FROM keyed GROUP BY ALL",
        "segments": f"SELECT host_ip, inbound, segment, {sums} FROM peers GROUP BY ALL",
        "owners": _owners(axis, lake),
    }
    for name, query in queries.items():
        yield name, f"CREATE TEMP TABLE {name} AS {query}"
    yield "fg_a", _wide(spec, window)


def _scan(lake: Lake, table: str, columns: str, where: str) -> str:
    return (
        f"SELECT {columns} FROM read_parquet('{lake.location(table)}/*=*/**/*.parquet', hive_partitioning = true, "
        f"hive_types_autocast = false) WHERE {where}"
    )


def _history(axis: Axis) -> str:
    """The condition for slices before the window."""
    days = f"date >= '{axis.origin:%Y-%m-%d}' AND date <= '{axis.window.start:%Y-%m-%d}'"
    return f"{days} AND \"window\" >= '{partition_key(axis.origin)}' AND \"window\" < '{axis.window.key}'"


def _stretches(axis: Axis, lake: Lake) -> str:
    """One row per host, role, peer, port and stretch: the shortest look-back that contains it, last the history.

    Grouping by stretch first takes half the time of conditional sums over all slices.
    """
    keys = [partition_key(start) for start in axis.starts()]
    stretch = " ".join(f"WHEN \"window\" >= '{key}' THEN {i}" for i, key in enumerate(keys))
    bits = " ".join(f"WHEN '{day}' THEN {axis.bit(day)}" for day in axis.slice_days())
    named = "host_ip, role = 'inbound' AS inbound, peer_ip, peer_port"
    slices = (
        f"{named}, peer_segment_id AS segment, CASE {stretch} END AS stretch, sessions_cnt::DOUBLE AS s, "
        f"(bytes_src_sum + bytes_dst_sum)::DOUBLE AS b, CASE date {bits} END AS bit"
    )
    past = f"1::BIGINT << (date::DATE - DATE '{axis.first_day}') AS bit"
    days = f"{named}, NULL AS segment, {len(keys)} AS stretch, 0::DOUBLE AS s, 0::DOUBLE AS b, {past}"
    within = (
        f"date >= '{axis.first_day}' AND date <= '{axis.origin:%Y-%m-%d}' "
        f"AND first_slice_ts < TIMESTAMPTZ '{axis.origin:%Y-%m-%d %H:%M:%S+00}'"
    )
    sources = (
        _scan(lake, "delta_pair", slices, _history(axis)),
        f"SELECT {slices} FROM delta_pair",
        _scan(lake, "pair_days", days, within),
    )
    key = "host_ip, inbound, peer_ip, peer_port, stretch"
    return f"""
    SELECT {key}, any_value(segment) AS segment, sum(s) AS s, sum(b) AS b, bit_or(bit) AS bit
    FROM ({" UNION ALL ".join(sources)}) SEMI JOIN active USING (host_ip) GROUP BY {key}
    """


def _keyed(axis: Axis) -> str:
    """One row per host, role, peer and port: sessions, bytes and bit mask of earlier days for each look-back."""
    per_label = ", ".join(
        f"sum(CASE WHEN stretch <= {i} THEN s ELSE 0 END) AS s{i}, "
        f"sum(CASE WHEN stretch <= {i} THEN b ELSE 0 END) AS b{i}, "
        f"bit_or(CASE WHEN stretch > {i} THEN bit ELSE 0 END) & {axis.reach(start)} AS m{i}"
        for i, start in enumerate(axis.starts())
    )
    key = "host_ip, inbound, peer_ip, peer_port"
    return f"SELECT {key}, any_value(segment) AS segment, {per_label} FROM stretches GROUP BY {key}"


def _owners(axis: Axis, lake: Lake) -> str:
    """One row per host and role, with a column per metric and label."""
    spec = axis.spec
    labels = range(len(spec.window_labels))
    added = [metric.name for metric in spec.sums if metric.feature]
    base = ", ".join(
        f"coalesce(sum({name}) FILTER (\"window\" >= '{partition_key(start)}'), 0) AS {name}{i}"
        for i, start in enumerate(axis.starts())
        for name in added
    )
    peaks = ", ".join(
        f"coalesce(max({PEAK}) FILTER (\"window\" >= '{partition_key(start)}'), 0) AS {PEAK}{i}"
        for i, start in enumerate(axis.starts())
    )
    segments = ", ".join(f"count(*) FILTER (s{i} > 0) AS peer_segment_nunique{i}" for i in labels)
    services = ", ".join(f"count(*) FILTER (s{i} > 0 AND m{i} = 0) AS service_new{i}" for i in labels)
    known = ", ".join(f"bool_or(m{i} <> 0) AS known{i}" for i in labels)
    return f"""
    WITH slices AS (
        {_scan(lake, "delta_host", "*", _history(axis))} UNION ALL BY NAME SELECT * FROM delta_host
    ), base AS (
        SELECT host_ip, role = 'inbound' AS inbound, {base}, {peaks} FROM slices GROUP BY ALL
    ), by_peer AS ({_spread("peers", "peer", "peer_ip", labels, spec.rare_days)}),
    by_port AS ({_spread("ports", "port", "peer_port", labels, spec.rare_days)}),
    by_segment AS (SELECT host_ip, inbound, {segments} FROM segments GROUP BY ALL),
    by_service AS (SELECT host_ip, inbound, {services} FROM keyed GROUP BY ALL),
    known AS (SELECT host_ip, {known} FROM peers GROUP BY ALL)
    SELECT * FROM active CROSS JOIN (VALUES (false), (true)) AS roles (inbound)
    LEFT JOIN base USING (host_ip, inbound) LEFT JOIN by_peer USING (host_ip, inbound)
    LEFT JOIN by_port USING (host_ip, inbound) LEFT JOIN by_segment USING (host_ip, inbound)
    LEFT JOIN by_service USING (host_ip, inbound)
    LEFT JOIN known USING (host_ip)
    """


def _spread(table: str, short: str, name: str, labels: range, rare_days: int) -> str:
    """The spread of each owner's sessions and bytes over keys, and the numbers of new and rare keys."""
    parts = ", ".join(
        f"count(*) FILTER (s{i} > 0) AS {name}_nunique{i}, "
        f"round(log2(sum(s{i})) - sum(s{i} * log2(s{i})) FILTER (s{i} > 0) / sum(s{i}), 10) AS {name}_entropy{i}, "
        f"max(s{i}) / sum(s{i}) AS {name}_top1_sessions_share{i}, max(b{i}) / sum(b{i}) AS {name}_top1_bytes_share{i}, "
        f"count(*) FILTER (s{i} > 0 AND m{i} = 0) AS {short}_new{i}, "
        f"count(*) FILTER (s{i} > 0 AND bit_count(m{i}) < {rare_days}) AS {short}_rare{i}"
        for i in labels
    )
    return f"SELECT host_ip, inbound, {parts} FROM {table} WHERE s4 > 0 GROUP BY host_ip, inbound"


def _wide(spec: FeatureSpec, window: Windows) -> str:
    """One row per host, with a column per feature."""
    columns = []
    for i, label in enumerate(spec.window_labels):
        for number, role in enumerate(spec.roles):
            for metric in spec.metric_names:
                columns.append(f"{_value(metric, i, 'oi'[number])} AS {spec.fg_a_name(role, metric, label)}")
    start = window.start
    working, off, weekend = 7 <= start.hour < 17, 17 <= start.hour < 22, start.isoweekday() > 5
    band = "working_hours" if working and not weekend else "off_hours"
    flags = (start.hour, int(working), int(off), int(not working and not off), int(weekend))
    context = ", ".join(f"{value}::INTEGER AS {name}" for name, value in zip(_CONTEXT, flags, strict=True))
    return f"""
    SELECT o.host_ip, o.segment_id, '{band}' AS time_band, {", ".join(columns)}, {context}, {bounds(window)}
    FROM (FROM owners WHERE NOT inbound) o JOIN (FROM owners WHERE inbound) i USING (host_ip)
    """


_CONTEXT = ("hour_of_day", "is_working_hours", "is_off_hours", "is_night_hours", "is_weekend")


def _value(metric: str, label: int, owner: str) -> str:
    """The value of a metric: 0 without sessions, null for novelty without history."""
    plain = f"{owner}.{metric}{label}"
    if metric in NOVEL:
        value = f"CASE WHEN {owner}.known{label} THEN coalesce({_owned(NOVEL[metric], label, owner)}, 0) END"
    elif metric in DERIVED:
        value = f"coalesce({_owned(DERIVED[metric], label, owner)}, 0)"
    elif "high_risk_segment" in metric:
        value = "0"  # the default project has none
    else:
        value = f"coalesce({plain}, 0)"
    return f"({value})::DOUBLE"


def _owned(formula: str, label: int, owner: str) -> str:
    words = sorted(
        {word for word in formula.replace("(", " ").replace(")", " ").replace(",", " ").split() if "{i}" in word}
    )
    for word in words:
        formula = formula.replace(word, f"{owner}.{word}")
    return formula.format(i=label)
