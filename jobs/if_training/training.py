"""The stage that trains, and saves the model with its report."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from common.detection.detector import Detector
from common.detection.input_matrix import input_digest
from common.detection.members.member import FitSettings, ForestParameters
from common.detection.parameters import current_parameters
from common.detection.registry.artifacts import MODEL, save_model
from common.detection.registry.formats import sha256
from common.detection.registry.pointer import is_complete, read_manifest
from common.errors import ModelError
from common.runtime.output import doing
from jobs.if_training.growing import grow
from jobs.if_training.html_report import HTML_REPORT, html_report
from jobs.if_training.lifecycle import Artifact, TrainingRun, before, facts
from jobs.if_training.pair_training import with_pairs
from jobs.if_training.reading import TrainingRows, read_training_rows
from jobs.if_training.training_protocol import Trained, train

VALIDATION = "validation.npz"
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)


def train_model(run: TrainingRun) -> None:
    """Saves the model of the range in the run's folder, `SUCCESS` last; a run that is complete is kept.

    Raises:
        StageError: the range was not verified.
        InputError: it has too few rows, or they changed since.
        ModelError: the run has a model that was made with other settings.
    """
    verified = run.require(before("train"))
    if is_complete(run.store, run.run_id):
        _reuse(run)
        return
    forest, fixed = _forest(run)
    start = FitSettings(current_parameters(), run.spec, forest, grow)
    digest = input_digest(run.lake, run.config.windows)
    with run.report.step("read"):
        rows = read_training_rows(run, verified["rows"]["joined"])
    trained = train(rows, start, run.parameters, fixed, run.report.step)
    with run.report.step("pairs"):
        cidrs, horizon = run.project.internal_cidrs, run.project.model_horizon
        learnt, pairs = with_pairs(
            trained.detector,
            run.lake,
            run.config.windows,
            trained.settings,
            horizon,
            cidrs,
            run.parameters,
            run.owners,
            run.engine,
        )
        validation = replace(trained.validation, figures=trained.validation.figures | {"pairs": pairs})
        trained = replace(trained, detector=learnt, validation=validation)
    with run.report.step("save"):
        _save(run, trained, rows, digest, verified)


def _save(run: TrainingRun, trained: Trained, rows: TrainingRows, digest: str, verified: Artifact) -> None:
    extras = {VALIDATION: trained.validation.to_bytes()} if trained.validation.examination is not None else {}
    content = _report(run, trained, rows, verified)
    content["input_digest"] = digest
    content["validation"] |= {"file": VALIDATION, "sha256": sha256(extras[VALIDATION])} if extras else {}
    doing("drawing the report")
    page = html_report(
        run.run_id, {"request": run.request} | content, trained.detector, trained.validation, verified["hosts"]
    )
    extras[HTML_REPORT] = page.encode()
    known = facts(run) | {"input_digest": digest, "forest": asdict(trained.settings.forest), "rows": len(rows.values)}
    report = run.content("train", True, "complete", content)
    model_sha256 = save_model(run.store, run.run_id, trained.detector, trained.drift, known, report, extras)
    _describe(run, content, model_sha256, reused=False)


def _forest(run: TrainingRun) -> tuple[ForestParameters, frozenset[str]]:
    """The forest's parameters to begin with, and the names of those that the command line fixed."""
    given = {"n_estimators": run.config.n_estimators, "max_samples": run.config.max_samples}
    fixed = {name: value for name, value in given.items() if value is not None}
    start = current_parameters().forest
    forest = ForestParameters(start.n_estimators, start.max_samples, run.parameters.random_state)
    return replace(forest, **fixed), frozenset(fixed)


def _report(run: TrainingRun, trained: Trained, rows: TrainingRows, verified: Artifact) -> Artifact:
    """The figures of the training; no time of day and no duration, so that they are the same for the same input."""
    detector = trained.detector
    return {
        "rows": len(rows.values),
        "rows_found": rows.found,
        "left_out_by_calendar": rows.left_out.figures(),
        "windows": rows.windows,
        "coverage": verified["coverage"],
        "gaps": len(verified["gaps"]),
        **_features(detector),
        "raw_score_quantiles": _quantiles(detector),
        "parameters": {"forest": asdict(trained.settings.forest), "training": run.parameters.to_dict()},
        "selection": trained.selection,
        "tuning": trained.tuning,
        "validation": trained.validation.figures,
    }


def _features(detector: Detector) -> dict[str, Any]:
    preprocessor = detector.forest.preprocessor
    dropped = list(preprocessor.dropped.values())
    return {
        "features": len(preprocessor.features),
        "features_used": len(preprocessor.mask),
        "features_dropped": {reason: dropped.count(reason) for reason in sorted(set(dropped))},
    }


def _quantiles(detector: Detector) -> dict[str, float]:
    from numpy import interp

    raw = detector.feature_calibration
    return {str(level): float(interp(level, raw.levels, raw.values)) for level in QUANTILES}


def _reuse(run: TrainingRun) -> None:
    manifest = read_manifest(run.store, run.run_id)
    for name, value in facts(run).items():
        if manifest.get(name) != value:
            raise ModelError(
                f"run {run.run_id} holds a model with {name} {manifest.get(name)!r}, not {value!r}",
                "Give another --run-id",
            )
    _describe(run, run.require("train"), manifest["files"][MODEL]["sha256"], reused=True)


def _describe(run: TrainingRun, content: Artifact, model_sha256: str, reused: bool) -> None:
    names = (
        "rows",
        "left_out_by_calendar",
        "features",
        "features_used",
        "features_dropped",
        "raw_score_quantiles",
        "validation",
    )
    run.report.rows_in = run.report.rows_out = content["rows"]
    tuning = {name: content["tuning"].get(name) for name in ("best", "time_bound_hit", "reason")}
    run.describe(
        **{name: content[name] for name in names},
        tuning={name: value for name, value in tuning.items() if value is not None},
        model_sha256=model_sha256,
        model_uri=f"{run.store.uri}/{run.run_id}",
        reused=reused,
    )
