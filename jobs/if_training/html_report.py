"""The report of a training as one HTML page: the decision first, then what led to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.detection.detector import Detector
from common.page.rendering import rendered
from jobs.if_training.report_charts import hosts_chart, scores_chart, trials_chart, validation_charts
from jobs.if_training.report_words import (
    compared_rows,
    decision_of,
    gate_rows,
    habit_rows,
    left_out_rows,
    member_rows,
    number,
    words_of,
)
from jobs.if_training.validation import Validation

INPUT = ("rows", "rows_found", "windows", "coverage", "gaps")
VALIDATED = ("rows", "transplants", "average_precision", "roc_auc", "alert_score", "alert_share", "score_psi",
             "features_moved", "refit_agreement")  # fmt: skip
HTML_REPORT = "report.html"


@dataclass(frozen=True)
class Decided:
    """The artifact of the deploy stage, and the report and the average precision of the model compared with."""

    artifact: Mapping[str, Any]
    current: Mapping[str, Any] | None = None
    precision: float | None = None


def html_report(
    run_id: str,
    report: Mapping[str, Any],
    detector: Detector,
    validation: Validation,
    hosts: Mapping[str, int],
    decided: Decided | None = None,
) -> str:
    """The page of a run, from the artifact of the train stage; the same input gives the same text."""
    artifact = decided.artifact if decided else None
    tuning = report["tuning"]
    charts = [hosts_chart(hosts)]
    charts += [trials_chart(tuning["trials"])] if "trials" in tuning else []
    charts += validation_charts(validation) if validation.examination is not None else []
    compared = list(compared_rows(report, decided.current, decided.precision)) if decided and decided.current else []
    return rendered(
        "jobs.if_training",
        "report.html.j2",
        run_id=run_id,
        request=report["request"],
        decision=decision_of(artifact),
        gates=list(gate_rows(artifact)) if artifact else [],
        compared_with=artifact.get("compared_with") if artifact else None,
        compared=compared,
        members=member_rows(detector, report["validation"]),
        habits=habit_rows(report["validation"]),
        facts=dict(_facts(report)),
        charts=[*charts, scores_chart(detector)],
    )


def _facts(report: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Groups of figures with their names, in the order of the page; no group is empty."""
    yield "Input", [*((words_of(name), number(report[name])) for name in INPUT), *left_out_rows(report)]
    dropped = [(f"left out: {words_of(name)}", number(count)) for name, count in report["features_dropped"].items()]
    features = [("inputs", number(report["features"])), ("used by the forest", number(report["features_used"]))]
    yield "Features", [*features, *dropped]
    yield "Search for the forest", _tuning(report["tuning"])
    forest = report["parameters"]["forest"]
    yield "Forest", [(words_of(name), _value(name, value)) for name, value in forest.items()]
    validation = report["validation"]
    reason = [("not validated", validation["reason"])] if "reason" in validation else []
    found = [(words_of(name), number(validation[name])) for name in VALIDATED if name in validation]
    yield "Validation", reason + found
    settings = report["parameters"]["training"]
    yield "Settings", [(words_of(name), _value(name, value)) for name, value in settings.items() if _is_plain(value)]


def _tuning(tuning: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "trials" not in tuning:
        return [("not searched", str(tuning["reason"]))]
    hit = "hit: the result depends on the machine's speed" if tuning["time_bound_hit"] else "not hit"
    found = tuning["average_precision"]
    return [
        ("trials", number(len(tuning["trials"]))),
        ("folds", number(tuning["folds"])),
        ("time bound", hit),
        ("average precision at first", number(found["start"])),
        ("average precision at best", number(found["best"])),
    ]


def _value(name: str, value: Any) -> str:
    """A setting; a seed is a name, so its digits are not grouped."""
    return str(value) if name == "random_state" else number(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str)
