"""The protocol of a member: it is fitted on samples, scores them, and explains the scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Matrix
from common.detection.explanation import Explanation
from common.detection.members.trees import Forest
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.parameters import DetectorParameters
from common.features.spec import FeatureSpec


@dataclass(frozen=True)
class ForestParameters:
    """How the forest is grown: number of trees, rows drawn for each tree, seed, and processor cores."""

    n_estimators: int
    max_samples: int
    random_state: int
    n_jobs: int = 2


@dataclass(frozen=True, eq=False)
class Samples:
    """Windows of hosts, with the features of each, its pairs, or both.

    `keys` has `host_ip` and `window_start_ts`; `features` the columns of `model_features`, in the order of the keys;
    `activity` the rows of `read_activity` of these windows, each once, or None without any. Where these are only the
    foremost (see `ScoredRows`), `counts` has the `spreads` of all. Where they are not of all hosts, `common` says by
    member what all hosts of these windows do, and `levels` how high they score.
    """

    keys: pa.Table = field(default_factory=lambda: pa.table({}))
    features: Matrix = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    activity: pa.Table | None = None
    counts: pa.Table | None = None
    common: Mapping[str, CommonMaxima] = field(default_factory=dict)
    levels: Mapping[str, NetworkLevels] = field(default_factory=dict)

    def part(self, start: int, count: int) -> Samples:
        """The features of a slice of the windows, without their pairs."""
        return Samples(self.keys.slice(start, count), self.features[start : start + count])


@dataclass(frozen=True, eq=False)
class FitSettings:
    """The settings of a fit: the constants, the features' names and groups, and the forest.

    `grow` makes a forest of a scaled matrix; it is handed over because only training has the library that grows trees.
    The forest does without the features of `left_out`, which maps them to the reason.
    """

    parameters: DetectorParameters
    spec: FeatureSpec
    forest: ForestParameters
    grow: Callable[[Matrix, ForestParameters], Forest]
    left_out: Mapping[str, str] = field(default_factory=dict)


class Member(Protocol):
    """A member of the detector.

    Its score is -log10 of a p-value, the share of normal behaviour that is at least as anomalous: higher is more
    anomalous, 0 is ordinary. So the scores of all members can be weighted and added.
    """

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[Self, Floats]:
        """The member, and the scores of the samples that it was fitted on."""
        ...

    def score_samples(self, samples: Samples) -> Floats:
        """The score of each sample, shape (n_rows,)."""
        ...

    def explain(self, samples: Samples) -> Explanation:
        """The score of each sample, and what each of the member's inputs contributed to it."""
        ...


def shares(contributions: Floats) -> Floats:
    """The positive parts, each row divided by its sum; rows without any stay 0."""
    positive = np.maximum(contributions, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    return np.asarray(positive / np.where(total > 0, total, 1.0))
