"""Two models side by side: what they were trained on and how, their figures, and how they score the same windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.detection.registry.artifacts import DRIFT
from common.errors import NdrError
from common.windows import Windows
from tools.models.project import Document, Project
from tools.models.scoring import both_scored, last_window

FACTS = ("training_window", "rows", "windows", "coverage", "gaps", "features", "features_used")
DIFFERING = ("parameters", "settings", "libraries")
"""The groups of figures of which only those that differ are shown."""
NAMED_MOST = 10
Figures = dict[str, Any]


def compared(project: Project, one: str, other: str, windows: Windows | None, top: int) -> Iterator[dict[str, Any]]:
    """A row for each figure: its value for both models, and the difference of numbers, the second less the first.

    Without `windows`, the last one of the lake is scored, if there is one and both models load here.

    Raises:
        ModelError: files of a model are damaged, or it does not load and `windows` were given.
    """
    for name, (left, right) in _paired(figures(project, one), figures(project, other)).items():
        if left != right or not name.startswith(DIFFERING):
            yield _row(name, left, right)
    yield from _rows_of_features(project, one, other)
    yield from _rows_of_scores(project, one, other, windows, top)


def figures(project: Project, run_id: str) -> Figures:
    """What is known of a model, each number or text under the path that leads to it."""
    manifest, report = project.manifest(run_id), project.report(run_id)
    gates = project.gates(run_id)
    parts = {
        **{name: report.get(name, manifest.get(name)) for name in FACTS},
        "validation": report.get("validation"),
        "gates": {name: gate["value"] for name, gate in gates.items()},
        "verdicts": {name: gate["verdict"] for name, gate in gates.items()},
        "forest": report.get("parameters", {}).get("forest"),
        "raw_score": report.get("raw_score_quantiles"),
        "drift": _reference(project.document(run_id, DRIFT)),
        "settings": manifest.get("settings"),
        "parameters": manifest.get("parameters"),
        "libraries": manifest.get("libraries"),
    }
    return {"run_id": run_id, "status": project.status(run_id)} | dict(flat(parts))


def _reference(drift: Document) -> Figures:
    """The rows and features of a drift reference, and the PSI of the score that single windows and days had."""
    if not drift:
        return {}
    levels = {name: round(drift[f"{name}_levels"][-1], 4) for name in ("window", "day")}
    return {"rows": sum(map(sum, drift["counts"][-1])), "features": len(drift["names"]) - 1, "score_psi": levels}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers and texts with the path that leads to each; lists are left out."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    elif value is not None and not isinstance(value, list):
        yield path, value


def _paired(left: Figures, right: Figures) -> dict[str, tuple[Any, Any]]:
    return {name: (left.get(name), right.get(name)) for name in {**left, **right}}


def _row(name: str, left: Any, right: Any) -> dict[str, Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    return {"figure": name, "a": left, "b": right, "difference": right - left if numbers else None}


def _rows_of_features(project: Project, one: str, other: str) -> Iterator[dict[str, Any]]:
    """The number of features that only one of both uses, and the first of them."""
    left, right = (set(project.manifest(run_id).get("preprocessing", {}).get("mask", [])) for run_id in (one, other))
    for side, names in (("a", left - right), ("b", right - left)):
        row = {"figure": f"features only in {side}", "a": None, "b": None, "difference": _named(sorted(names))}
        yield row | {side: len(names)}


def _named(names: list[str]) -> str | None:
    return ", ".join(names[:NAMED_MOST] + ["..."] * (len(names) > NAMED_MOST)) or None


def _rows_of_scores(
    project: Project, one: str, other: str, windows: Windows | None, top: int
) -> Iterator[dict[str, Any]]:
    scored = windows or last_window(project)
    if scored is None:
        return
    try:
        found = both_scored(project, one, other, scored, top)
    except NdrError as error:
        if windows is not None:
            raise
        yield {"figure": f"scores of {scored}", "a": None, "b": None, "difference": error.problem}
        return
    for name, (left, right, difference) in found.items():
        yield {"figure": f"scores of {scored}: {name}", "a": left, "b": right, "difference": difference}
