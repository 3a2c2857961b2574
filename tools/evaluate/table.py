"""The report as a text table."""

from __future__ import annotations

from typing import Any

from common.display import on_terminal

_WITHOUT = "undefined"


def as_table(report: dict[str, Any]) -> str:
    """The figures, then one line per attack."""
    budget = report["budget"]
    lines = [
        f"{report['since']} to {report['until']}: {report['windows']} windows, {report['rows']} rows, "
        f"{report['positives']} malicious, {report['attacked_hosts']} of {report['hosts']} hosts attacked",
        f"{report['rows_without_prediction']} rows without a prediction count as least anomalous; ignored: "
        f"{report['predictions_outside_the_rows']} predictions without a label, "
        f"{report['label_rows_outside_the_period']} label rows of other times",
        "",
        *_aligned(
            [
                ["ROC-AUC", _number(report["roc_auc"])],
                ["PR-AUC", _number(report["pr_auc"])],
                [f"precision at {report['positives']}", _number(report["precision_at_p"])],
                [f"precision at {budget} alerts", _number(report["precision_at_budget"])],
                [f"window recall at {budget} alerts", _number(report["recall_at_budget"])],
                [f"host recall at {budget} alerts", _number(report["host_recall_at_budget"])],
                [f"precision, one alert per host, {budget} hosts", _number(report["precision_one_alert_per_host"])],
                [f"host recall, one alert per host, {budget} hosts", _number(report["host_recall_one_alert_per_host"])],
            ]
        ),
    ]
    if report["undefined"]:
        why = "no row is malicious" if not report["positives"] else "every row is malicious"
        lines += ["", f"Undefined because {why}: {', '.join(report['undefined'])}"]
    if report["attacks"]:
        head = [
            "attack",
            "windows",
            f"recall at {report['positives']}",
            f"recall at {budget}",
            f"hosts at {budget}",
            "one alert per host",
        ]
        rows = [
            [
                on_terminal(name),
                str(a["windows"]),
                _number(a["recall_at_p"]),
                _number(a["recall_at_budget"]),
                f"{a['hosts_at_budget']}/{a['hosts']}",
                f"{a['hosts_one_alert_per_host']}/{a['hosts']}",
            ]
            for name, a in report["attacks"].items()
        ]
        lines += ["", *_aligned([head, *rows])]
    return "\n".join(lines)


def attack_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of each attack, as a row."""
    return [{"attack": name} | figures for name, figures in report["attacks"].items()]


def _aligned(rows: list[list[str]]) -> list[str]:
    """The rows as lines, first column left-aligned, the others right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _number(value: float | None) -> str:
    return _WITHOUT if value is None else f"{value:.3f}"
