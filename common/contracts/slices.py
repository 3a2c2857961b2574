"""Tables of 15-minute slices, their roll-ups, and rejected records."""

from __future__ import annotations

from common.contracts.columns import APP, DOMAIN, HOST, PARTITIONS, ROLE, SEGMENT, THREAT_SEVERITY, WINDOW_BOUNDS
from common.contracts.session import REJECT_COLUMNS, SESSION_COLUMNS, SOURCE_COLUMNS
from common.contracts.types import Column, Table
from common.features.spec import FeatureSpec

QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
QUANTILE_SOURCES = {"bytes_src": "bytes_sent", "bytes_dst": "bytes_received", "duration": "duration_s"}
_QUANTILE_UNITS = {"bytes_src": "bytes", "bytes_dst": "bytes", "duration": "s"}


def delta_host(spec: FeatureSpec) -> Table:
    """The table of host slices: the sums of the specification, with the peak before those of port sets."""
    sums = [
        Column(metric.name, "double" if metric.kind == "seconds" else "long", metric.meaning, metric.unit)
        for metric in spec.sums
    ]
    ports = {f"{name}_port_sessions_cnt" for name in spec.port_sets}
    first_port = next((place for place, column in enumerate(sums) if column.name in ports), len(sums))
    peak = Column("max_sessions_per_minute", "long", "most sessions that ended in one calendar minute", "sessions")
    quantiles = tuple(
        Column(
            f"{source}_{name}",
            "double",
            f"{name} of {column} over the sessions",
            _QUANTILE_UNITS[source],
            "no session has the value",
        )
        for source, column in QUANTILE_SOURCES.items()
        for name in QUANTILES
    )
    return Table(
        "delta_host",
        "one row per host, role and 15-minute slice",
        (HOST, ROLE, SEGMENT, *sums[:first_port], peak, *sums[first_port:], *quantiles, *WINDOW_BOUNDS, *PARTITIONS),
        ("date",),
        ("host_ip", "role", "window_start_ts"),
    )


DELTA_PAIR = Table(
    "delta_pair",
    "one row per host, role, peer, protocol, service port and 15-minute slice",
    (
        HOST,
        ROLE,
        Column("peer_ip", "string", "the other address of the session"),
        Column("protocol", "string", "tcp, udp, icmp or other"),
        Column("peer_port", "int", "service port (dst_port) in both roles"),
        SEGMENT,
        Column("peer_segment_id", "string", "segment of the peer"),
        APP,
        DOMAIN,
        THREAT_SEVERITY,
        Column("sessions_cnt", "long", "TRAFFIC sessions"),
        Column("failed_cnt", "long", "sessions denied, reset, without a reply, or incomplete"),
        Column("bytes_src_sum", "long", "bytes sent by the initiator", "bytes"),
        Column("bytes_dst_sum", "long", "bytes sent by the responder", "bytes"),
        Column("duration_sum", "double", "seconds of all sessions", "s"),
        Column("first_ts", "timestamp", "start of the first session", "UTC"),
        Column("last_ts", "timestamp", "start of the last session", "UTC"),
        Column("last_end_ts", "timestamp", "end of the session that ended last", "UTC"),
        Column("gap_sum_s", "double", "sum of the gaps between consecutive session starts", "s"),
        Column("gap_sq_sum_s", "double", "sum of the squares of these gaps", "s^2"),
        *WINDOW_BOUNDS,
        *PARTITIONS,
    ),
    ("date",),
    ("host_ip", "role", "peer_ip", "protocol", "peer_port", "window_start_ts"),
)

PAIR_DAYS = Table(
    "pair_days",
    "one row per host, role, peer, service port and UTC date: the roll-up of delta_pair",
    (
        HOST,
        ROLE,
        Column("peer_ip", "string", "the other address"),
        Column("peer_port", "int", "service port"),
        APP,
        DOMAIN,
        Column("sessions_cnt", "long", "sessions of the day"),
        Column("slices_cnt", "long", "15-minute slices of the day with a session"),
        Column("first_slice_ts", "timestamp", "start of the first slice of the day with a session", "UTC"),
        Column("last_slice_ts", "timestamp", "start of the last slice of the day with a session", "UTC"),
        Column("source_digest", "string", "digest of the delta_pair files that the day was rolled up from"),
        Column("date", "string", "UTC date on which the slices start, YYYY-MM-DD"),
    ),
    ("date", "source_digest"),
    ("host_ip", "role", "peer_ip", "peer_port", "date"),
)

PAIR_COUNTS = Table(
    "pair_counts",
    "one row per source, destination, service port and 15-minute slice",
    (
        Column("src_ip", "string", "initiator, an internal host"),
        Column("dst_ip", "string", "responder"),
        Column("dst_port", "int", "service port"),
        Column("segment_id", "string", "segment of the source"),
        Column("sessions_cnt", "long", "TRAFFIC sessions"),
        Column("event_ts", "timestamp", "end of the last session", "UTC"),
        *WINDOW_BOUNDS,
        *PARTITIONS,
    ),
    ("date",),
    ("src_ip", "dst_ip", "dst_port", "window_start_ts"),
)

SESSIONS = Table(
    "sessions",
    "one row per record that a window counts: a finished session, or a THREAT log",
    (*SESSION_COLUMNS, *SOURCE_COLUMNS, *PARTITIONS),
    ("date",),
    ("source_file", "source_line", "session_id", "sequence_number", "window"),
)

SESSIONS_REJECTED = Table(
    "sessions_rejected",
    "one row per record that could not be counted",
    (
        *REJECT_COLUMNS,
        Column("mini_batch_id", "string", "mini-batch of the run", null_when="the run was given none"),
        *PARTITIONS,
    ),
    ("date",),
    ("source_file", "source_line", "reason", "raw"),
)

SESSION_KEYS = Table(
    "session_keys",
    "one row per record that a window counts and that can be told from others by an id",
    (
        Column("key_high", "long", "first half of a 128-bit hash of the record's duplicate key and its end"),
        Column("key_low", "long", "second half of the hash"),
        Column("arrival", "string", "on_time: the record ends in the window that counts it; late: outside"),
        *PARTITIONS,
    ),
    ("date",),
    ("key_high", "key_low"),
)
