"""What the report of a training says of gates, members and the current model, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common.calendar.left_out import left_out_words
from common.detection.detector import Detector
from common.display import counted
from jobs.if_training.gates import NOT_APPLICABLE, REFUSED

Row = tuple[str, ...]
SHARES = ("improvement", "alert_share", "pair_alert_share")
"""Gates whose values are shares."""
GATES = {
    "improvement": "better than the current model at synthetic anomalies, in average precision",
    "alert_share": "rows of the validation block that would alert",
    "score_psi": "how far scores moved from the rows before the block (PSI)",
    "refit_agreement": "agreement with the model that was validated (Spearman)",
    "pair_alert_share": "windows of the block in which pairs alone would alert",
    "preprocessing_parity": "rows are prepared as in training (1: yes)",
    "score_difference": "largest difference of the saved model's scores from those in training",
}
BOUNDS = {">= ": "at least", "<= ": "at most"}
VERDICTS = {"passed": "passed", "refused": "refused", NOT_APPLICABLE: "not applied"}
MEMBERS = {
    "pairs": "the host's most unusual contact: new, rare, or more than ever before",
    "spread": "how many new or failing peers, networks and services it has at once",
    "rarity": "its rarest single features",
    "forest": "all its features together",
}
EVIDENCE = {"rarity": "evidence", "forest": "forest"}
"""The names of members in the figures of the validation."""
COMPARED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "trained on": lambda report: report["request"]["training_window"],
    "rows": lambda report: report["rows"],
    "features used by the forest": lambda report: report["features_used"],
    "trees": lambda report: report["parameters"]["forest"]["n_estimators"],
    "rows drawn for each tree": lambda report: report["parameters"]["forest"]["max_samples"],
    "rows of its own validation that alerted": lambda report: _share(report["validation"].get("alert_share")),
    "highest raw score of training": lambda report: report["raw_score_quantiles"]["1.0"],
}


def decision_of(deployed: Mapping[str, Any] | None) -> dict[str, str]:
    """The decision of the deploy stage, and how good it is."""
    if deployed is None:
        return {"level": "warn", "title": "Not decided yet", "words": "The stage deploy has not applied the gates."}
    refused = sum(gate["verdict"] == REFUSED for gate in deployed["gates"])
    said = f" {counted(refused, 'gate')} refused it." if refused else " No gate refused it."
    if deployed["status"] == "deployed":
        title = "Deployed, provisionally" if deployed["provisional"] else "Deployed"
        why = "" if deployed["promotion"] == "gated" else f" The project's promotion is {deployed['promotion']}."
        level = "warn" if refused or deployed["provisional"] else "good"
        return {"level": level, "title": title, "words": f"It became the current model.{said}{why if refused else ''}"}
    if deployed["status"] == "refused":
        return {"level": "bad", "title": "Refused", "words": f"The current model stays.{said}"}
    return {"level": "bad", "title": "Not deployed", "words": f"The current model stays: {deployed['reason']}."}


def gate_rows(deployed: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Each gate: what it looks at, what was found and wanted, and its verdict."""
    for gate in deployed["gates"]:
        name, bound = gate["name"], gate["bound"]
        wanted = f"{BOUNDS[bound[:3]]} {_gate_value(name, float(bound[3:]))}" if bound else ""
        found = _gate_value(name, gate["value"]) if gate["value"] is not None else ""
        verdict = VERDICTS[gate["verdict"]]
        words = f"{verdict}: {gate['reason']}" if gate["reason"] else verdict
        yield {"gate": GATES.get(name, words_of(name)), "found": found, "wanted": wanted,
               "verdict": words, "kind": gate["verdict"]}  # fmt: skip


def member_rows(detector: Detector, validation: Mapping[str, Any]) -> list[Row]:
    """Each member, by falling weight: its name, its weight, what it looks at, and how good it is alone."""
    weights = detector.weights
    alone = validation.get("members", {})
    pairs = validation.get("pairs", {})

    def quality(name: str) -> str:
        if name not in weights:
            return f"not trained: {pairs.get('reason', 'there were no pairs')}"
        if name in EVIDENCE:
            found = alone.get(EVIDENCE[name])
            return f"average precision {number(found)} alone" if found is not None else ""
        share = pairs.get("alert_share")
        return f"pairs and spread would alert in {share:.2%} of windows" if share is not None else ""

    ordered = sorted(MEMBERS, key=lambda name: (-weights.get(name, 0.0), name))
    return [(name, number(weights.get(name, 0.0)), MEMBERS[name], quality(name)) for name in ordered]


def habit_rows(validation: Mapping[str, Any]) -> list[Row]:
    """Each odd habit: the host, the network and port that it has to do with, on how many days, and how odd it is."""
    found = validation.get("pairs", {}).get("odd_habits", [])
    return [
        (habit["host_ip"], f"{habit['network']}, port {habit['port']}", number(habit["days"]), number(habit["decades"]))
        for habit in found
    ]


def left_out_rows(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How many rows the calendar left out of features and of pairs, if any; models of earlier releases say nothing."""
    groups = {"features": report, "pairs": report["validation"].get("pairs", {})}
    for what, group in groups.items():
        found = group.get("left_out_by_calendar", {"rows": 0})
        if found["rows"]:
            yield f"left out by the calendar, of {what}", left_out_words(found)


def compared_rows(
    report: Mapping[str, Any], current: Mapping[str, Any], precision: float | None
) -> Iterator[tuple[str, str, str]]:
    """Each figure of the model and of the current one; `precision` is the latter's average on the same rows."""
    yield "average precision on the same rows", number(report["validation"]["average_precision"]), number(precision)
    for name, figure in COMPARED.items():
        yield name, number(figure(report)), number(figure(current))


def words_of(name: str) -> str:
    """The name of a figure in words."""
    return name.replace("_", " ")


def number(value: Any) -> str:
    """A number with as many digits as mean something; anything else as it is, and nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.2%}"


def _gate_value(name: str, value: float) -> str:
    return f"{value:.2%}" if name in SHARES else number(float(value))
