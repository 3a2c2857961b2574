"""The charts of the report of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve

from common.arrays import Integers
from common.detection.detector import Detector
from common.page.charts import Axis, Chart
from jobs.if_training.validation import Validation

POINTS_MAX = 600
BINS = 40


def hosts_chart(hosts: Mapping[str, int]) -> Chart:
    """The hosts of each window, in the order of time; the fewest where windows share a bar."""
    counts = np.array([hosts[key] for key in sorted(hosts)])
    starts = _thinned(len(counts))
    fewest = np.minimum.reduceat(counts, starts)
    edges = [*starts.tolist(), len(counts)]
    caption = f"Hosts in the {len(counts):,} windows from {min(hosts)} to {max(hosts)}: {counts.min():,} or more"
    chart = Chart(caption, Axis("window", 0, len(counts)), Axis.of("hosts", [0, int(counts.max())]))
    return chart.with_marks(chart.bars("area", edges, fewest.tolist()))


def trials_chart(trials: Sequence[Mapping[str, Any]]) -> Chart:
    """The average precision of each trial of the search, by the parameter that was searched."""
    name = "max_samples" if "max_samples" in trials[0] else "n_estimators"
    words = {"max_samples": "rows drawn for each tree", "n_estimators": "trees"}[name]
    found = [float(trial["average_precision"]) for trial in trials]
    drawn = [float(trial[name]) for trial in trials]
    chart = Chart(
        f"What {len(trials)} trials of the search found, on synthetic anomalies in later blocks",
        Axis.of(words, drawn, log=name == "max_samples"),
        Axis.of("average precision", found),
    )
    return chart.with_marks(chart.dots("area", drawn, found))


def validation_charts(validation: Validation) -> Iterator[Chart]:
    """How synthetic anomalies are found among the rows of the validation block, and how their scores differ."""
    assert validation.examination is not None and validation.validated is not None
    synthetic, scores = validation.examination.synthetic, validation.validated
    precision, recall, _ = precision_recall_curve(synthetic, scores)
    shown = _thinned(len(recall))
    chart = Chart(
        "Synthetic anomalies among the rows of the validation block: precision for the share that is found",
        Axis("share found", 0, 1),
        Axis("precision", 0, 1),
    )
    chance = [float(synthetic.mean())] * 2
    yield chart.with_marks(
        chart.line("line", recall[shown].tolist(), precision[shown].tolist(), "model"),
        chart.line("limit", [0, 1], chance, "at random"),
    )
    edges = np.linspace(scores.min(), scores.max() if scores.max() > scores.min() else scores.min() + 1, BINS + 1)
    groups = {"rows as they are": ("area", ~synthetic), "synthetic anomalies": ("other", synthetic)}
    shares = {name: np.histogram(scores[rows], edges)[0] / max(1, rows.sum()) for name, (_, rows) in groups.items()}
    top = max(float(share.max()) for share in shares.values())
    chart = Chart(
        "Raw scores of the validation block, as shares of their group",
        Axis("raw score", float(edges[0]), float(edges[-1])),
        Axis("share", 0, top),
    )
    yield chart.with_marks(
        *(chart.bars(groups[name][0], edges.tolist(), share.tolist(), name) for name, share in shares.items())
    )


def scores_chart(detector: Detector) -> Chart:
    """The share of the training rows that score higher, by raw score of the features."""
    raw = detector.feature_calibration
    values = np.unique([*raw.values[_thinned(len(raw.values))], *raw.values[-POINTS_MAX:]])
    above = raw.p_values(values)
    chart = Chart(
        "Share of the training rows whose features score higher",
        Axis.of("raw score", values.tolist()),
        Axis.of("share above", above.tolist(), log=True),
    )
    return chart.with_marks(chart.line("line", values.tolist(), above.tolist()))


def _thinned(count: int) -> Integers:
    """The positions of points to draw, evenly spread from the first, at most as many as can be told apart."""
    return np.unique(np.linspace(0, count - 1, min(count, POINTS_MAX)).astype(np.int64))
