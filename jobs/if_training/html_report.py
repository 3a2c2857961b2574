"""The report of a training as HTML: figures and plots in one file that needs no other."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from common.arrays import Integers
from common.detection.detector import Detector
from jobs.if_training.training_protocol import Trained
from jobs.if_training.validation import Validation

POINTS_MAX = 800
INPUT = ("rows", "rows_found", "windows", "coverage", "gaps")
BLUE, ORANGE, GREY = "#1f5fa8", "#d1661a", "#8a8f98"
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ndr",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2127; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; } figcaption { color: #555c66; font-size: .9rem; }
"""


def html_report(
    run_id: str, request: Mapping[str, str], report: Mapping[str, Any], trained: Trained, hosts: Mapping[str, int]
) -> str:
    """The report, with its plots as SVG; the same input gives the same text."""
    validation = trained.validation
    parts = [
        f"<h1>Training {html.escape(run_id)}</h1>",
        _table([(name.replace("_", " "), value) for name, value in request.items()]),
        "<h2>Input</h2>",
        _table([(name.replace("_", " "), report[name]) for name in INPUT]),
        _plot(lambda axes: _hosts(axes, hosts), "Hosts in the windows; the minimum where windows share a point."),
        "<h2>Features</h2>",
        _table([("inputs", report["features"]), ("used by the forest", report["features_used"])]
               + [(f"left out: {name}", count) for name, count in report["features_dropped"].items()]),
        "<h2>Tuning</h2>",
        *_tuning(report["tuning"]),
        _table([(name.replace("_", " "), str(value)) for name, value in report["parameters"]["forest"].items()]),
        "<h2>Validation</h2>",
        *_validation(validation, trained.detector),
        "<h2>Scores of the training rows</h2>",
        _plot(lambda axes: _scores(axes, trained.detector), "Share of the training rows with a higher raw score."),
    ]  # fmt: skip
    head = f'<meta charset="utf-8"><title>Training {html.escape(run_id)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _tuning(tuning: Mapping[str, Any]) -> list[str]:
    if "trials" not in tuning:
        return [f"<p>Not tuned: {html.escape(str(tuning['reason']))}.</p>"]
    hit = "hit: the result depends on the machine's speed" if tuning["time_bound_hit"] else "not hit"
    found = tuning["average_precision"]
    return [
        _table([("trials", len(tuning["trials"])), ("folds", tuning["folds"]), ("time bound", hit),
                ("average precision at first", found["start"]), ("average precision at best", found["best"])]),
        _plot(lambda axes: _trials(axes, tuning["trials"]),
              "Each trial's average precision on synthetic anomalies in later blocks; large dots have more trees."),
    ]  # fmt: skip


def _validation(validation: Validation, detector: Detector) -> list[str]:
    figures = validation.figures
    if validation.examination is None:
        return [f"<p>Not validated: {html.escape(str(figures['reason']))}.</p>"]
    apart = ("members", "transformed_sha256", "file", "sha256")
    rows = [(name.replace("_", " "), value) for name, value in figures.items() if name not in apart]
    rows += [(f"average precision of the {name} alone", value) for name, value in figures["members"].items()]
    return [
        _table(rows),
        _plot(lambda axes: _found(axes, validation), "Synthetic anomalies among the rows of the validation block."),
        _plot(lambda axes: _separation(axes, validation), "Raw scores of the validation block."),
    ]


def _hosts(axes: Axes, hosts: Mapping[str, int]) -> None:
    counts = np.array([hosts[key] for key in sorted(hosts)])
    starts = _thinned(len(counts))
    fewest = np.minimum.reduceat(counts, starts)
    axes.fill_between([*starts, len(counts)], [*fewest, fewest[-1]], step="post", color=BLUE, alpha=0.7, linewidth=0)
    axes.set_xlabel(f"window, from {min(hosts)} to {max(hosts)}")
    axes.set_ylabel("hosts")
    axes.set_ylim(bottom=0)


def _trials(axes: Axes, trials: Sequence[Mapping[str, Any]]) -> None:
    name = "max_samples" if "max_samples" in trials[0] else "n_estimators"
    sizes = [10 + trial.get("n_estimators", 200) / 6 for trial in trials]
    axes.scatter(
        [trial[name] for trial in trials], [trial["average_precision"] for trial in trials], sizes, BLUE, alpha=0.7
    )
    if name == "max_samples":
        axes.set_xscale("log", base=2)
    axes.set_xlabel(name.replace("_", " "))
    axes.set_ylabel("average precision")


def _found(axes: Axes, validation: Validation) -> None:
    assert validation.examination is not None and validation.validated is not None
    precision, recall, _ = precision_recall_curve(validation.examination.synthetic, validation.validated)
    shown = _thinned(len(recall))
    axes.plot(recall[shown], precision[shown], color=BLUE)
    axes.axhline(float(validation.examination.synthetic.mean()), color=GREY, linestyle=":", label="at random")
    axes.set_xlabel("share of the synthetic anomalies that are found")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)


def _separation(axes: Axes, validation: Validation) -> None:
    assert validation.examination is not None and validation.validated is not None
    synthetic = validation.examination.synthetic
    both = [validation.validated[~synthetic], validation.validated[synthetic]]
    axes.hist(both, bins=40, density=True, label=["rows as they are", "synthetic anomalies"], color=[BLUE, ORANGE])
    axes.set_xlabel("raw score")
    axes.set_ylabel("density")
    axes.legend(frameon=False)


def _scores(axes: Axes, detector: Detector) -> None:
    raw = detector.feature_calibration
    values = np.unique([*raw.values[_thinned(len(raw.values))], *raw.values[-POINTS_MAX:]])
    axes.plot(values, raw.p_values(values), color=BLUE)
    axes.set_yscale("log")
    axes.set_xlabel("raw score")
    axes.set_ylabel("share above")


def _thinned(count: int) -> Integers:
    """The positions of points to plot, evenly spread from the first, at most as many as can be distinguished."""
    return np.unique(np.linspace(0, count - 1, min(count, POINTS_MAX)).astype(np.int64))


def _plot(draw: Any, caption: str) -> str:
    with rc_context(SETTINGS):
        figure = Figure(figsize=(8, 2.8), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    return f"<figure>{svg[svg.index('<svg') :]}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _table(rows: Sequence[tuple[str, Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f'<td class="n">{value:,.4g}</td>'
        return f'<td class="n">{value:,}</td>' if isinstance(value, int) else f"<td>{html.escape(str(value))}</td>"

    return (
        "<table>" + "".join(f"<tr><th>{html.escape(name)}</th>{cell(value)}</tr>" for name, value in rows) + "</table>"
    )
