"""The models of a project as rows, and one of them as a document."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from common.detection.registry.formats import FORMAT_VERSION
from common.errors import ModelError
from tools.models.project import Document, Project

VALIDATION = ("average_precision", "alert_share", "score_psi", "refit_agreement")
ORIGIN = ("rows", "format_version", "feature_spec_version", "baseline_horizon")
LONG = ("preprocessing", "score_quantiles")


def listed(project: Project) -> Iterator[dict[str, Any]]:
    """A row for each model, the newest first: what became of it, what it was trained on, and how good it is."""
    for run_id, made in project.made.items():
        last = project.last_decision(run_id)
        decided = {
            "decided_ts": last.decided_ts if last else None,
            "decided_by": last.decided_by if last else None,
            "reason": last.reason if last else None,
        }
        try:
            status, origin = project.status(run_id), _origin(project, run_id)
            yield {"run_id": run_id, "status": status, "made_ts": made} | origin | decided
        except ModelError as error:
            yield {"run_id": run_id, "status": "damaged", "made_ts": made} | decided | {"reason": error.problem}


def _origin(project: Project, run_id: str) -> Document:
    manifest, validation = project.manifest(run_id), project.report(run_id).get("validation", {})
    return {
        "training_window": manifest.get("training_window"),
        **{name: manifest.get(name) for name in ORIGIN},
        "loads": manifest.get("format_version") == FORMAT_VERSION,
        **{name: validation.get(name) for name in VALIDATION},
    }


def shown(project: Project, run_id: str) -> Document:
    """What became of a model, its figures and gates, all decisions about it, and its manifest without long lists."""
    manifest = project.manifest(run_id)
    return {
        "run_id": run_id,
        "status": project.status(run_id),
        "made_ts": project.made.get(run_id),
        "decisions": [_decision(entry) for entry in project.decisions if entry.run_id == run_id],
        "validation": project.report(run_id).get("validation"),
        "gates": project.gates(run_id),
        "manifest": {name: value for name, value in manifest.items() if name not in LONG},
    }


def _decision(decision: Any) -> Document:
    found = dataclasses.asdict(decision)
    return found | {"gates": json.loads(found["gates"])}
