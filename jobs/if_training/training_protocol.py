"""From rows in the order of time to a validated model: selection, tuning, validation, and the fit on all rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from common.config.training import TrainingParameters
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, Samples
from common.detection.preprocessing import Preprocessor
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
    settings: FitSettings
    selection: dict[str, Any]
    tuning: dict[str, Any]
    validation: Validation


def train(
    rows: TrainingRows, start: FitSettings, parameters: TrainingParameters, fixed: frozenset[str], step: Step
) -> Trained:
    """The model of the rows.

    The last `validation_share` of them is the validation block. Selection and tuning see only the rows before it.
    The forest begins as that of `start`; its parameters that are `fixed` stay so. What is validated was fitted on the
    rows before the block; the model itself is fitted on all rows. A part that has too few rows is left out, and its
    figures say so.
    """
    border = rows.cut(1 - parameters.validation_share)
    with step("select"):
        selection = _selection(rows, border, start, parameters)
        settings = replace(start, left_out=selection.left_out)
    with step("tune"):
        tuning = _tuning(rows, border, settings, parameters, fixed)
        settings = replace(settings, forest=tuning.forest)
    with step("validate"):
        validation = _validation(rows, border, settings, parameters)
    with step("train"):
        detector, raw = Detector.fit(Samples(features=rows.values), settings)
    with step("reference"):
        names = model_features(settings.spec).names
        drift = DriftReference.fit(rows.values, raw, names, settings.spec, settings.parameters.drift, rows.ends)
        validation = conclude(validation, detector)
    return Trained(detector, drift, settings, selection.figures, tuning.figures, validation)


def _selection(rows: TrainingRows, border: int, settings: FitSettings, parameters: TrainingParameters) -> Selection:
    """Features judged on rows of the first three quarters before the border, and an examination of the last one."""
    cut = rows.cut(0.75 * border / len(rows.values))
    if min(cut, border - cut) < parameters.selection_min_rows / 4 or border < parameters.selection_min_rows:
        return Selection({}, {"reason": _too_few(border, parameters.selection_min_rows)})
    names, scaling = model_features(settings.spec).names, settings.parameters.preprocessing
    rng = np.random.default_rng([parameters.random_state, SELECTION])
    earlier = rows.values[:cut][drawn_rows(cut, parameters.selection_rows, rng)]
    later = examine(
        rows.values[cut:border],
        Preprocessor.fit(earlier, names, scaling),
        settings.spec,
        EXAMINED_ROWS,
        parameters.transplants,
        [parameters.random_state, SELECTION],
    )
    return select(earlier, later, settings, parameters)


def _tuning(
    rows: TrainingRows, border: int, settings: FitSettings, parameters: TrainingParameters, fixed: frozenset[str]
) -> Tuning:
    """Parameters tried on folds: grown on what is before a block, examined on the block."""
    start = settings.forest
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
        names = model_features(settings.spec).names
        preprocessor = Preprocessor.fit(earlier, names, settings.parameters.preprocessing, settings.left_out)
        block = rows.values[begin:end]
        later = examine(block, preprocessor, settings.spec, EXAMINED_ROWS, parameters.transplants, seed)
        folds.append(Fold.of(earlier, later, preprocessor))
    if not folds:
        return Tuning(start, {"reason": "the range has too few windows"})
    return tune(folds, start, fixed, parameters)


def _validation(rows: TrainingRows, border: int, settings: FitSettings, parameters: TrainingParameters) -> Validation:
    """A detector of the rows before the border, examined on those after it."""
    rng = np.random.default_rng([parameters.random_state, VALIDATION])
    earlier, block = rows.values[:border], rows.values[border:]
    if reason := not_validated(len(earlier), len(block)):
        return Validation.left_out(reason)
    drawn = earlier[drawn_rows(len(earlier), VALIDATED_ROWS, rng)]
    detector, _ = Detector.fit(Samples(features=drawn), settings)
    examination = examine(
        block,
        detector.forest.preprocessor,
        settings.spec,
        parameters.validation_rows,
        parameters.transplants,
        [parameters.random_state, VALIDATION],
    )
    return validate(detector, drawn, examination, settings.spec, parameters)


def _too_few(rows: int, wanted: int) -> str:
    return f"there are {rows:,} rows before the validation block, fewer than {wanted:,}"
