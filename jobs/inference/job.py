"""Loads the verified model, scores the windows, and writes `predictions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deltalake.transaction import AddAction

from common.detection.input_matrix import runs
from common.detection.inputs import model_features
from common.detection.pairs.common_maxima import CommonMaxima, Presence
from common.detection.pairs.evidence import spread_evidence
from common.detection.pairs.first_seen import Met
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.owners import OwnersFile, owners_of_model
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.pointer import ArtifactStore, checked_entry, model_store, read_pointer
from common.errors import InputError
from common.lake.host_ranges import ALL_HOSTS, Part
from common.lake.lake import Lake
from common.lake.learning import day_of_project, learning_at
from common.lake.table_files import from_rows, rows_of
from common.lake.window_status import FEATURES, WindowStatus, read_statuses, whole_windows
from common.runtime.context import StageRun
from common.runtime.parts import each_part
from common.storage.scratch import scratch_of_parts, writing
from common.windows import WINDOW, Windows
from jobs.inference.config import InferenceConfig
from jobs.inference.drift import Drift
from jobs.inference.parts import TABLE, Heights, History, Novelties, Scope, Scored, Scores
from jobs.inference.plan import plan_of, together
from jobs.inference.transform import WindowNotes


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
        owners = owners_of_model(model.manifest, stage.project.network_owners)
        drift = Drift(model, stage.project.training, config.project_name)
    statuses = whole_windows(stage.lake, config.windows, "fg_a")
    incomplete = {key: status.incomplete_reason for key, status in statuses.items() if status.incomplete_reason}
    notes = WindowNotes(incomplete, learning := _learning(stage, config.windows))
    with stage.lake.journal.run("inference", config.windows), writing(stage.lake.uri, TABLE):
        files: list[AddAction] = []
        try:
            with stage.report.step("score"):
                for scored in _scored(config, stage, model, owners, notes):
                    files += from_rows(scored.files)
                    drift.include(scored.drift)
            _require_rows(files, stage.lake, config.windows)
            _require_unchanged(statuses, stage.lake, config.windows)
        except BaseException:
            stage.lake.discard(TABLE, files)
            raise
        with stage.report.step(TABLE):
            version, rows = stage.lake.replace_files(TABLE, files, config.windows), sum(map(rows_of, files))
        with stage.report.step("drift"):
            drift_version = drift.write(stage.lake, config.windows)
    stage.report.rows_in = stage.report.rows_out = rows
    stage.report.wrote(TABLE, version, rows)
    stage.report.wrote("model_drift", drift_version, len(drift.windows))
    spec_version, windows = config.feature_spec_version, config.windows
    stage.report.details |= drift.run.details(
        stage.project.training, config.project_name, spec_version, len(windows), windows.end
    )
    if learning:
        stage.report.learns({"model": [*learning.values()][-1]})
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


def _scored(
    config: InferenceConfig,
    stage: StageRun,
    model: LoadedModel,
    owners: OwnersFile | None,
    notes: WindowNotes,
) -> Iterator[Scored]:
    """The files of predictions and the drift of all parts of the windows, some windows after the other."""
    for windows in runs(stage.lake, config.windows):
        with scratch_of_parts(stage.lake.uri, stage.engine.is_cluster) as folder:
            scope = Scope(stage.lake, stage.project, windows, folder, owners)
            parts, common, levels = _common(stage, scope, model)
            work = Scores(scope, model, common, levels, config.top_features, notes)
            yield from each_part(stage.engine, work, parts)
        stage.report.progress("score", (windows.end - config.windows.start) // WINDOW, len(config.windows), "windows")


def _common(
    stage: StageRun, scope: Scope, model: LoadedModel
) -> tuple[list[Part], dict[str, CommonMaxima], dict[str, NetworkLevels]]:
    """The parts, whose activity is in the scope's folder; by member what all hosts do, and how high they score.

    Nothing of these where pairs do not count.
    """
    pairs, spread, parameters = model.detector.pairs, model.detector.spread, model.detector.parameters.pairs
    if not pairs or not spread:
        return [Part(0, ALL_HOSTS)], {}, {}
    plan = plan_of(stage.lake, scope.windows, parameters, stage.engine.is_cluster, scope.owners)
    if plan is None:
        return [Part(0, ALL_HOSTS)], {}, {}
    seen = [*each_part(stage.engine, History(scope, plan.targets, parameters), plan.parts)]
    crowds = Presence.merged([present for _, present in seen]).crowds(parameters)
    work = Novelties(scope, Met.merged([met for met, _ in seen]), crowds, parameters)
    leaders, counts = zip(*each_part(stage.engine, work, plan.parts), strict=True)
    common, counted = CommonMaxima.merged(crowds, leaders), spread_evidence(together(counts))
    common_counts = CommonMaxima.of(counted, parameters)
    heights = HostScores.joined([*each_part(stage.engine, Heights(scope, pairs.model, common), plan.parts)])
    of_counts = HostScores.of_kinds(spread.model.score(counted, common_counts))
    levels = {member: NetworkLevels.of(scores, parameters) for member, scores in
              (("pairs", heights), ("spread", of_counts))}  # fmt: skip
    return plan.parts, {"pairs": common, "spread": common_counts}, levels


def _learning(stage: StageRun, windows: Windows) -> dict[str, str]:
    """By window key how far the project has learnt; nothing of windows after that."""
    days = ((day, learning_at(stage.lake, stage.project, day.start)) for day in windows.by_day())
    return {window.key: said for day, said in days if said for window in day}


def _require_rows(files: Sequence[AddAction], lake: Lake, windows: Windows) -> None:
    if not files:
        raise InputError(f"fg_a in {lake.uri} has no rows in {windows}", "Run ndr-fg-a for these windows first")


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
