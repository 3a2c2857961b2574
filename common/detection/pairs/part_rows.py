"""The rows of a part of the hosts, as what a model is learnt from: little of them is in memory between passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.arrays import Floats, Integers
from common.detection.calibration import UpperTail
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.evidence import LABELS, NOVELTY, Evidence
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.prior_maxima import Cells
from common.detection.pairs.scoring import (
    EvidenceModel,
    Positive,
    ScoredRows,
    excess,
    rarities_of,
    strongest,
    tail_name,
    threats_of,
    without_lasting,
)
from common.detection.parameters import DetectorParameters, PairParameters
from common.windows import WINDOWS_PER_DAY

EvidencePart = Callable[[], Evidence]
"""Reads the evidence of a part of the hosts; its columns of values may be read when they are asked for."""


@dataclass(frozen=True, eq=False)
class PartRows:
    """The excesses of a part's rows; by label, how often each value of a rarity or of a threat occurs; by context, how
    many rows.
    """

    part: EvidencePart
    excesses: Mapping[str, Positive]
    rarities: Mapping[str, Sequence[tuple[Floats, Integers]]]
    rows: Integers

    @classmethod
    def of(
        cls,
        part: EvidencePart,
        others: Mapping[str, Floats],
        first_day: int,
        common: CommonMaxima,
        floors: Mapping[str, Floats],
        parameters: PairParameters,
    ) -> PartRows:
        """Those of a part, by what others than the host reached; of habits, by that alone."""
        evidence = part()
        cells, kind, excesses = cells_of(evidence, first_day), evidence.kind, {}
        for name, of_crowds in common.maxima(evidence).items():
            amount = evidence.amounts[name]
            own = np.where(evidence.habit, -np.inf, cells.without_own_day(amount))
            known = np.maximum(own, cells.of_pairs(others[name]))
            most = np.maximum.reduce([known, floors[name][kind], of_crowds])
            excesses[name] = excess(evidence, name, amount, most, parameters)
        rarities = {}
        for name, found in (rarities_of(evidence) | threats_of(evidence)).items():
            each = (found.values[found.context == number * len(NOVELTY)] for number in range(len(LABELS)))
            rarities[name] = [np.unique(values, return_counts=True) for values in each]
        return cls(part, excesses, rarities, np.bincount(evidence.contexts, minlength=len(LABELS) * len(NOVELTY)))

    def rarity(self, name: str, label: int) -> Floats:
        """The values above 0 of a rarity of a label."""
        repeated: Floats = np.repeat(*self.rarities[name][label])
        return repeated

    def excess(self, name: str, context: int) -> Floats:
        """The values above 0 of an excess in a context."""
        found = self.excesses[name]
        return np.asarray(found.values[found.context == context])

    def unscored(self, model: EvidenceModel) -> ScoredRows:
        """The rows with their pieces and without scores."""
        return model.unscored(self.part(), self.excesses, {})

    def sums(self, model: EvidenceModel) -> HostScores:
        """The sums of the pieces of the strongest rows."""
        found = self.unscored(model)
        return HostScores.of_rows(found, found.sums)

    def usual_sums(self, model: EvidenceModel) -> HostScores:
        """The same as if no contact lasted."""
        found = usual(self.unscored(model))
        return HostScores.of_rows(found, found.sums)


def usual(rows: ScoredRows) -> ScoredRows:
    """The rows as if no contact lasted.

    Few contacts last, and their sums are high: among these, all else would be less rare than it is.
    """
    every = np.ones(len(rows.pieces), dtype=bool)
    pieces = without_lasting(rows.pieces, rows.names, rows.evidence, every)
    return replace(rows, pieces=pieces, best=strongest(pieces.sum(axis=1), rows.evidence))


def tails(parts: Sequence[PartRows], parameters: DetectorParameters) -> dict[str, UpperTail]:
    """The upper tails of each rarity of each label, of each excess in each context; one's values are held at a time.

    A context of few rows has no tail of its own.
    """
    rows: Integers = np.sum([part.rows for part in parts], axis=0)
    found: dict[str, UpperTail] = {}

    def add(context: int, name: str, count: int, values: Sequence[Floats]) -> None:
        positive = np.concatenate(values)
        tail = UpperTail.of_positive(positive, count - len(positive), parameters.calibration)
        found[tail_name(context, name)] = tail

    for label, count in enumerate(rows.reshape(-1, len(NOVELTY)).sum(axis=1).tolist()):
        for name in parts[0].rarities if count else ():
            add(label * len(NOVELTY), name, count, [part.rarity(name, label) for part in parts])
    for context, count in enumerate(rows.tolist()):
        least = parameters.pairs.context_rows if context % len(NOVELTY) else 1
        for name in parts[0].excesses if count >= least else ():
            add(context, name, count, [part.excess(name, context) for part in parts])
    return found


def cells_of(evidence: Evidence, first_day: int) -> Cells:
    """The cells of the evidence."""
    return Cells.of(evidence.group, evidence.host, evidence.window // WINDOWS_PER_DAY - first_day, evidence.kind)
