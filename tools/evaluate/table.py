"""The report as a text table."""

from __future__ import annotations

from typing import Any

from common.display import counted, on_terminal

_WITHOUT = "undefined"
SHOWN = 5


def as_table(report: dict[str, Any]) -> str:
    """The figures, then one line per attack."""
    budget = report["budget"]
    lines = [
        f"{report['since']} to {report['until']}: {counted(report['windows'], 'window')}, "
        f"{counted(report['rows'], 'row')}, {report['positives']:,} malicious, "
        f"{report['attacked_hosts']} of {counted(report['hosts'], 'host')} attacked",
        f"{counted(report['rows_without_prediction'], 'row')} without a prediction, taken as least anomalous; "
        f"ignored: {counted(report['predictions_outside_the_rows'], 'prediction')} without a label, "
        f"{counted(report['label_rows_outside_the_period'], 'label row')} of other times, "
        f"{counted(report['rows_of_targets'], 'row')} of targets",
        *_of_labels(report["labels"]),
        *_of_unseen(report["attackers_without_predictions"]),
        "",
        *_figures(report),
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
            "cases",
        ]
        rows = [
            [
                on_terminal(name),
                str(a["windows"]),
                _number(a["recall_at_p"]),
                _number(a["recall_at_budget"]),
                f"{a['hosts_at_budget']}/{a['hosts']}",
                f"{a['hosts_one_alert_per_host']}/{a['hosts']}",
                str(a.get("cases", "-")),
            ]
            for name, a in report["attacks"].items()
        ]
        lines += ["", *_aligned([head, *rows])]
    return "\n".join(lines)


def _figures(report: dict[str, Any]) -> list[str]:
    """A line for each figure: its name, its value, and what it says."""
    p, budget, hosts = report["positives"], report["budget"], report["attacked_hosts"]
    most_hosts = _most(budget, hosts)
    by_chance = f"; of random scores {p / report['rows']:.3f}" if report["rows"] else ""
    figures = [
        ("ROC-AUC", "roc_auc", "how often a malicious row scores above another; of random scores 0.5"),
        ("PR-AUC", "pr_auc", f"mean precision over all recalls{by_chance}"),
        (f"precision at {p}", "precision_at_p", f"malicious among the {p} highest rows, as many as are malicious"),
        (f"precision at {budget} alerts", "precision_at_budget", f"malicious among the {budget} highest rows"),
        (f"window recall at {budget} alerts", "recall_at_budget", f"malicious rows that these are{_most(budget, p)}"),
        (
            f"host recall at {budget} alerts",
            "host_recall_at_budget",
            f"attacked hosts among these{most_hosts}",
        ),
        (
            f"precision, one alert per host, {budget} hosts",
            "precision_one_alert_per_host",
            f"malicious among the highest rows of {budget} hosts",
        ),
        (
            f"host recall, one alert per host, {budget} hosts",
            "host_recall_one_alert_per_host",
            f"attacked hosts among these{most_hosts}",
        ),
    ]
    cells = [(name, _number(report[key]), meaning) for name, key, meaning in figures]
    clean = report["clean_host_days"]
    per_1000 = _WITHOUT if clean["alerting_per_1000"] is None else f"{clean['alerting_per_1000']:.0f}"
    cells.append(
        (
            "alerts per 1,000 clean host-days",
            per_1000,
            f"{clean['alerting']} of {counted(clean['days'], 'day')} of hosts",
        )
    )
    lines = _aligned([[name, value] for name, value, _ in cells])
    return [f"{line}  {meaning}" for line, (_, _, meaning) in zip(lines, cells, strict=True)]


def _of_labels(counts: dict[str, Any] | None) -> list[str]:
    """A line about what the files of labels had, where they were not hosts and windows."""
    if counts is None:
        return []
    kinds = {"empty": counts["empty"], "broken": counts["broken"], **counts["other"]}
    left_out = "".join(f", {count:,} {on_terminal(kind)}" for kind, count in kinds.items() if count)
    return [f"{counted(counts['files'], 'file')} of labels, {counted(counts['rows'], 'row')}{left_out}"]


def _of_unseen(hosts: list[str]) -> list[str]:
    """A line about attackers that have no prediction at all."""
    if not hosts:
        return []
    shown = ", ".join(map(on_terminal, hosts[:SHOWN]))
    return [f"{counted(len(hosts), 'attacker')} without any prediction, not found therefore: {shown}"]


def _most(budget: int, wanted: int) -> str:
    """The highest value that a recall can have, where the budget is less than what is to be found."""
    return f"; at most {budget / wanted:.3f}" if budget < wanted else ""


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
