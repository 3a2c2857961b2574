"""The spread: how many first contacts and failures a host has in a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.detection.explanation import PieceExplanation
from common.detection.members.member import FitSettings, Samples
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.evidence import spread_evidence, spreads
from common.detection.pairs.explain import explain_spread
from common.detection.pairs.fitting import fit
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.scoring import EvidenceModel, ScoredRows


@dataclass(frozen=True, eq=False)
class SpreadMember:
    """The evidence of counts over a host's pairs: its window has the score of its strongest kind, 0 without pairs."""

    model: EvidenceModel

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[SpreadMember, Floats]:
        """The member, and the scores of its samples, each as if its own day were left out."""
        evidence = spread_evidence(spreads(samples.activity))
        learnt = fit([lambda: evidence], settings.parameters)
        return cls(learnt.model), learnt.scores.of_keys(samples.keys)

    def judge(
        self, activity: pa.Table, common: CommonMaxima | None = None, levels: NetworkLevels | None = None
    ) -> ScoredRows:
        """The counts of each host, kind and window, scored.

        `common` and `levels` say what all hosts do, where these are not all.
        """
        return self._judged(spreads(activity), common, levels)

    def score_samples(self, samples: Samples) -> Floats:
        """-log10 of the p-value, for the host, of the evidence of its counts in the window."""
        if samples.activity is None:
            return np.zeros(len(samples.keys))
        return self._scored(samples.activity, samples).of(samples.keys)

    def explain(self, samples: Samples) -> PieceExplanation:
        """The scores, shared out among the counts."""
        if samples.activity is None:
            return PieceExplanation.nothing(len(samples.keys))
        scored = self._scored(samples.activity, samples)
        return explain_spread(scored, scored.strongest(samples.keys))

    def _scored(self, activity: pa.Table, samples: Samples) -> ScoredRows:
        counts = spreads(activity) if samples.counts is None else samples.counts
        return self._judged(counts, samples.common.get("spread"), samples.levels.get("spread"))

    def _judged(self, counts: pa.Table, common: CommonMaxima | None, levels: NetworkLevels | None) -> ScoredRows:
        rows = self.model.score(spread_evidence(counts), common)
        levels = levels or NetworkLevels.of(HostScores.of_kinds(rows), self.model.parameters.pairs)
        return levels.lowered(rows, self.model.usual_levels)
