"""Reads the features of the training range, fits the detector, saves it and makes it current."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from common.errors import InputError
from common.model.artifacts import (
    MODEL,
    is_complete,
    model_store,
    publish,
    read_manifest,
    run_id_of,
    save_model,
)
from common.model.ensemble import Detector
from common.model.features import model_features
from common.model.forest import ForestParameters
from common.model.matrix import ModelRows, input_digest, read_matrix
from common.stage import StageRun
from jobs.if_training.config import ALL, TrainingConfig

MIN_ROWS = 500


def run(config: TrainingConfig, stage: StageRun) -> None:
    """Saves the model of the range below `models/<project>/<run_id>`; a run that is complete already is kept."""
    if config.stage not in (ALL, "train", "deploy"):
        raise InputError(f"stage {config.stage} cannot be run by itself", "Run without --stage")
    store = model_store(stage.lake.uri, config.project_name)
    facts = _facts(config, stage)
    run_id = config.run_id or run_id_of(facts)
    reused = is_complete(store, run_id)
    if reused:
        manifest = read_manifest(store, run_id)
        rows, model_sha256 = int(manifest["rows"]), manifest["files"][MODEL]["sha256"]
    else:
        training = _read(config, stage)
        with stage.report.step("train"):
            detector = Detector.fit(training.values, stage.spec, _forest(config))
        rows = len(training.values)
        report = _report(detector, training)
        with stage.report.step("save"):
            encoded = json.dumps(report, sort_keys=True, indent=1).encode()
            model_sha256 = save_model(store, run_id, detector, facts | {"rows": rows}, encoded)
        stage.report.details |= report
    publish(store, run_id)
    stage.report.rows_in = stage.report.rows_out = rows
    stage.report.details |= {
        "run_id": run_id, "model_sha256": model_sha256, "model_uri": f"{store.uri}/{run_id}", "reused": reused
    }  # fmt: skip


def _forest(config: TrainingConfig) -> ForestParameters:
    given = {name: getattr(config, name) for name in ("n_estimators", "max_samples", "random_state")}
    return replace(ForestParameters(), **{name: value for name, value in given.items() if value is not None})


def _min_rows(config: TrainingConfig) -> int:
    return config.min_rows or MIN_ROWS


def _facts(config: TrainingConfig, stage: StageRun) -> dict[str, Any]:
    """What determines the model, as the manifest keeps it."""
    parameters = asdict(_forest(config)) | {"min_rows": _min_rows(config)}
    return {
        "project_name": config.project_name,
        "feature_spec_version": config.feature_spec_version,
        "baseline_horizon": stage.project.model_horizon,
        "training_window": str(config.windows),
        "input_digest": input_digest(stage.lake, config.windows),
        "parameters": parameters,
    }


def _read(config: TrainingConfig, stage: StageRun) -> ModelRows:
    with stage.report.step("read"):
        features = model_features(stage.spec)
        training = read_matrix(stage.lake, config.windows, features, stage.project.model_horizon)
    if len(training.values) < _min_rows(config):
        raise InputError(
            f"the training range {config.windows} has {len(training.values):,} rows in {stage.lake.uri}, fewer than "
            f"{_min_rows(config):,}",
            "Give a longer range, run ndr-fg-a and ndr-fg-c for it, or lower --min-rows",
        )
    return training


def _report(detector: Detector, training: ModelRows) -> dict[str, Any]:
    """Figures of the training that need no secret: rows, features kept and dropped, quantiles of the raw scores."""
    dropped = list(detector.preprocessor.dropped.values())
    raw = detector.calibrations["ensemble"]
    levels = (0.5, 0.9, 0.99, 0.999, 1.0)
    return {
        "rows": len(training.values),
        "rows_without_fg_c": training.unmatched,
        "features": len(detector.preprocessor.features),
        "features_used": len(detector.preprocessor.mask),
        "features_dropped": {reason: dropped.count(reason) for reason in sorted(set(dropped))},
        "raw_score_quantiles": {str(level): float(np.interp(level, raw.levels, raw.values)) for level in levels},
    }
