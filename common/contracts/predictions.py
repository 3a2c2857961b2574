"""Tables of predictions, alone and joined with features."""

from __future__ import annotations

from common.contracts.columns import HORIZON, HOST, INCOMPLETE, NOTE, PARTITIONS, SEGMENT, TIME_BAND, WINDOW_BOUNDS
from common.contracts.features import fg_a, fg_c
from common.contracts.types import Column, Table
from common.features.spec import FeatureSpec

_SCORES = (
    HOST,
    SEGMENT,
    Column("anomaly_score", "double", "0 to 1, higher = more anomalous: quantile among the training scores"),
    Column("raw_score", "double", "score of the model before calibration, higher = more anomalous; unbounded"),
    Column("model_id", "string", "run that trained the model"),
    Column("model_sha256", "string", "digest of the model file"),
)

PREDICTIONS = Table(
    "predictions",
    "one row per host with activity in the window, and window",
    (
        *_SCORES,
        Column("top_features", "string", "JSON list: feature, value, baseline median, contribution; largest first"),
        Column(
            "pair_evidence",
            "string",
            "JSON list: the strongest pairs, with what was new, their activity and the prior maxima",
        ),
        INCOMPLETE,
        NOTE,
        *WINDOW_BOUNDS,
        *PARTITIONS,
    ),
    ("date",),
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
    return tuple(current), spec.score_names


def prediction_join(spec: FeatureSpec) -> Table:
    """The table of predictions with the features that an analyst looks at first."""
    current, deviations = join_features(spec)
    declared = {column.name: column for column in (*fg_a(spec).columns, *fg_c(spec).columns)}
    return Table(
        "prediction_join",
        "one row per prediction, with the features that an analyst looks at first",
        (
            Column("record_id", "string", "SHA-256 of project, feature specification, model run, host and window"),
            Column("project_name", "string", "project"),
            Column("feature_spec_version", "string", "feature specification"),
            *(column for column in PREDICTIONS.columns if column not in (*WINDOW_BOUNDS, *PARTITIONS)),
            TIME_BAND,
            HORIZON,
            declared["baseline_source"],
            *(declared[name] for name in (*current, *deviations)),
            *WINDOW_BOUNDS,
            *PARTITIONS,
        ),
        ("date",),
        ("record_id",),
    )
