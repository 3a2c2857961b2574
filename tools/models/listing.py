"""The models of a project as rows, and one of them as a document."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.detection.registry.formats import FORMAT_VERSION
from common.errors import ModelError
from tools.models.project import Document, Project

VALIDATION = ("average_precision", "alert_share", "score_psi", "refit_agreement")
LONG = ("preprocessing", "score_quantiles")


def listed(project: Project) -> Iterator[dict[str, Any]]:
    """A row for each model, the newest first: what became of it, what it was trained on, and how good it is."""
    for run_id, made in project.made.items():
        last = project.last_decision(run_id)
        row = {"run_id": run_id, "status": "damaged"}
        decided = {
            "decided_ts": last and _to_the_second(last.decided_ts),
            "decided_by": last and last.decided_by,
            "reason": last and last.reason,
            "made_ts": _to_the_second(made),
        }
        try:
            yield row | {"status": project.status(run_id)} | decided | _origin(project, run_id)
        except ModelError as error:
            yield row | decided | {"reason": error.problem}


def _to_the_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _origin(project: Project, run_id: str) -> Document:
    """What a model was trained on, how good it was then, and whether this release loads it."""
    manifest, validation = project.manifest(run_id), project.report(run_id).get("validation", {})
    return {
        **{name: manifest.get(name) for name in ("training_window", "rows")},
        **{name: validation.get(name) for name in VALIDATION},
        **{name: manifest.get(name) for name in ("feature_spec_version", "baseline_horizon", "format_version")},
        "loads": manifest.get("format_version") == FORMAT_VERSION,
    }


def shown(project: Project, run_id: str) -> Document:
    """What became of a model, its figures and gates, all decisions about it, and its manifest without long lists."""
    manifest = project.manifest(run_id)
    return {
        "run_id": run_id,
        "status": project.status(run_id),
        "made_ts": project.made.get(run_id),
        "decisions": [_decision(entry) for entry in project.decisions_about(run_id)],
        "validation": project.report(run_id).get("validation"),
        "gates": project.gates(run_id),
        "manifest": {name: value for name, value in manifest.items() if name not in LONG},
    }


def _decision(decision: Any) -> Document:
    found = dataclasses.asdict(decision)
    return found | {"gates": json.loads(found["gates"])}
