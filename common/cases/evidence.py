"""From predictions to alerts: the highest rows, each with its reasons against the host's own baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from common.cases.amounts import amount
from common.cases.wording import FeatureName, feature_words, pair_words
from common.coded import encoded, ranks
from common.detection.explanation import Reason
from common.detection.inputs import feature_family, fg_a_feature
from common.features.spec import FeatureSpec

WHOSE = {"host": "usually", "segment": "usually in its segment", "training": "median of the training data"}
Key = tuple[str, datetime]
Usual = tuple[float, float | None, float | None]
Medians = dict[tuple[str, ...], Usual]


@dataclass(frozen=True)
class Evidence:
    """One reason for an alert: a feature, its value, what is usual and for whom, and its share of the score.

    `words` are the feature and its value in plain words, where it has any; `low` and `high` are the quartiles of the
    baseline.
    """

    feature: str
    kind: str
    value: float | None
    usual: float | None
    usual_of: str
    share: float
    words: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Subject:
    """Where the baseline of a row is found: the rows of `fg_b` of its host and segment."""

    host_ip: str
    segment_id: str
    time_band: str
    source: str


def highest(scores: pa.Table, top: int, one_per_host: bool) -> list[int]:
    """The row numbers of the highest predictions, highest first; ties by raw score, window and host."""
    score, raw, end = (scores[name].to_numpy() for name in ("anomaly_score", "raw_score", "window_end_ts"))
    hosts = encoded(scores["host_ip"])
    rows = np.arange(len(score))
    if not one_per_host and top < len(score):
        rows = np.flatnonzero(score >= np.partition(score, -top)[-top])
    host = ranks(hosts.dictionary)[np.asarray(hosts.indices)[rows]]
    order = np.lexsort((host, end[rows], -raw[rows], -score[rows]))
    if one_per_host:
        _, first = np.unique(host[order], return_index=True)
        order = order[np.sort(first)]
    order = rows[order]
    return [int(row) for row in order[:top]]


def strongest(reasons: Sequence[Reason], spec: FeatureSpec) -> list[tuple[Reason, float]]:
    """The strongest reason of each feature family, with the contributions of the whole family; largest first."""
    groups: dict[str, list[Reason]] = {}
    for reason in reasons:
        groups.setdefault(feature_family(reason.feature, spec), []).append(reason)
    merged = [
        (max(group, key=lambda reason: reason.contribution), sum(reason.contribution for reason in group))
        for group in groups.values()
    ]
    return sorted(merged, key=lambda pair: -pair[1])


def evidence(
    reason: Reason,
    added: float,
    raw_score: float,
    names: Mapping[str, FeatureName],
    values: Mapping[str, Any],
    medians: Medians,
    compared: tuple[Subject, str] | None,
    pair: Mapping[str, Any] | None,
) -> Evidence:
    """The reason as a reader wants it: the feature itself rather than its deviation, against what is usual.

    `values` are the FG-A features of the row; `compared` says whose baseline applies to it, and the baseline's
    month; `pair` is the one that a reason about a pair is about. Without a baseline, the training median of the feature
    is used.
    """
    share = added / raw_score if raw_score > 0 else 0.0
    feature = fg_a_feature(reason.feature)
    name = names.get(feature)
    if (words := pair_words(reason, pair)) is not None:
        return Evidence(reason.feature, "count", reason.value, reason.baseline_median, "none", share, words)
    if name is None or feature not in values:
        return Evidence(reason.feature, "ratio", reason.value, reason.baseline_median, "training", share)
    value = values[feature]
    words = feature_words(name, value)
    if compared is not None:
        subject, month = compared
        whose = {"host": subject.host_ip, "segment": subject.segment_id}
        for source in ("segment",) if subject.source == "segment" else ("host", "segment"):
            median = medians.get((month, source, whose[source], name.role, subject.time_band, name.label, name.metric))
            if median is not None:
                return Evidence(feature, name.kind, value, median[0], source, share, words, median[1], median[2])
    usual = reason.baseline_median if feature == reason.feature else None
    return Evidence(feature, name.kind, value, usual, "training" if usual is not None else "none", share, words)


def reason_words(reason: Evidence) -> str:
    """A reason in words, with its share of the score."""
    usual = ""
    if reason.usual_of in WHOSE:
        usual = f", {WHOSE[reason.usual_of]} {amount(reason.usual, reason.kind)}"
        if reason.low is not None and reason.high is not None:
            usual += f" ({amount(reason.low, reason.kind)} to {amount(reason.high, reason.kind)} half of the time)"
    words = reason.words or f"{reason.feature} {amount(reason.value, reason.kind)}"
    return f"{words}{usual}  ({reason.share:.0%})"
