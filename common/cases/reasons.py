"""The reasons of predictions, against what is usual for their hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from common.cases.baselines import medians_of, rows_of, subjects
from common.cases.evidence import Evidence, Key, evidence, strongest
from common.cases.wording import REGULAR, feature_names
from common.detection.explanation import Reason
from common.detection.inputs import fg_a_feature
from common.features.spec import FeatureSpec
from common.lake.lake import Lake

REASONS_SHOWN = 5
SHARE_SHOWN = 0.01
SIGNIFICANT = 3.0


@dataclass(frozen=True)
class Scored:
    """What a prediction says: its raw score, its reasons, and its strongest pairs, the strongest first."""

    raw_score: float
    reasons: Sequence[Reason]
    pairs: Sequence[Mapping[str, Any]]

    def pair(self, reason: Reason) -> Mapping[str, Any] | None:
        """The pair that the reason is about: the strongest of its kind; None if it is about none."""
        return next((pair for pair in self.pairs if pair["kind"] == reason.kind), None)


def reasons_of(
    lake: Lake, spec: FeatureSpec, horizon: str, predictions: Mapping[Key, Scored]
) -> dict[Key, tuple[Evidence, ...]]:
    """The strongest reasons of each prediction, with what is usual for its host or segment."""
    shown = {key: _shown(prediction, spec) for key, prediction in predictions.items()}
    names = feature_names(spec)
    features = {
        key: {fg_a_feature(reason.feature) for reason, _ in found} & names.keys() for key, found in shown.items()
    }
    keys = [key for key in predictions if features[key]]  # reasons about pairs alone need no features
    wanted = sorted(set().union(*features.values()))
    values = rows_of(lake, "fg_a", wanted, keys)
    compared = subjects(lake, keys, horizon)
    medians = medians_of(lake, spec.version, horizon, [names[name] for name in wanted], compared.values())
    return {
        key: tuple(
            evidence(
                reason,
                added,
                predictions[key].raw_score,
                names,
                values.get(key, {}),
                medians,
                compared.get(key),
                predictions[key].pair(reason),
            )
            for reason, added in found
        )
        for key, found in shown.items()
    }


def _shown(prediction: Scored, spec: FeatureSpec) -> list[tuple[Reason, float]]:
    """The strongest feature families of a prediction that make up at least one percent of its score."""
    found = strongest([reason for reason in prediction.reasons if _tells(reason, prediction.pair(reason))], spec)
    return [(reason, added) for reason, added in found if added >= SHARE_SHOWN * prediction.raw_score][:REASONS_SHOWN]


def _tells(reason: Reason, pair: Mapping[str, Any] | None) -> bool:
    """Whether a reader learns from the reason: that gaps are regular, only if chance hardly makes them so.

    The evenness of n independent gaps deviates from 0 by about 1 / sqrt(n).
    """
    if reason.feature not in REGULAR:
        return True
    counted = "lasting_windows" if reason.feature == "pair_lasting_even" else "sessions_day"
    found = pair.get(counted, 0) if pair else 0  # models before this release told of no lasting contacts
    return (reason.value or 0.0) * sqrt(max(found - 1, 0)) >= SIGNIFICANT
