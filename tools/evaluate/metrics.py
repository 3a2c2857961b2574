"""Figures of how well scores find labelled attacks, as pure functions of labels and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from common.arrays import Flags, Floats, Integers
from common.detection.alerts.cases import Case
from common.detection.alerts.terms import ALERT_SCORE

TIE_SEED = 0


@dataclass(frozen=True)
class Alignment:
    """Scores in the order of the labels, and the rows without a counterpart.

    Attributes:
        scores: one per label row; lower than every prediction for a row without one.
        without_prediction: number of label rows without a prediction.
        without_label: number of predictions without a label row.
    """

    scores: Floats
    without_prediction: int
    without_label: int


def align(labels: pd.DataFrame, predictions: pd.DataFrame) -> Alignment:
    """One score per label row, in the labels' order: the highest prediction of the host and window."""
    keys = ["host_ip", "window_start"]
    best = predictions.groupby(keys, as_index=False)["anomaly_score"].max()
    merged = labels[keys].merge(best, how="left", on=keys)
    lowest = float(best["anomaly_score"].min()) if len(best) else 0.0
    found = merged["anomaly_score"].notna()
    scores = merged["anomaly_score"].fillna(lowest - 1).to_numpy(dtype=np.float64)
    return Alignment(scores, int((~found).sum()), int(len(best) - found.sum()))


def ranking(scores: Floats) -> Integers:
    """Row numbers from the highest score to the lowest; ties in a random order with a fixed seed."""
    return np.lexsort((np.random.default_rng(TIE_SEED).random(len(scores)), -scores))


def best_per_host(order: Integers, hosts: npt.NDArray[Any]) -> Integers:
    """The top row of each host, ordered by rank."""
    _, first = np.unique(hosts[order], return_index=True)
    return order[np.sort(first)]


def evaluate(labels: pd.DataFrame, scores: Floats, budget: int) -> dict[str, Any]:
    """All figures; a figure that is undefined for the labels is None and listed under `undefined`.

    Args:
        labels: host_ip and attack (empty = clean), one row per host and window.
        scores: one per row, higher = more anomalous.
        budget: number of alerts; an alert is a row.

    `p` is the number of malicious rows. A host with a malicious row is attacked, and caught if one of its malicious
    rows is among the alerts. With one alert per host, the alert is the host's top row.
    """
    kind, host = labels["attack"].to_numpy(dtype=object), labels["host_ip"].to_numpy(dtype=object)
    truth = kind != ""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    order = ranking(scores)
    top, top_p, best = order[:budget], order[:positives], best_per_host(order, host)[:budget]
    attacked = set(host[truth])
    report: dict[str, Any] = {
        "rows": len(labels),
        "positives": positives,
        "hosts": len(set(host)),
        "attacked_hosts": len(attacked),
        "budget": budget,
        "roc_auc": float(roc_auc_score(truth, scores)) if positives and negatives else None,
        "pr_auc": float(average_precision_score(truth, scores)) if positives else None,
        "precision_at_p": _share(truth[top_p].sum(), positives),
        "precision_at_budget": _share(truth[top].sum(), len(top)),
        "recall_at_budget": _share(truth[top].sum(), positives),
        "host_recall_at_budget": _share(len(set(host[top][truth[top]])), len(attacked)),
        "precision_one_alert_per_host": _share(truth[best].sum(), len(best)),
        "host_recall_one_alert_per_host": _share(len(set(host[best][truth[best]])), len(attacked)),
    }
    names = sorted(set(kind[truth]))
    report["attacks"] = {name: _of_attack(kind == name, host, top, top_p, best) for name in names}
    report["undefined"] = [name for name, value in report.items() if value is None]
    return report


def _of_attack(truth: Flags, host: npt.NDArray[Any], top: Integers, top_p: Integers, best: Integers) -> dict[str, Any]:
    """The figures of one attack."""
    windows = int(truth.sum())
    return {
        "windows": windows,
        "hosts": len(set(host[truth])),
        "recall_at_p": _share(truth[top_p].sum(), windows),
        "recall_at_budget": _share(truth[top].sum(), windows),
        "hosts_at_budget": len(set(host[top][truth[top]])),
        "hosts_one_alert_per_host": len(set(host[best][truth[best]])),
    }


def clean_host_days(labels: pd.DataFrame, scores: Floats) -> dict[str, Any]:
    """Days of hosts that began no attack on them: how many there are and alert, and how many alert of 1,000 of them.

    A day is a UTC date with a row of the host; it alerts if one of the rows is at the line of alerts or above.
    """
    rows = pd.DataFrame({
        "host": labels["host_ip"], "date": labels["window_start"].dt.date,
        "attacked": labels["attack"] != "", "alerts": scores >= ALERT_SCORE,
    })  # fmt: skip
    days = rows.groupby(["host", "date"])[["attacked", "alerts"]].any()
    clean = days[~days["attacked"]]
    alerting = int(clean["alerts"].sum())
    per_1000 = 1_000 * alerting / len(clean) if len(clean) else None
    return {"days": len(clean), "alerting": alerting, "alerting_per_1000": per_1000}


def cases_of_attacks(labels: pd.DataFrame, cases: Sequence[Case]) -> dict[str, int]:
    """How many cases have an alert of a host in a window in which it began the attack, for each attack."""
    alerts = [set(case.alerts) for case in cases]
    found = {}
    for name in sorted(set(labels["attack"]) - {""}):
        rows = labels[labels["attack"] == name]
        starts = (start.to_pydatetime() for start in rows["window_start"])
        keys = set(zip(rows["host_ip"], starts, strict=True))
        found[str(name)] = sum(not keys.isdisjoint(of_case) for of_case in alerts)
    return found


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
