"""The tables of the lake, each declared once: columns, units, grain and partitions."""

from __future__ import annotations

from functools import cache

from common.schema import Column, Table
from common.sessions import REJECT_COLUMNS
from common.spec import FeatureSpec

PARTITIONS = (
    Column("date", "string", "UTC date on which the window starts, YYYY-MM-DD"),
    Column("window", "string", "start of the window, YYYYMMDDTHHMMZ"),
)
WINDOW_BOUNDS = (
    Column("window_start_ts", "timestamp", "start of the window, inclusive", "UTC"),
    Column("window_end_ts", "timestamp", "end of the window, exclusive", "UTC"),
)
HOST = Column("host_ip", "string", "internal host")
ROLE = Column("role", "string", "outbound: the host is the initiator; inbound: the responder")
SEGMENT = Column("segment_id", "string", "segment of the host: a configured name, or its /24 or /64 prefix")

QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
QUANTILE_SOURCES = {"bytes_src": "bytes_sent", "bytes_dst": "bytes_received", "duration": "duration_s"}

KIND_UNITS = {"count": "", "flag": "0/1", "bytes": "bytes", "seconds": "s", "ratio": "", "entropy": "bits"}

DELTA_HOST_SUMS = {
    "sessions_cnt": "TRAFFIC sessions",
    "allow_cnt": "sessions that were allowed",
    "deny_cnt": "sessions that were denied, dropped or reset by a rule",
    "drop_cnt": "sessions that were dropped",
    "alert_cnt": "records with action alert",
    "rst_cnt": "sessions that a TCP reset ended",
    "aged_out_cnt": "sessions that aged out",
    "zero_reply_cnt": "sessions in which the responder sent nothing",
    "short_session_cnt": "sessions under short_session_seconds",
    "bytes_src_sum": "bytes sent by the initiator",
    "bytes_dst_sum": "bytes sent by the responder",
    "packets_src_sum": "packets sent by the initiator",
    "packets_dst_sum": "packets sent by the responder",
    "duration_sum": "seconds of all sessions",
    "tcp_cnt": "TCP sessions",
    "udp_cnt": "UDP sessions",
    "icmp_cnt": "ICMP sessions",
    "threat_cnt": "THREAT records",
    "traffic_cnt": "TRAFFIC records",
}


def _delta_host(spec: FeatureSpec) -> Table:
    sums = tuple(
        Column(name, "double" if name == "duration_sum" else "long", meaning)
        for name, meaning in DELTA_HOST_SUMS.items()
    )
    ports = tuple(Column(f"{name}_port_sessions_cnt", "long", f"sessions to a {name} port") for name in spec.port_sets)
    quantiles = tuple(
        Column(f"{source}_{name}", "double", f"{name} of {column} over the sessions; null without any", nullable=True)
        for source, column in QUANTILE_SOURCES.items()
        for name in QUANTILES
    )
    peak = Column("max_sessions_per_minute", "long", "most sessions that ended in one calendar minute")
    return Table(
        "delta_host",
        "one row per host, role and 15-minute slice",
        (HOST, ROLE, SEGMENT, *sums, peak, *ports, *quantiles, *WINDOW_BOUNDS, *PARTITIONS),
        ("date", "window"),
        ("host_ip", "role", "window_start_ts"),
    )


_DELTA_PAIR = Table(
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
    ("date", "window"),
    ("host_ip", "role", "peer_ip", "protocol", "peer_port", "window_start_ts"),
)

_PAIR_DAYS = Table(
    "pair_days",
    "one row per host, role, peer, service port and UTC date: the roll-up of delta_pair",
    (
        HOST,
        ROLE,
        Column("peer_ip", "string", "the other address"),
        Column("peer_port", "int", "service port"),
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

_PAIR_COUNTS = Table(
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
    ("date", "window"),
    ("src_ip", "dst_ip", "dst_port", "window_start_ts"),
)

_SESSIONS_REJECTED = Table(
    "sessions_rejected",
    "one row per record that could not be counted",
    (
        *REJECT_COLUMNS,
        Column("mini_batch_id", "string", "mini-batch of the run", nullable=True),
        *PARTITIONS,
    ),
    ("date", "window"),
    ("source_file", "source_line", "reason", "raw"),
)

TIME_BAND = Column("time_band", "string", "working_hours, or off_hours for everything else")


def _fg_a(spec: FeatureSpec) -> Table:
    kinds = {
        spec.fg_a_name(role, metric.name, label): (metric, role, label)
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.metrics
    }
    features = []
    for name in spec.fg_a_features():
        if name in spec.context:
            features.append(Column(name, "int", f"{name} of the window's start, local time"))
            continue
        metric, role, label = kinds[name]
        features.append(
            Column(
                name, "double", f"{metric.name}, {role}, {label}", KIND_UNITS[metric.kind], "lookback30d" in metric.name
            )
        )
    return Table(
        "fg_a",
        "one row per host with activity in the window, and window",
        (HOST, SEGMENT, TIME_BAND, *features, *WINDOW_BOUNDS, *PARTITIONS),
        ("date",),
        ("host_ip", "window_end_ts"),
    )


HORIZON = Column("baseline_horizon", "string", "name of the horizon (7d, 30d)")
MONTH = Column("baseline_month", "string", "month for which the baseline holds, YYYY-MM")
BASELINE_PARTITIONS = (Column("feature_spec_version", "string", "feature specification"), HORIZON, MONTH)
BASELINE_PARTITION_NAMES = tuple(column.name for column in BASELINE_PARTITIONS)
REFERENCE = Column("reference_ts", "timestamp", "time up to which the baseline looks, less the safety gap", "UTC")


def _statistics(spec: FeatureSpec) -> tuple[Column, ...]:
    types = {"support_count": "long", "cold_start_flag": "boolean"}
    return tuple(
        Column(
            f"{metric.name}_{statistic}",
            types.get(statistic, "double"),
            f"{statistic} of {metric.name} over the windows of the horizon",
            "" if statistic in types else KIND_UNITS[metric.kind],
            statistic not in types,
        )
        for metric in spec.metrics
        for statistic in spec.statistics
    )


def _baseline(spec: FeatureSpec, name: str, subject: tuple[Column, ...], what: str) -> Table:
    grain = (*subject, ROLE, TIME_BAND, Column("window_label", "string", "w_15m, w_30m, w_1h, w_8h or w_24h"))
    outliers = Column("outlier_count", "long", "windows kept out as outliers of their segment")
    return Table(
        name,
        f"one row per {what}, role, time band, window label, horizon and month",
        (*grain, *_statistics(spec), outliers, REFERENCE, *BASELINE_PARTITIONS),
        BASELINE_PARTITION_NAMES,
        (*(column.name for column in grain), *BASELINE_PARTITION_NAMES),
    )


_IP_METADATA = Table(
    "fg_b/ip_metadata",
    "one row per host, horizon and month",
    (
        HOST,
        SEGMENT,
        Column("machine_name", "string", "name in the machine inventory", nullable=True),
        Column("windows_count", "long", "windows with activity in the horizon"),
        Column("is_full_history", "boolean", "active on every day of the horizon"),
        Column("is_non_persistent_machine", "boolean", "its machine name has a non-persistent prefix"),
        Column("is_cold_start", "boolean", "fewer windows than support_min"),
        REFERENCE,
        *BASELINE_PARTITIONS,
    ),
    BASELINE_PARTITION_NAMES,
    ("host_ip", *BASELINE_PARTITION_NAMES),
)


def _pair_baseline(name: str, subject: Column, what: str) -> Table:
    grain = (
        subject,
        Column("dst_ip", "string", "responder"),
        Column("dst_port", "int", "service port"),
    )
    return Table(
        name,
        f"one row per {what}, destination, service port, horizon and month",
        (
            *grain,
            Column("pair_seen_count", "long", "sessions in the horizon"),
            Column("pair_last_seen_ts", "timestamp", "end of the last session", "UTC"),
            Column("active_days", "long", "UTC dates with a session", "days"),
            Column("pair_daily_avg", "double", "sessions per day of the horizon", "1/day"),
            Column("pair_rarity_score", "double", "1 / (1 + pair_seen_count)"),
            Column("is_new_pair_flag", "boolean", "seen on the last date of the horizon only"),
            Column("is_rare_pair_flag", "boolean", "seen on fewer than rare_pair_days dates"),
            REFERENCE,
            *BASELINE_PARTITIONS,
        ),
        BASELINE_PARTITION_NAMES,
        (*(column.name for column in grain), *BASELINE_PARTITION_NAMES),
    )


_FG_B_PUBLICATIONS = Table(
    "fg_b/publications",
    "one row per published baseline: written last, so that its presence says that all five tables are complete",
    (
        Column("rows_host", "long", "rows of fg_b/host"),
        Column("rows_segment", "long", "rows of fg_b/segment"),
        Column("rows_ip_metadata", "long", "rows of fg_b/ip_metadata"),
        Column("rows_pair_host", "long", "rows of fg_b/pair/host"),
        Column("rows_pair_segment", "long", "rows of fg_b/pair/segment"),
        Column("history_start_ts", "timestamp", "start of the first window used", "UTC"),
        Column("history_end_ts", "timestamp", "end of the last window used", "UTC"),
        REFERENCE,
        *BASELINE_PARTITIONS,
    ),
    BASELINE_PARTITION_NAMES,
    BASELINE_PARTITION_NAMES,
)

FG_C_PAIR_FEATURES = {
    "pair_rarity_max": "largest rarity of the window's pairs",
    "pair_rarity_mean": "mean rarity of the window's pairs",
    "new_pair_share": "share of the window's pairs that the baseline does not know",
}


def _fg_c(spec: FeatureSpec) -> Table:
    deviations = tuple(Column(name, "double", f"deviation {name}", nullable=True) for name in spec.fg_c_features())
    composites = tuple(
        Column(name, "double", f"composite {name}", nullable=True)
        for name in ("anomaly_strength_core", *spec.composites)
    )
    pairs = tuple(Column(name, "double", meaning, nullable=True) for name, meaning in FG_C_PAIR_FEATURES.items())
    source = Column("baseline_source", "string", "host, segment or none: whose baseline the deviations are from")
    return Table(
        "fg_c",
        "one row per host with activity in the window, window and baseline horizon",
        (
            HOST,
            SEGMENT,
            TIME_BAND,
            HORIZON,
            MONTH,
            source,
            *deviations,
            *composites,
            *pairs,
            *WINDOW_BOUNDS,
            *PARTITIONS,
        ),
        ("date",),
        ("host_ip", "window_end_ts", "baseline_horizon"),
    )


_MACHINE_INVENTORY = Table(
    "machine_inventory",
    "one row per machine and month",
    (
        HOST,
        Column("machine_name", "string", "name of the machine"),
        Column("is_active", "boolean", "whether the machine is in use"),
        Column("snapshot_month", "string", "month of the snapshot, YYYY-MM"),
    ),
    ("snapshot_month",),
    ("host_ip", "snapshot_month"),
)

_SCORES = (
    HOST,
    SEGMENT,
    Column("anomaly_score", "double", "0 to 1, higher = more anomalous: quantile among the training scores"),
    Column("raw_score", "double", "what the model returned, higher = more anomalous; unbounded"),
    Column("model_id", "string", "run that trained the model"),
    Column("model_sha256", "string", "digest of the model file"),
)

_PREDICTIONS = Table(
    "predictions",
    "one row per host with activity in the window, and window",
    (
        *_SCORES,
        Column("top_features", "string", "JSON list: feature, value, baseline median, contribution; largest first"),
        *WINDOW_BOUNDS,
        *PARTITIONS,
    ),
    ("date", "window"),
    ("host_ip", "window_end_ts"),
)


JOIN_LABELS = ("w_15m", "w_24h")
JOIN_METRICS = (
    "sessions_cnt",
    "deny_cnt",
    "zero_reply_cnt",
    "bytes_src_sum",
    "bytes_dst_sum",
    "peer_ip_nunique",
    "peer_port_nunique",
    "peer_segment_nunique",
    "new_peer_cnt_lookback30d",
    "rare_peer_cnt_lookback30d",
    "new_dst_port_cnt_lookback30d",
    "new_pair_cnt_lookback30d",
    "new_src_dst_port_cnt_lookback30d",
    "high_risk_port_sessions_cnt",
    "admin_port_sessions_cnt",
)


def join_features(spec: FeatureSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The features that `prediction_join` takes from `fg_a` and from `fg_c`."""
    current = (
        spec.fg_a_name(role, metric, label) for label in JOIN_LABELS for role in spec.roles for metric in JOIN_METRICS
    )
    return tuple(current), ("anomaly_strength_core", *spec.composites, *FG_C_PAIR_FEATURES)


def _prediction_join(spec: FeatureSpec) -> Table:
    current, deviations = join_features(spec)
    declared = {column.name: column for column in (*_fg_a(spec).columns, *_fg_c(spec).columns)}
    return Table(
        "prediction_join",
        "one row per prediction, with the features that an analyst looks at first",
        (
            Column("record_id", "string", "SHA-256 of project, feature specification, model run, host and window"),
            Column("project_name", "string", "project"),
            Column("feature_spec_version", "string", "feature specification"),
            *(column for column in _PREDICTIONS.columns if column not in (*WINDOW_BOUNDS, *PARTITIONS)),
            TIME_BAND,
            HORIZON,
            declared["baseline_source"],
            *(declared[name] for name in (*current, *deviations)),
            *WINDOW_BOUNDS,
            *PARTITIONS,
        ),
        ("date", "window"),
        ("record_id",),
    )


@cache
def tables(spec: FeatureSpec) -> dict[str, Table]:
    """All tables of the lake by name, for that feature specification."""
    host_subject = (HOST, SEGMENT)
    declared = (
        _SESSIONS_REJECTED,
        _delta_host(spec),
        _DELTA_PAIR,
        _PAIR_DAYS,
        _PAIR_COUNTS,
        _fg_a(spec),
        _baseline(spec, "fg_b/host", host_subject, "host and segment"),
        _baseline(spec, "fg_b/segment", (SEGMENT,), "segment"),
        _IP_METADATA,
        _pair_baseline("fg_b/pair/host", Column("src_ip", "string", "initiator"), "source"),
        _pair_baseline("fg_b/pair/segment", SEGMENT, "segment"),
        _FG_B_PUBLICATIONS,
        _fg_c(spec),
        _MACHINE_INVENTORY,
        _PREDICTIONS,
        _prediction_join(spec),
    )
    return {table.name: table for table in declared}
