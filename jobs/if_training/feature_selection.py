"""Selection of the forest's features: without redundant ones, unstable ones, and those that hide anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest

from common.arrays import Flags, Floats, Matrix
from common.config.training import TrainingParameters
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters
from common.detection.members.trees import average_path_length
from common.detection.preprocessing import Preprocessor
from common.runtime.output import doing, progress
from jobs.if_training.growing import grow, grow_estimator
from jobs.if_training.synthetic_anomalies import Examination

CORRELATED, UNSTABLE, HARMFUL = "correlated", "unstable", "harmful"
TREES = 200


@dataclass(frozen=True)
class Selection:
    """The features to leave out of the forest, with the reason for each, and the figures of the selection."""

    left_out: dict[str, str]
    figures: dict[str, Any]


def select(earlier: Matrix, later: Examination, settings: FitSettings, parameters: TrainingParameters) -> Selection:
    """Features to leave out, found on rows of earlier blocks and an examination of a later one.

    1. `correlated`: |Spearman| above `correlation_max` with a better feature that stays. Of two, that with fewer
       nulls is better, then that with more distinct values, then the first in the order of the features, in which
       the measured values come before deviations and short look-backs before long ones.
    2. `unstable`: forests are grown on bootstraps of the earlier rows. A feature's worth in a forest is by how many
       splits it helps to isolate synthetic anomalies, less ordinary rows. It is unstable when its worth is above 0 in
       less than `stability_min` of the forests that use it.
    3. `harmful`: in a forest of what is left, shuffling the feature among the later rows makes the forest find the
       synthetic anomalies better, in every one of `permutations` shuffles.

    Features that do not vary among the earlier rows are not judged.
    """
    samples = settings.parameters.forest.max_samples
    preprocessor = Preprocessor.fit(earlier, model_features(settings.spec).names, settings.parameters.preprocessing)
    names = np.array(preprocessor.mask)
    scaled = preprocessor.transform(earlier)
    reasons: dict[str, str] = {}

    def leave_out(judged: Flags, reason: str) -> None:
        left = [name for name in names if name not in reasons]
        reasons.update({name: reason for name, out in zip(left, judged, strict=True) if out})

    def staying() -> Flags:
        return np.array([name not in reasons for name in names])

    doing(f"correlations of {len(names)} features")
    leave_out(~uncorrelated(earlier[:, preprocessor.columns], parameters.correlation_max), CORRELATED)
    examined = preprocessor.transform(later.values)
    kept = staying()
    stability = _stability(scaled[:, kept], examined[:, kept], later.synthetic, samples, parameters)
    leave_out(stability < parameters.stability_min, UNSTABLE)
    kept = staying()
    forest = grow_estimator(scaled[:, kept], ForestParameters(TREES, samples, parameters.random_state))
    gains = permutation_gains(
        forest, examined[:, kept], later.synthetic, parameters.permutations, parameters.random_state
    )
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


def _stability(
    earlier: Matrix, examined: Matrix, synthetic: Flags, samples: int, parameters: TrainingParameters
) -> Floats:
    """In which share of the bootstrapped forests that use a feature its worth is above 0; 1 where none uses it."""
    used = np.zeros(earlier.shape[1])
    worthy = np.zeros(earlier.shape[1])
    for number in range(parameters.bootstraps):
        rows = np.random.default_rng([parameters.random_state, number]).integers(0, len(earlier), len(earlier))
        forest = grow(earlier[rows], ForestParameters(TREES, samples, parameters.random_state + number))
        contributions = forest.contributions(examined)
        used += contributions.any(axis=0)
        worthy += contributions[synthetic].mean(axis=0) > contributions[~synthetic].mean(axis=0)
        progress(number + 1, parameters.bootstraps, "forests")
    return np.asarray(np.where(used > 0, worthy / np.maximum(used, 1), 1.0))


def permutation_gains(forest: IsolationForest, rows: Matrix, synthetic: Flags, repeats: int, seed: int) -> Floats:
    """By how much the ROC-AUC of finding synthetic anomalies falls with each column shuffled, (repeats, n_columns).

    Only the trees that split on a column are asked again. A column that no tree splits on has 0.
    """
    trees = [_Tree(entry.tree_) for entry in forest.estimators_]
    splitting: dict[int, list[int]] = {}
    for number, tree in enumerate(trees):
        for column in tree.columns:
            splitting.setdefault(int(column), []).append(number)
    rows = np.ascontiguousarray(rows)
    depths = np.stack([tree.depths(rows) for tree in trees])
    total = depths.sum(axis=0)
    whole = _auc(-total, synthetic)
    gains = np.zeros((repeats, rows.shape[1]))
    doing("permutations")
    for repeat in range(repeats):
        progress(repeat, repeats, "permutations")
        order = np.random.default_rng([seed, repeat]).permutation(len(rows))
        for column, numbers in sorted(splitting.items()):
            kept = rows[:, column].copy()
            rows[:, column] = kept[order]
            changed = sum(trees[number].depths(rows) - depths[number] for number in numbers)
            rows[:, column] = kept
            gains[repeat, column] = whole - _auc(-(total + changed), synthetic)
    return gains


class _Tree:
    """A tree whose leaves know their depth."""

    def __init__(self, tree: object) -> None:
        self._tree = tree
        left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]  # compiled class
        depth = np.zeros(len(left))
        for node in np.flatnonzero(left >= 0):  # a parent's number is lower than its children's
            depth[left[node]] = depth[right[node]] = depth[node] + 1
        self._depths = depth + average_path_length(tree.n_node_samples)  # type: ignore[attr-defined]
        self.columns = np.unique(tree.feature[left >= 0])  # type: ignore[attr-defined]

    def depths(self, rows: Matrix) -> Floats:
        """The depth at which the tree isolates each row."""
        return np.asarray(self._depths[self._tree.apply(rows)])  # type: ignore[attr-defined]


def _auc(scores: Floats, synthetic: Flags) -> float:
    """The ROC-AUC: the share of pairs of a synthetic anomaly and an ordinary row in which the anomaly scores higher."""
    count = int(synthetic.sum())
    return float((rankdata(scores)[synthetic].sum() - count * (count + 1) / 2) / (count * (len(synthetic) - count)))
