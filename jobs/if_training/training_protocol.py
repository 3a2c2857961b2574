"""From rows in the order of time to a validated model: selection, tuning, validation, and the fit on all rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from common.config.training import TrainingParameters
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.inputs import model_features
from common.detection.members.forest import ForestParameters
from common.detection.preprocessing import Preprocessor
from common.features.spec import FeatureSpec
from jobs.if_training.feature_selection import Selection, select
from jobs.if_training.reading import TrainingRows
from jobs.if_training.synthetic_anomalies import drawn_rows, examine
from jobs.if_training.tuning import Fold, Tuning, tune
from jobs.if_training.validation import Validation, conclude, not_validated, validate

EXAMINED_ROWS = 1_500
VALIDATED_ROWS = 50_000
SELECTION, TUNING, VALIDATION = range(3)
Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted detector with its drift reference, and what was found on the way."""

    detector: Detector
    drift: DriftReference
    forest: ForestParameters
    selection: dict[str, Any]
    tuning: dict[str, Any]
    validation: Validation


def train(
    rows: TrainingRows,
    spec: FeatureSpec,
    parameters: TrainingParameters,
    start: ForestParameters,
    fixed: frozenset[str],
    step: Step,
) -> Trained:
    """The model of the rows.

    The last `validation_share` of them is the validation block. Selection and tuning see only the rows before it.
    The forest's parameters begin as `start`, those of `fixed` stay so. What is validated was fitted on the rows before
    the block; the model itself is fitted on all rows. Too few rows for a part leave it out, and say so.
    """
    border = rows.cut(1 - parameters.validation_share)
    with step("select"):
        selection = _selection(rows, border, spec, parameters)
    with step("tune"):
        tuning = _tuning(rows, border, spec, parameters, start, fixed, selection.left_out)
    with step("validate"):
        validation = _validation(rows, border, spec, parameters, tuning.forest, selection.left_out)
    with step("train"):
        detector, raw = Detector.fit_scored(rows.values, spec, tuning.forest, selection.left_out)
    with step("reference"):
        drift = DriftReference.fit(rows.values, raw, detector.preprocessor.features, spec, rows.ends)
        validation = conclude(validation, detector)
    return Trained(detector, drift, tuning.forest, selection.figures, tuning.figures, validation)


def _selection(rows: TrainingRows, border: int, spec: FeatureSpec, parameters: TrainingParameters) -> Selection:
    """Features judged on rows of the first three quarters before the border, and an examination of the last one."""
    cut = rows.cut(0.75 * border / len(rows.values))
    if min(cut, border - cut) < parameters.selection_min_rows / 4 or border < parameters.selection_min_rows:
        return Selection({}, {"reason": _too_few(border, parameters.selection_min_rows)})
    names = model_features(spec).names
    rng = np.random.default_rng([parameters.random_state, SELECTION])
    earlier = rows.values[:cut][drawn_rows(cut, parameters.selection_rows, rng)]
    later = examine(
        rows.values[cut:border],
        Preprocessor.fit(earlier, names),
        spec,
        EXAMINED_ROWS,
        parameters.transplants,
        [parameters.random_state, SELECTION],
    )
    return select(earlier, later, names, parameters)


def _tuning(
    rows: TrainingRows,
    border: int,
    spec: FeatureSpec,
    parameters: TrainingParameters,
    start: ForestParameters,
    fixed: frozenset[str],
    left_out: dict[str, str],
) -> Tuning:
    """Parameters tried on folds: grown on what is before a block, examined on the block."""
    if border < parameters.tuning_min_rows:
        return Tuning(start, {"reason": _too_few(border, parameters.tuning_min_rows)})
    if not parameters.tuning_trials or fixed >= {"n_estimators", "max_samples"}:
        return Tuning(start, {"reason": "nothing was to be tuned"})
    cuts = [
        rows.cut(part / parameters.tuning_blocks * border / len(rows.values))
        for part in range(parameters.tuning_blocks)
    ]
    bounds = sorted({*cuts, border})
    folds = []
    for number, (begin, end) in enumerate(pairwise(bounds[1:])):
        seed = [parameters.random_state, TUNING, number]
        drawn = drawn_rows(begin, parameters.tuning_rows, np.random.default_rng(seed))
        earlier = rows.values[:begin][drawn]
        preprocessor = Preprocessor.fit(earlier, model_features(spec).names, left_out)
        block = rows.values[begin:end]
        later = examine(block, preprocessor, spec, EXAMINED_ROWS, parameters.transplants, seed)
        folds.append(Fold.of(earlier, later, preprocessor))
    if not folds:
        return Tuning(start, {"reason": "the range has too few windows"})
    return tune(folds, start, fixed, parameters)


def _validation(
    rows: TrainingRows,
    border: int,
    spec: FeatureSpec,
    parameters: TrainingParameters,
    forest: ForestParameters,
    left_out: dict[str, str],
) -> Validation:
    rng = np.random.default_rng([parameters.random_state, VALIDATION])
    earlier, block = rows.values[:border], rows.values[border:]
    if reason := not_validated(len(earlier), len(block)):
        return Validation.left_out(reason)
    drawn = earlier[drawn_rows(len(earlier), VALIDATED_ROWS, rng)]
    detector = Detector.fit(drawn, spec, forest, left_out)
    examination = examine(
        block,
        detector.preprocessor,
        spec,
        parameters.validation_rows,
        parameters.transplants,
        [parameters.random_state, VALIDATION],
    )
    return validate(detector, drawn, examination, spec, parameters)


def _too_few(rows: int, wanted: int) -> str:
    return f"there are {rows:,} rows before the validation block, fewer than {wanted:,}"
