"""From predictions to alerts: the highest rows, each with its reasons against the host's own baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from common.detection.explanation import Reason
from common.detection.inputs import feature_family, fg_a_feature
from common.features.spec import FeatureSpec
from tools.report.wording import feature_words, pair_words

Key = tuple[str, datetime]
Usual = tuple[float, float | None, float | None]
Medians = dict[tuple[str, ...], Usual]


@dataclass(frozen=True)
class Evidence:
    """One behaviour that made an alert: a feature, its value, what is usual, of whom, and its share of the score.

    `words` say the feature and value in plain words, where there are some; half of the baseline lies from `low` to
    `high`.
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


@dataclass(frozen=True)
class FeatureName:
    """The parts of an FG-A feature's name."""

    role: str
    metric: str
    kind: str
    label: str


def feature_names(spec: FeatureSpec) -> dict[str, FeatureName]:
    """The parts of the name of each FG-A feature, context left out."""
    return {
        spec.fg_a_name(role, metric.name, label): FeatureName(role, metric.name, metric.kind, label)
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.metrics
    }


def highest(scores: pa.Table, top: int, one_per_host: bool) -> list[int]:
    """The row numbers of the highest predictions, highest first; ties by raw score, window and host."""
    columns = {name: scores[name].to_numpy() for name in ("anomaly_score", "raw_score", "window_end_ts", "host_ip")}
    _, host = np.unique(columns["host_ip"].astype(str), return_inverse=True)
    order = np.lexsort((host, columns["window_end_ts"], -columns["raw_score"], -columns["anomaly_score"]))
    if one_per_host:
        _, first = np.unique(host[order], return_index=True)
        order = order[np.sort(first)]
    return [int(row) for row in order[:top]]


def strongest(reasons: Sequence[Reason], spec: FeatureSpec) -> list[tuple[Reason, float]]:
    """One reason for each behaviour, its strongest, with the contributions of all of them; largest first."""
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
) -> Evidence:
    """The reason as a reader wants it: the behaviour itself, not its deviation, against what is usual there.

    `values` are the FG-A features of the row; `compared` is whose baseline holds for it, and the baseline's
    month. Where there is no baseline, the training median of the feature stands in.
    """
    share = added / raw_score if raw_score > 0 else 0.0
    feature = fg_a_feature(reason.feature)
    name = names.get(feature)
    if (words := pair_words(reason)) is not None:
        return Evidence(reason.feature, "count", reason.value, reason.baseline_median, "none", share, words)
    if name is None or feature not in values:
        return Evidence(reason.feature, "ratio", reason.value, reason.baseline_median, "training", share)
    value = values[feature]
    words = feature_words(name.role, name.metric, name.kind, name.label, value)
    if compared is not None:
        subject, month = compared
        whose = {"host": subject.host_ip, "segment": subject.segment_id}
        for source in ("segment",) if subject.source == "segment" else ("host", "segment"):
            median = medians.get((month, source, whose[source], name.role, subject.time_band, name.label, name.metric))
            if median is not None:
                return Evidence(feature, name.kind, value, median[0], source, share, words, median[1], median[2])
    usual = reason.baseline_median if feature == reason.feature else None
    return Evidence(feature, name.kind, value, usual, "training" if usual is not None else "none", share, words)
