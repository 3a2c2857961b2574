"""Loads the verified model, scores the windows, and writes `predictions`."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from common.detection.input_matrix import ModelRows, read_rows
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.pairs.activity import activity_of
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.pointer import ArtifactStore, checked_entry, model_store, read_pointer
from common.display import counted
from common.errors import InputError
from common.lake.lake import Lake
from common.lake.learning import day_of_project
from common.lake.window_files import WindowFiles, window_files
from common.lake.window_status import FEATURES, WindowStatus, read_statuses, whole_windows
from common.runtime.context import StageRun
from common.storage.scratch import writing
from common.windows import WINDOW, Windows
from jobs.inference.config import InferenceConfig
from jobs.inference.drift import Drift
from jobs.inference.transform import predict

TABLE = "predictions"


def run(config: InferenceConfig, stage: StageRun) -> None:
    """Replaces the windows of `predictions` in one commit."""
    with stage.report.step("load model"):
        store = model_store(stage.lake.uri, config.project_name)
        run_id = config.model
        if not run_id:
            pointer = read_pointer(store)
            if pointer is None:
                day = day_of_project(stage.lake, stage.project)
                stage.report.learns({"model": f"{day}: no current model, so no scores; ndr-if-training makes it"})
                return
            run_id = checked_entry(store, pointer)
        model = _load(config, stage, store, run_id)
        drift = Drift(model, model_features(stage.spec).names, stage.project.training, config.project_name)
    statuses = whole_windows(stage.lake, config.windows, "fg_a")
    incomplete = {key: status.incomplete_reason for key, status in statuses.items() if status.incomplete_reason}
    with (
        stage.lake.journal.run("inference", config.windows),
        writing(stage.lake.uri, TABLE),
        window_files(stage.lake, TABLE, config.windows) as files,
    ):
        with stage.report.step("score"):
            _score(config, stage, model, drift, incomplete, files)
        _require_unchanged(statuses, stage.lake, config.windows)
        with stage.report.step(TABLE):
            files.flush()
            version, rows = stage.lake.replace_files(TABLE, files.actions, config.windows), files.rows
        with stage.report.step("drift"):
            drift_version = drift.write(stage.lake, config.windows)
    stage.report.rows_in = stage.report.rows_out = rows
    stage.report.wrote(TABLE, version, rows)
    stage.report.wrote("model_drift", drift_version, len(drift.windows))
    spec_version, windows = config.feature_spec_version, config.windows
    stage.report.details |= drift.run.details(
        stage.project.training, config.project_name, spec_version, len(windows), windows.end
    )
    if incomplete:
        stage.report.details["incomplete_windows"] = incomplete
    stage.report.details |= {"run_id": model.run_id, "model_sha256": model.model_sha256}


def _load(config: InferenceConfig, stage: StageRun, store: ArtifactStore, run_id: str) -> LoadedModel:
    expected = {
        "project_name": config.project_name,
        "feature_spec_version": config.feature_spec_version,
        "baseline_horizon": stage.project.model_horizon,
    }
    return load_model(store, run_id, model_features(stage.spec).names, expected)


def _score(
    config: InferenceConfig,
    stage: StageRun,
    model: LoadedModel,
    drift: Drift,
    incomplete: dict[str, str],
    files: WindowFiles,
) -> None:
    """Adds the predictions of all windows to the files."""
    written = 0
    for rows in read_rows(stage.lake, config.windows, model_features(stage.spec), stage.project.model_horizon):
        if rows.unmatched:
            raise InputError(
                f"fg_c of horizon {stage.project.model_horizon} has no counterpart of "
                f"{counted(rows.unmatched, 'row')} of fg_a in {config.windows}",
                "Run ndr-fg-c again for these windows",
            )
        samples = Samples(rows.keys, rows.values, _activity(model, stage, rows))
        predictions = predict(model, samples, files.table, config.top_features, incomplete)
        drift.add(rows, model.detector.feature_scores(rows.values))
        files.add(predictions)
        written += len(predictions)
        last = rows.keys["window_end_ts"][-1].as_py()
        stage.report.progress("score", (last - config.windows.start) // WINDOW, len(config.windows), "windows")
    if not written:
        raise InputError(
            f"fg_a in {stage.lake.uri} has no rows in {config.windows}", "Run ndr-fg-a for these windows first"
        )


def _require_unchanged(statuses: Mapping[str, WindowStatus], lake: Lake, windows: Windows) -> None:
    """Refuses predictions of tables that another run rewrote while they were read."""
    now = read_statuses(lake, windows)
    changed = [
        key
        for key, status in sorted(now.items())
        if key not in statuses or status.revisions(FEATURES) != statuses[key].revisions(FEATURES)
    ]
    if changed:
        raise InputError(
            f"window {changed[0]} in {lake.uri} was rewritten while it was scored", "Run ndr-inference again"
        )


def _activity(model: LoadedModel, stage: StageRun, rows: ModelRows) -> pa.Table | None:
    """The pair activity of the rows' windows; None where there is none, or the model has learnt no pairs."""
    if model.detector.pairs is None:
        return None
    windows = Windows(rows.keys["window_start_ts"][0].as_py(), rows.keys["window_end_ts"][-1].as_py())
    return activity_of(stage.lake, windows, stage.project.internal_cidrs, model.detector.parameters.pairs)
