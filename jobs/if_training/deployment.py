"""Promotion of a model that passes the gates, and rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.aws.caller import caller
from common.detection.inputs import model_features
from common.detection.registry.artifacts import REPORT, LoadedModel, load_model
from common.detection.registry.decisions import REFUSE, Decision, Note, record
from common.detection.registry.formats import parsed, sha256
from common.detection.registry.pointer import altered, manifest_sha256, parsed_pointer, pointer_content, promoted_run
from common.detection.registry.promotion import promote, settle
from common.errors import DeploymentError, ModelError
from common.lake.learning import day_of_project, is_young
from jobs.if_training.endpoint import upsert_endpoint
from jobs.if_training.gates import (
    OF_INTEGRITY,
    Gate,
    at_least,
    at_most,
    improvement,
    not_applicable,
    of_validation,
    refusals,
)
from jobs.if_training.html_report import HTML_REPORT, Decided, html_report
from jobs.if_training.lifecycle import ARTIFACTS, Artifact, TrainingRun, before
from jobs.if_training.validation import Validation, transformed_sha256

SCORE_DIFFERENCE_MAX = 1e-6


@dataclass(frozen=True)
class Compared:
    """The run that a model was compared with, its average precision on the same rows, and its report; or why none."""

    run_id: str | None = None
    average_precision: float | None = None
    report: Artifact | None = None
    reason: str = ""


def deploy(run: TrainingRun) -> None:
    """Makes the run's model the current one if it passes the gates; then the endpoint, where one is configured.

    The first model of a young project is provisional: estimates of how good it is do not refuse it, since without it
    there are no scores. Nor do they refuse one that replaces it and has learnt from more windows.

    Raises:
        StageError: the attributes are missing.
        DeploymentError: a gate refuses the model, or it was rolled back before; the current one stays.
        ModelError: its files were altered, or do not match what is here.
    """
    run.require(before("deploy"))
    report = run.require("train")
    model, examined = _load(run, run.run_id), _examined(run, report["validation"])
    settle(run.lake, run.store)
    state = pointer_content(run.store)
    pointer = parsed_pointer(run.store, state) or {"previous": [], "rolled_back": []}
    if run.run_id in pointer["rolled_back"]:
        reason = f"model {run.run_id} was rolled back"
        _conclude(run, model, examined, False, "rolled back", {"gates": []}, reason)
        _record_refusal(run, pointer, state, _note(run, reason))
        raise DeploymentError(f"not deployed because {reason}", "Train another model under another --run-id")
    with run.report.step("gates"):
        predecessor = _predecessor(pointer, run.run_id)
        gates, compared = _gates(run, model, examined, predecessor)
    outgrown = predecessor is not None and _is_outgrown(run, predecessor, report["windows"])
    provisional = (predecessor is None or outgrown) and is_young(run.lake, run.project)
    content: Artifact = {
        "gates": [gate.to_dict() for gate in gates],
        "compared_with": compared.run_id,
        "promotion": run.parameters.promotion,
        "provisional": provisional,
        "model_sha256": model.model_sha256,
    }
    verdicts = {gate.name: {"value": gate.value, "bound": gate.bound, "verdict": gate.verdict} for gate in gates}
    run.describe(gates=verdicts)
    refused = refusals(gates)
    reason = f"provisional model of {day_of_project(run.lake, run.project)}; " if provisional else ""
    note = _note(run, reason + _reason(refused, report["validation"], compared), verdicts)
    decisive = refusals(gates, OF_INTEGRITY) if provisional or outgrown else refused
    if decisive and run.parameters.promotion == "gated":
        _conclude(run, model, examined, False, "refused", content, "; ".join(refused), compared)
        _record_refusal(run, pointer, state, note)
        raise DeploymentError(
            f"model {run.run_id} was not deployed because {'; '.join(refused)}",
            f"The current model stays; the results of the gates are in {run.store.uri}/{run.run_id}/deployment.json",
        )
    with run.report.step("promote"):
        moved = promote(run.store, run.config.project_name, run.run_id, note).moved
        settle(run.lake, run.store)
        digest = manifest_sha256(run.store, run.run_id)
        place = f"{run.store.uri}/{run.run_id}"
        endpoint = upsert_endpoint(run.parameters.endpoint, run.run_id, place, digest, run.config.execution)
        content["endpoint"] = endpoint
        _conclude(run, model, examined, True, "deployed", content, "; ".join(refused), compared)
    run.describe(deployed=True, pointer_moved=moved, endpoint=endpoint)


def _conclude(
    run: TrainingRun,
    model: LoadedModel,
    examined: Validation,
    go: bool,
    status: str,
    content: Artifact,
    reason: str,
    compared: Compared | None = None,
) -> None:
    """Writes the report with the decision, and the artifact of the stage."""
    compared = compared or Compared()
    decided = Decided({"status": status, "reason": reason} | content, compared.report, compared.average_precision)
    hosts = run.require("reverify")["hosts"]
    page = html_report(run.run_id, run.require("train"), model.detector, examined, hosts, decided)
    run.store.write(f"{run.run_id}/{HTML_REPORT}", page.encode())
    run.write("deploy", go, status, content, reason)


def _note(run: TrainingRun, reason: str, gates: Artifact | None = None) -> Note:
    """The note of a decision that this run takes."""
    execution = run.config.execution
    return Note(execution or caller(run.lake.is_remote), reason, execution, gates or {})


def _reason(refused: list[str], validation: Artifact, compared: Compared) -> str:
    """Why the model is promoted, or refused, in one sentence."""
    if refused:
        return f"gates refused: {'; '.join(refused)}"
    if "average_precision" not in validation:
        return f"no gate refused: {validation.get('reason', 'the model was not validated')}"
    own = f"gates passed: average precision {validation['average_precision']:.3f}"
    if compared.average_precision is None:
        return f"{own}; {compared.reason}"
    return f"{own} against {compared.average_precision:.3f} of {compared.run_id}"


def _record_refusal(run: TrainingRun, pointer: Artifact, state: bytes | None, note: Note) -> None:
    current, project = pointer.get("run_id"), run.config.project_name
    record(run.lake, Decision.taken(REFUSE, run.run_id, project, (current, current), note, state or b""))


def _predecessor(pointer: Artifact, run_id: str) -> str | None:
    """The run that this one replaces, or has replaced where it is current already: a stage that is repeated agrees."""
    entry = pointer if pointer.get("run_id") != run_id else next(iter(pointer["previous"]), {})
    return entry.get("run_id")


def _is_outgrown(run: TrainingRun, run_id: str, windows: int) -> bool:
    """Whether a run's model was a provisional one, of fewer windows than these."""
    found = []
    for name in (f"{run_id}/{ARTIFACTS[stage]}" for stage in ("deploy", "train")):
        found.append(parsed(run.store.read(name), name) if run.store.exists(name) else {})
    deployed, report = found
    return deployed.get("provisional") is True and report.get("windows", windows) < windows


def _examined(run: TrainingRun, figures: Artifact) -> Validation:
    """The validation of the run, with the examined rows if there are any.

    Raises:
        ModelError: their file was altered.
    """
    if "file" not in figures:
        return Validation(figures)
    content = run.store.read(f"{run.run_id}/{figures['file']}")
    if sha256(content) != figures["sha256"]:
        raise altered(run.store, run.run_id, figures["file"])
    return Validation.from_bytes(content, figures)


def _gates(
    run: TrainingRun, model: LoadedModel, examined: Validation, predecessor: str | None
) -> tuple[list[Gate], Compared]:
    """The gates, and the model that was compared with."""
    validation = examined.figures
    gates = of_validation(validation, run.parameters)
    if examined.examination is None:
        reason = str(validation.get("reason"))
        none = [not_applicable(name, reason) for name in ("improvement", "preprocessing_parity")]
        return none + gates, Compared(reason=reason)
    compared = _of_predecessor(run, examined, predecessor)
    wanted = run.parameters.min_relative_improvement
    return [
        improvement(validation, compared.average_precision, compared.reason, wanted),
        *gates,
        *_parity(model, examined),
    ], compared


def _of_predecessor(run: TrainingRun, examined: Validation, predecessor: str | None) -> Compared:
    """The average precision of the model to be replaced on the same rows; or why it cannot be compared."""
    assert examined.examination is not None
    if predecessor is None:
        return Compared(reason="there is no current model to compare with")
    try:
        other = _load(run, promoted_run(run.store, predecessor))
        report = parsed(run.store.read(f"{other.run_id}/{REPORT}"), REPORT)
    except ModelError as error:
        return Compared(reason=f"the current model {predecessor} cannot be compared with: {error.problem}")
    scores = other.detector.feature_scores(examined.examination.values)
    return Compared(predecessor, examined.examination.separation(scores).average_precision, report)


def _parity(model: LoadedModel, examined: Validation) -> list[Gate]:
    """Whether the saved model scores the rows as the model in memory did after training."""
    assert examined.examination is not None and examined.final is not None
    same = transformed_sha256(model.detector, examined.examination.values) == examined.figures["transformed_sha256"]
    scores = model.detector.feature_scores(examined.examination.values)
    return [
        at_least("preprocessing_parity", float(same), 1.0),
        at_most("score_difference", float(np.max(np.abs(scores - examined.final))), SCORE_DIFFERENCE_MAX),
    ]


def _load(run: TrainingRun, run_id: str) -> LoadedModel:
    expected: dict[str, Any] = {
        name: run.request[name] for name in ("project_name", "feature_spec_version", "baseline_horizon")
    }
    return load_model(run.store, run_id, model_features(run.spec).names, expected)
