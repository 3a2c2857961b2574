"""A model of evidence, learnt from parts of the hosts.

What parts know of each other is small: how many hosts are in a group, the highest of them, and the values above 0. So
the parts are read in three passes, one part at a time, and the model is the same however hosts are divided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.arrays import Floats, Integers
from common.detection.calibration import UpperTail
from common.detection.host_p_values import HostPValues
from common.detection.pairs.common_maxima import CommonMaxima, Presence
from common.detection.pairs.contacts import LATE
from common.detection.pairs.evidence import KINDS, NOVELTY, Evidence
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.prior_maxima import Cells, KnownPairs, Pairs, PriorMaxima
from common.detection.pairs.scoring import EvidenceModel, Positive, ScoredRows, excess, rarities_of, tail_name
from common.detection.parameters import DetectorParameters, PairParameters
from common.windows import WINDOWS_PER_DAY

EvidencePart = Callable[[], Evidence]
"""Reads the evidence of a part of the hosts; its columns of values may be read when they are asked for."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """A model, and the scores of the strongest rows that it was learnt from, as if the day of each were left out."""

    model: EvidenceModel
    scores: HostScores
    parts: Sequence[_PartRows]

    def rows(self, part: int) -> ScoredRows:
        """All rows of a part, with these scores."""
        return self.model.scored(self.parts[part].unscored(self.model), trained=True)


def fit(parts: Sequence[EvidencePart], parameters: DetectorParameters) -> Learnt:
    """The model of the evidence of all parts, which have different hosts; one part is in memory at a time."""
    common = common_maxima(parts, parameters.pairs)
    first_day = min(int(part().window.min(initial=LATE)) for part in parts) // WINDOWS_PER_DAY
    floors = _floors(parts, parameters.pairs)
    reached = [_Reached.of(part(), first_day) for part in parts]
    maxima, others = _maxima(reached, floors, parameters.pairs)
    del reached
    rows = [
        _PartRows.of(part, {name: of_parts[number] for name, of_parts in others.items()}, first_day, common, floors)
        for number, part in enumerate(parts)
    ]
    model = EvidenceModel(maxima, _tails(rows, parameters), {}, parameters)
    sums = HostScores.joined([HostScores.of_rows(found := part.unscored(model), found.sums) for part in rows])
    p_values = {
        label: HostPValues.fit(sums.values[mine], sums.host[mine], parameters.calibration)
        for number, label in enumerate(KINDS)
        if (mine := sums.kind == number).any()
    }
    model = replace(model, p_values=p_values)
    scores = model.scores(sums.kind, sums.values, sums.host, trained=True)
    return Learnt(model, replace(sums, values=scores), rows)


def common_maxima(parts: Sequence[EvidencePart], parameters: PairParameters) -> CommonMaxima:
    """What many hosts do at once, by the evidence of all parts."""

    def present(part: EvidencePart) -> Presence:
        evidence = part()
        return Presence.of(evidence.group, evidence.host, evidence.window)

    crowds = Presence.merged([present(part) for part in parts]).crowds(parameters)
    return CommonMaxima.merged(crowds, [crowds.leaders(part(), parameters.leaders) for part in parts])


def _floors(parts: Sequence[EvidencePart], parameters: PairParameters) -> dict[str, Floats]:
    """The floor of each amount in each kind: one column of all parts is held at a time."""

    def floor(name: str) -> Floats:
        def by_kind(part: EvidencePart) -> list[Floats]:
            evidence = part()
            values = evidence.amounts[name]
            return [values[evidence.kind == number] for number in range(len(KINDS))]

        columns = zip(*map(by_kind, parts), strict=True)
        return np.array([_quantile(np.concatenate(column), parameters.floor_quantile) for column in columns])

    return {name: floor(name) for name in parts[0]().amounts}


def _quantile(values: Floats, level: float) -> float:
    return float(np.quantile(values, level, overwrite_input=True)) if len(values) else 0.0


@dataclass(frozen=True, eq=False)
class _Reached:
    """The pairs of a part, and what each of them reached at most, by the names of amounts."""

    pairs: Pairs
    best: Mapping[str, Floats]

    @classmethod
    def of(cls, evidence: Evidence, first_day: int) -> _Reached:
        cells = _cells(evidence, first_day)
        return cls(cells.pairs, {name: cells.best_days(values)[0] for name, values in evidence.amounts.items()})


def _maxima(
    parts: Sequence[_Reached], floors: Mapping[str, Floats], parameters: PairParameters
) -> tuple[dict[str, PriorMaxima], dict[str, list[Floats]]]:
    """The prior maxima of each amount, and what others than its own host reached by each pair of each part."""
    known = KnownPairs.of([part.pairs for part in parts])
    bounds = np.cumsum([len(part.pairs.kind) for part in parts])[:-1]
    maxima, others = {}, {}
    for name, floor in floors.items():
        best = np.concatenate([part.best[name] for part in parts])
        maxima[name], of_others = PriorMaxima.fit(known, best, floor, parameters)
        others[name] = np.split(of_others, bounds)
    return maxima, others


@dataclass(frozen=True, eq=False)
class _PartRows:
    """The excesses of a part's rows; by kind, how often each value of a rarity occurs; by context, how many rows."""

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
    ) -> _PartRows:
        """Those of a part, by what others than the host reached."""
        evidence = part()
        cells, kind, excesses = _cells(evidence, first_day), evidence.kind, {}
        for name, of_crowds in common.maxima(evidence).items():
            amount = evidence.amounts[name]
            known = np.maximum(cells.without_own_day(amount), cells.of_pairs(others[name]))
            excesses[name] = excess(evidence, amount, np.maximum.reduce([known, floors[name][kind], of_crowds]))
        rarities = {}
        for name, found in rarities_of(evidence).items():
            each = (found.values[found.context == number * len(NOVELTY)] for number in range(len(KINDS)))
            rarities[name] = [np.unique(values, return_counts=True) for values in each]
        return cls(part, excesses, rarities, np.bincount(evidence.contexts, minlength=len(KINDS) * len(NOVELTY)))

    def rarity(self, name: str, kind: int) -> Floats:
        """The values above 0 of a rarity in a kind."""
        repeated: Floats = np.repeat(*self.rarities[name][kind])
        return repeated

    def excess(self, name: str, context: int) -> Floats:
        """The values above 0 of an excess in a context."""
        found = self.excesses[name]
        return np.asarray(found.values[found.context == context])

    def unscored(self, model: EvidenceModel) -> ScoredRows:
        """The rows with their pieces and without scores."""
        evidence = self.part()
        return model.unscored(evidence, rarities_of(evidence) | dict(self.excesses), {})


def _tails(parts: Sequence[_PartRows], parameters: DetectorParameters) -> dict[str, UpperTail]:
    """The upper tails of each rarity in each kind, of each excess in each context; one's values are held at a time.

    A context of few rows has no tail of its own.
    """
    rows: Integers = np.sum([part.rows for part in parts], axis=0)
    found: dict[str, UpperTail] = {}

    def add(context: int, name: str, count: int, values: Sequence[Floats]) -> None:
        positive = np.concatenate(values)
        tail = UpperTail.of_positive(positive, count - len(positive), parameters.calibration)
        found[tail_name(context, name)] = tail

    for kind, count in enumerate(rows.reshape(-1, len(NOVELTY)).sum(axis=1).tolist()):
        for name in parts[0].rarities if count else ():
            add(kind * len(NOVELTY), name, count, [part.rarity(name, kind) for part in parts])
    for context, count in enumerate(rows.tolist()):
        least = parameters.pairs.context_rows if context % len(NOVELTY) else 1
        for name in parts[0].excesses if count >= least else ():
            add(context, name, count, [part.excess(name, context) for part in parts])
    return found


def _cells(evidence: Evidence, first_day: int) -> Cells:
    """The cells of the evidence."""
    return Cells.of(evidence.group, evidence.host, evidence.window // WINDOWS_PER_DAY - first_day, evidence.kind)
