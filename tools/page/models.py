"""Which models scored, what they were trained on, and the decisions about them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from common.detection.registry.pointer import ArtifactStore, model_store, read_manifest
from common.errors import ModelError
from common.lake.lake import Lake
from common.windows import iso

DECISIONS_SHOWN = 20
REPORT = "report.json"


def decisions(lake: Lake) -> list[dict[str, Any]]:
    """The last decisions about models, the newest first, with their gates."""
    if not lake.exists("model_decisions"):
        return []
    rows = sorted(lake.arrow("model_decisions").to_pylist(), key=lambda row: row["decided_ts"], reverse=True)
    return [
        {
            **{name: row[name] for name in ("run_id", "action", "decided_by", "reason", "from_run", "current_run")},
            "decided": iso(row["decided_ts"].replace(microsecond=0)),
            "gates": [{"name": name} | gate for name, gate in sorted(json.loads(row["gates"]).items())],
        }
        for row in rows[:DECISIONS_SHOWN]
    ]


def trained(lake: Lake, project_name: str, runs: Iterable[str]) -> list[dict[str, Any]]:
    """What each of the runs was trained on, and how good it was then; null for models that are not kept any more.

    `training_window`, `rows`, `features_used`, and of the validation `average_precision` and `alert_share`.
    """
    store = model_store(lake.uri, project_name)
    return [{"run_id": run} | _facts(store, run) for run in sorted(runs)]


def _facts(store: ArtifactStore, run: str) -> dict[str, Any]:
    try:
        manifest, report = read_manifest(store, run), json.loads(store.read(f"{run}/{REPORT}"))
    except ModelError:  # it is removed, or of a release before
        manifest, report = {}, {}
    validation = report.get("validation") or {}
    return (
        {name: manifest.get(name) for name in ("training_window", "rows")}
        | {"features_used": report.get("features_used")}
        | {name: validation.get(name) for name in ("average_precision", "alert_share")}
    )
