"""The stages that describe a model: its card, and the contract with its users."""

from __future__ import annotations

from typing import Any

from common.detection.input_matrix import JOIN_KEYS
from common.detection.inputs import model_features
from common.detection.registry.artifacts import MODEL
from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import manifest_sha256, read_manifest
from jobs.if_training.lifecycle import Artifact, TrainingRun, before

PURPOSE = (
    "Ranks internal hosts by how anomalous their traffic of a 15-minute window is, and says which features did it."
)
LIMITS = (
    "It finds what is rare in this network, not what is malicious: an attack that was frequent in the training range "
    "is ordinary to it.",
    "Scores are comparable between windows and models; that a score is high says nothing about the harm.",
    "It holds for this project's network, feature specification and baseline horizon only.",
)


def publish(run: TrainingRun) -> None:
    """Writes the model card, from the final report and the manifest.

    Raises:
        StageError: the model was not trained.
        ModelError: its files were altered.
    """
    report = run.require(before("publish"))
    with run.report.step("publish"):
        manifest = read_manifest(run.store, run.run_id)
        content = {
            "model": {
                "format_version": manifest["format_version"],
                "model_sha256": manifest["files"][MODEL]["sha256"],
                "manifest_sha256": manifest_sha256(run.store, run.run_id),
                "files": manifest["files"],
            },
            "card": _card(report, manifest),
        }
        run.write("publish", True, "published", content)
    run.describe(publish={name: content["model"][name] for name in ("model_sha256", "manifest_sha256")})


def attributes(run: TrainingRun) -> None:
    """Writes how the model's input is made: join, order of features, preprocessing, windows, score.

    Raises:
        StageError: the model was not published.
        ModelError: its files were altered.
    """
    run.require(before("attributes"))
    with run.report.step("attributes"):
        manifest = read_manifest(run.store, run.run_id)
        content = _contract(run, manifest)
        run.write("attributes", True, "registered", content)
    run.describe(
        attributes={"features": len(content["features"]["order"]), "features_sha256": content["features"]["sha256"]}
    )


def _card(report: Artifact, manifest: dict[str, Any]) -> dict[str, Any]:
    names = ("rows", "rows_found", "windows", "coverage", "gaps", "input_digest")
    return {
        "purpose": PURPOSE,
        "limits": list(LIMITS),
        "training": report["request"] | {name: report[name] for name in names},
        "features": {name: report[name] for name in ("features", "features_used", "features_dropped")},
        "parameters": report["parameters"]["forest"],
        "selection": report["selection"],
        "tuning": {name: value for name, value in report["tuning"].items() if name != "trials"},
        "validation": report["validation"],
        "raw_score_quantiles": report["raw_score_quantiles"],
        "libraries": manifest["libraries"],
        "ensemble": manifest["parameters"],
    }


def _contract(run: TrainingRun, manifest: dict[str, Any]) -> dict[str, Any]:
    features = model_features(run.spec)
    preprocessing = manifest["preprocessing"]
    return {
        "join": {
            "left": "fg_a",
            "right": "fg_c",
            "on": JOIN_KEYS,
            "where": {"fg_c.baseline_horizon": run.project.model_horizon},
            "rule": "every row of fg_a has exactly one in fg_c",
        },
        "features": {
            "order": list(features.names),
            "from_fg_a": len(features.fg_a),
            "from_fg_c": len(features.fg_c),
            "sha256": sha256(encoded(list(features.names))),
        },
        "preprocessing": {
            "order": ["subtract the median", "divide by the scale", "clip", "set nulls to 0, the scaled median"],
            "clip": preprocessing["clip"],
            "imputation": preprocessing["imputation"],
            "mask": preprocessing["mask"],
            "statistics": "manifest.json: preprocessing",
        },
        "windows": {
            "training": str(run.config.windows),
            "length_minutes": 15,
            "grid_minutes": [8, 23, 38, 53],
            "look_backs_in_windows": dict(run.spec.window_labels),
        },
        "score": {
            "anomaly_score": "quantile of raw_score among the training rows, 0 to 1, higher = more anomalous",
            "quantiles": "manifest.json: score_quantiles",
        },
    }
