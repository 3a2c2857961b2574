"""Which features the forest does without: repeats of others, unstable ones, and those that hide what is odd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]

from common.config.training import TrainingParameters
from common.detection.members.forest import ForestParameters, PathAttribution, train_forest
from common.detection.preprocessing import Preprocessor
from jobs.if_training.permutation import permutation_gains
from jobs.if_training.synthetic_anomalies import Examination

CORRELATED, UNSTABLE, HARMFUL = "correlated", "unstable", "harmful"
TREES = 200
Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """The features that the forest does without, with the reason of each, and the figures of the selection."""

    left_out: dict[str, str]
    figures: dict[str, Any]


def select(earlier: Matrix, later: Examination, features: tuple[str, ...], parameters: TrainingParameters) -> Selection:
    """Features to leave out, found on rows of earlier blocks and an examination of a later one.

    1. `correlated`: |Spearman| above `correlation_max` with a better feature that stays. Of two, that with fewer
       nulls is better, then that with more distinct values, then the first in the order of the features, in which
       the measured values come before deviations and short look-backs before long ones.
    2. `unstable`: forests are grown on bootstraps of the earlier rows. A feature's worth in a forest is by how many
       splits it helps to isolate transplants, less ordinary rows. It is unstable when its worth is above 0 in less than
       `stability_min` of the forests that use it.
    3. `harmful`: in a forest of what is left, shuffling the feature among the later rows makes the forest find the
       transplants better, in every one of `permutations` shuffles.

    Features that do not vary among the earlier rows are not judged.
    """
    preprocessor = Preprocessor.fit(earlier, features)
    names = np.array(preprocessor.mask)
    scaled = preprocessor.transform(earlier)
    reasons: dict[str, str] = {}

    def leave_out(judged: Flags, reason: str) -> None:
        left = [name for name in names if name not in reasons]
        reasons.update({name: reason for name, out in zip(left, judged, strict=True) if out})

    def staying() -> Flags:
        return np.array([name not in reasons for name in names])

    leave_out(~uncorrelated(earlier[:, preprocessor.columns], parameters.correlation_max), CORRELATED)
    examined = preprocessor.transform(later.values)
    kept = staying()
    stability = _stability(scaled[:, kept], examined[:, kept], later.odd, parameters)
    leave_out(stability < parameters.stability_min, UNSTABLE)
    kept = staying()
    forest = train_forest(scaled[:, kept], ForestParameters(TREES, random_state=parameters.random_state))
    gains = permutation_gains(forest, examined[:, kept], later.odd, parameters.permutations, parameters.random_state)
    leave_out(np.all(gains < 0, axis=0), HARMFUL)
    counts = {reason: list(reasons.values()).count(reason) for reason in (CORRELATED, UNSTABLE, HARMFUL)}
    figures = {"rows": len(earlier), "judged": len(names), "kept": len(names) - len(reasons), "left_out": counts}
    return Selection(reasons, figures)


def uncorrelated(values: Matrix, limit: float) -> Flags:
    """Which columns to keep so that no two have a |Spearman| above the limit, the better of each pair, NaN = null."""
    nulls = np.isnan(values)
    filled = np.where(nulls, np.nanmedian(values, axis=0), values)
    distinct = np.array([len(np.unique(column)) for column in filled.T])
    ranks = rankdata(filled, axis=0)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt((ranks**2).sum(axis=0))
    related = np.abs(ranks.T @ ranks) > limit
    kept = np.zeros(len(related), dtype=bool)
    for column in np.lexsort((np.arange(len(related)), -distinct, nulls.sum(axis=0))):
        kept[column] = not related[column, kept].any()
    return kept


def _stability(earlier: Matrix, examined: Matrix, odd: Flags, parameters: TrainingParameters) -> Floats:
    """In which share of the bootstrapped forests that use a feature its worth is above 0; 1 where none uses it."""
    used = np.zeros(earlier.shape[1])
    worthy = np.zeros(earlier.shape[1])
    for number in range(parameters.bootstraps):
        rows = np.random.default_rng([parameters.random_state, number]).integers(0, len(earlier), len(earlier))
        forest = train_forest(earlier[rows], ForestParameters(TREES, random_state=parameters.random_state + number))
        contributions = PathAttribution(forest).contributions(examined)
        used += contributions.any(axis=0)
        worthy += contributions[odd].mean(axis=0) > contributions[~odd].mean(axis=0)
    return np.asarray(np.where(used > 0, worthy / np.maximum(used, 1), 1.0))
