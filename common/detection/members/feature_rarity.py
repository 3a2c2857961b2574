"""The feature rarity: how rare a row's strongest deviations are, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Matrix
from common.detection.calibration import ScoreQuantiles, UpperTail
from common.detection.checked import damaged, section, texts
from common.detection.explanation import Explanation
from common.detection.inputs import model_features, rarity_groups
from common.detection.members.forest import chunks
from common.detection.members.member import FitSettings, Samples, shares
from common.detection.parameters import DetectorParameters, RarityParameters


@dataclass(frozen=True, eq=False)
class RarityMember:
    """The feature rarity, whose sums are ranked among those of training."""

    rarity: FeatureRarity
    calibration: ScoreQuantiles

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[RarityMember, Floats]:
        """The member, and the scores of its samples."""
        names, groups = model_features(settings.spec).names, rarity_groups(settings.spec)
        rarity = FeatureRarity.fit(samples.features, names, groups, settings.parameters)
        sums = np.concatenate([rarity.sums(part) for part in chunks(samples.features)])
        member = cls(rarity, ScoreQuantiles.fit(sums, settings.parameters.calibration))
        return member, member.calibration.neg_log10_p(sums)

    def score_samples(self, samples: Samples) -> Floats:
        """-log10 of the share of training rows whose rarities add up to at least as much."""
        return self.calibration.neg_log10_p(self.rarity.sums(samples.features))

    def explain(self, samples: Samples) -> Explanation:
        """The scores, shared out among the features of the rarest groups."""
        scores = self.score_samples(samples)
        credit = self.rarity.contributions(samples.features)
        return Explanation(self.rarity.features, scores, shares(credit) * scores[:, None])


@dataclass(frozen=True, eq=False)
class FeatureRarity:
    """The upper tails of features, and the sum of a row's strongest rarities, one for each group.

    A group is a feature family (a role and a metric); its rarity is the largest among its features: -log10 of the share
    of training rows at or above the value. The sum is over the `strongest` groups. All groups within `credit_log10` of
    the last one that counts are credited with it, the stronger the more: which of several near equals comes first says
    nothing.
    """

    features: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    tails: Mapping[str, UpperTail]
    parameters: RarityParameters

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        features: tuple[str, ...],
        groups: Mapping[str, tuple[str, ...]],
        parameters: DetectorParameters,
    ) -> FeatureRarity:
        """The tails of the grouped features in the unscaled matrix, shape (n_rows, n_features), null as NaN."""
        place = {name: column for column, name in enumerate(features)}
        names = [name for members in groups.values() for name in members]
        tails = {
            name: UpperTail.fit(matrix[:, place[name]].astype(np.float64), parameters.calibration) for name in names
        }
        return cls(features, groups, tails, parameters.rarity)

    def sums(self, matrix: Matrix) -> Floats:
        """The sum of each row's strongest rarities in log10 units, shape (n_rows,)."""
        return np.asarray(self._leading(self.by_family(matrix)).sum(axis=1))

    def by_family(self, matrix: Matrix) -> Floats:
        """The rarity of each feature family in log10 units, shape (n_rows, n_groups)."""
        return self._rarities(matrix)[0]

    def contributions(self, matrix: Matrix) -> Floats:
        """The contribution of each feature, shape (n_rows, n_features); a row adds up to its sum."""
        rarities, winner = self._rarities(matrix)
        leading = self._leading(rarities)
        floor = leading[:, -1:] - self.parameters.credit_log10
        credit = np.where(rarities > 0, np.maximum(rarities - floor, 0.0), 0.0)
        total = credit.sum(axis=1, keepdims=True)
        scale = leading.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        result = np.zeros((len(matrix), len(self.features)))
        result[np.arange(len(matrix))[:, None], winner] = credit * scale
        return result

    def _rarities(self, matrix: Matrix) -> tuple[Floats, NDArray[np.intp]]:
        """The rarity of each group, shape (n_rows, n_groups), and the column that it comes from."""
        shape = (len(matrix), len(self.groups))
        rarities, winner = np.zeros(shape), np.zeros(shape, dtype=np.intp)
        for number, members in enumerate(self.groups.values()):
            columns = np.array([self._place[name] for name in members])
            found = np.stack(
                [
                    self.tails[name].neg_log10_p(matrix[:, column].astype(np.float64), self.parameters.log10_max)
                    for name, column in zip(members, columns, strict=True)
                ],
                axis=1,
            )
            best = np.argmax(found, axis=1)
            rarities[:, number] = found[np.arange(len(matrix)), best]
            winner[:, number] = columns[best]
        return rarities, winner

    def _leading(self, rarities: Floats) -> Floats:
        """The largest ones of each row, largest first, so that their sum does not depend on the groups' order."""
        return np.asarray(-np.sort(-rarities, axis=1)[:, : self.parameters.strongest])

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self.features)}

    def to_dict(self) -> dict[str, Any]:
        """The groups and tails as JSON values."""
        return {
            "groups": {name: list(members) for name, members in self.groups.items()},
            "tails": {name: tail.to_dict() for name, tail in self.tails.items()},
        }

    @classmethod
    def from_dict(cls, raw: Any, features: tuple[str, ...], parameters: RarityParameters) -> FeatureRarity:
        """The groups and tails that `to_dict` wrote, of those features.

        Raises:
            ModelError: they are damaged.
        """
        what = "the feature rarity"
        section(raw, what, "groups", "tails")
        tails = {name: UpperTail.from_dict(tail) for name, tail in section(raw["tails"], what).items()}
        groups = {name: texts(members, what) for name, members in section(raw["groups"], what).items()}
        known = tails.keys() & set(features)
        if not groups or not all(members and known.issuperset(members) for members in groups.values()):
            raise damaged(what)
        return cls(features, groups, tails, parameters)
