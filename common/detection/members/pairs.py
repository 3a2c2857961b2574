"""The pairs: how new, how rare and how far beyond its prior maxima a host's traffic with each peer is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.detection.explanation import PieceExplanation
from common.detection.members.member import FitSettings, Samples
from common.detection.pairs.coded_columns import codes
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.evidence import pair_evidence
from common.detection.pairs.explain import explain_pairs
from common.detection.pairs.fitting import fit
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.scoring import EvidenceModel, ScoredRows
from common.detection.parameters import PairParameters


@dataclass(frozen=True, eq=False)
class PairsMember:
    """The evidence of single pairs: a host's window has the score of its strongest pair, 0 without any."""

    model: EvidenceModel

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[PairsMember, Floats]:
        """The member, and the scores of its samples, each as if its own day were left out."""
        evidence = pair_evidence(samples.activity, settings.parameters.pairs)
        learnt = fit([lambda: evidence], settings.parameters)
        return cls(learnt.model), learnt.scores.of_keys(samples.keys)

    def judge(
        self, activity: pa.Table, common: CommonMaxima | None = None, levels: NetworkLevels | None = None
    ) -> ScoredRows:
        """The pairs themselves, scored; `common` and `levels` say what all hosts do, where these are not all."""
        rows = self.model.score(pair_evidence(activity, self.model.parameters.pairs), common)
        levels = levels or NetworkLevels.of(HostScores.of_kinds(rows), self.model.parameters.pairs)
        return levels.lowered(rows, self.model.usual_levels)

    def score_samples(self, samples: Samples) -> Floats:
        """-log10 of the p-value, for the host, of the evidence of its strongest pair in the window."""
        if samples.activity is None:
            return np.zeros(len(samples.keys))
        return self._judged(samples.activity, samples).of(samples.keys)

    def explain(self, samples: Samples) -> PieceExplanation:
        """The scores, shared out among the pieces of the strongest pair's evidence; and the strongest pairs."""
        if samples.activity is None:
            return PieceExplanation.nothing(len(samples.keys))
        scored = self._judged(samples.activity, samples)
        strongest = scored.strongest(samples.keys)
        return explain_pairs(samples.keys, scored, strongest, self.model.parameters.pairs)

    def _judged(self, activity: pa.Table, samples: Samples) -> ScoredRows:
        return self.judge(activity, samples.common.get("pairs"), samples.levels.get("pairs"))


def pair_samples(activity: pa.Table, parameters: PairParameters) -> Samples:
    """The hosts' windows of a training range that pairs and spread are fitted on.

    The first `history_share` of the range only serves as history: without history, everything is new.
    """
    window = activity["window_number"].to_numpy()
    late = window >= window.min() + parameters.history_share * (window.max() + 1 - window.min())
    activity = activity.filter(pa.array(late))
    return Samples(keys=windows_of(activity), activity=activity)


def windows_of(activity: pa.Table) -> pa.Table:
    """Each host and window of the activity once, in the order of their first rows."""
    (at,) = codes(activity, columns=["host_ip", "window_start_ts"])
    first = np.sort(np.unique(at, return_index=True)[1])
    schema = pa.schema([("host_ip", pa.string()), ("window_start_ts", pa.timestamp("us", "UTC"))])
    return activity.select(schema.names).take(pa.array(first)).cast(schema)
