"""Promotion of a model that passes the gates, and rollback."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.detection.inputs import model_features
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.formats import sha256
from common.detection.registry.pointer import altered, promote, promoted_run, read_pointer
from common.errors import DeploymentError, ModelError
from jobs.if_training.endpoint import upsert_endpoint
from jobs.if_training.gates import Gate, at_least, at_most, improvement, not_applicable, of_validation, refusals
from jobs.if_training.lifecycle import Artifact, TrainingRun, before
from jobs.if_training.validation import Validation, transformed_sha256

SCORE_DIFFERENCE_MAX = 1e-6


def deploy(run: TrainingRun) -> None:
    """Makes the run's model the current one if it passes the gates; then the endpoint, where one is configured.

    Raises:
        StageError: the attributes are missing.
        DeploymentError: a gate refuses the model, or it was rolled back before; the current one stays.
        ModelError: its files were altered, or do not match what is here.
    """
    run.require(before("deploy"))
    report = run.require("train")
    pointer = read_pointer(run.store) or {"previous": [], "rolled_back": []}
    if run.run_id in pointer["rolled_back"]:
        reason = f"model {run.run_id} was rolled back"
        run.write("deploy", False, "rolled back", {"gates": []}, reason)
        raise DeploymentError(f"not deployed because {reason}", "Train another model under another --run-id")
    with run.report.step("gates"):
        model = _load(run, run.run_id)
        gates, compared = _gates(run, model, report, _predecessor(pointer, run.run_id))
    content: Artifact = {
        "gates": [gate.to_dict() for gate in gates],
        "compared_with": compared,
        "promotion": run.parameters.promotion,
        "model_sha256": model.model_sha256,
    }
    run.describe(
        gates={gate.name: {"value": gate.value, "bound": gate.bound, "verdict": gate.verdict} for gate in gates}
    )
    refused = refusals(gates)
    if refused and run.parameters.promotion == "gated":
        run.write("deploy", False, "refused", content, "; ".join(refused))
        raise DeploymentError(
            f"model {run.run_id} was not deployed because {'; '.join(refused)}",
            f"The current model stays; the results of the gates are in {run.store.uri}/{run.run_id}/deployment.json",
        )
    with run.report.step("promote"):
        moved = promote(run.store, run.run_id)
        endpoint = upsert_endpoint(run.parameters.endpoint, run.run_id, f"{run.store.uri}/{run.run_id}")
        run.write("deploy", True, "deployed", content | {"endpoint": endpoint}, "; ".join(refused))
    run.describe(deployed=True, pointer_moved=moved, endpoint=endpoint)


def _predecessor(pointer: Artifact, run_id: str) -> str | None:
    """The run that this one replaces, or has replaced where it is current already: a stage that is repeated agrees."""
    entry = pointer if pointer.get("run_id") != run_id else next(iter(pointer["previous"]), {})
    return entry.get("run_id")


def _gates(
    run: TrainingRun, model: LoadedModel, report: Artifact, predecessor: str | None
) -> tuple[list[Gate], str | None]:
    """The gates, and the run that the model was compared with."""
    validation = report["validation"]
    gates = of_validation(validation, run.parameters)
    if "file" not in validation:
        reason = str(validation.get("reason"))
        return [not_applicable(name, reason) for name in ("improvement", "preprocessing_parity")] + gates, None
    content = run.store.read(f"{run.run_id}/{validation['file']}")
    if sha256(content) != validation["sha256"]:
        raise altered(run.store, run.run_id, validation["file"])
    examined = Validation.from_bytes(content, validation)
    precision, reason, compared = _of_predecessor(run, examined, predecessor)
    wanted = run.parameters.min_relative_improvement
    return [
        improvement(validation, precision, reason, wanted),
        *gates,
        *_parity(model, examined),
    ], compared


def _of_predecessor(
    run: TrainingRun, examined: Validation, predecessor: str | None
) -> tuple[float | None, str, str | None]:
    """The average precision of the model to be replaced on the same rows; or why it cannot be compared."""
    assert examined.examination is not None
    if predecessor is None:
        return None, "there is no current model to compare with", None
    try:
        other = _load(run, promoted_run(run.store, predecessor))
    except ModelError as error:
        return None, f"the current model {predecessor} cannot be compared with: {error.problem}", None
    scores = other.detector.feature_scores(examined.examination.values)
    return examined.examination.separation(scores).average_precision, "", predecessor


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
