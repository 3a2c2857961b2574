"""A model of evidence, learnt from parts of the hosts.

What parts know of each other is small: how many hosts are in a group, the highest of them, and the values above 0. So
the parts are read in passes, one part at a time, and the model is the same however hosts are divided.

Odd habits are looked for first, with all rows compared with other hosts alone. Then their rows are left out of all that
is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from common.arrays import Floats, Integers
from common.detection.host_p_values import HostPValues
from common.detection.pairs.common_maxima import CommonMaxima, Presence
from common.detection.pairs.contacts import LATE
from common.detection.pairs.evidence import KINDS, LASTING, Evidence
from common.detection.pairs.habits import Habits
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.part_rows import EvidencePart, PartRows, cells_of, tails, usual
from common.detection.pairs.prior_maxima import KnownPairs, Pairs, PriorMaxima
from common.detection.pairs.scoring import EvidenceModel, ScoredRows
from common.detection.parameters import DetectorParameters, PairParameters
from common.windows import WINDOWS_PER_DAY


@dataclass(frozen=True, eq=False)
class Learnt:
    """A model, and the scores of the strongest rows that it was learnt from, as if the day of each were left out.

    Rows of odd habits are not among them. `levels` are those of the whole network, by which the scores are lowered.
    """

    model: EvidenceModel
    scores: HostScores
    levels: NetworkLevels
    parts: Sequence[PartRows]

    def rows(self, part: int) -> ScoredRows:
        """All rows of a part, with these scores."""
        rows = self.model.scored(self.parts[part].unscored(self.model), trained=True)
        return self.levels.lowered(rows, self.model.usual_levels)


def fit(parts: Sequence[EvidencePart], parameters: DetectorParameters) -> Learnt:
    """The model of the evidence of all parts, which have different hosts; one part is in memory at a time."""
    training = _Training.of(parts, parameters)
    habits, of_others = Habits.none(), list[PartRows]()
    if parts[0]().among_others:
        habits = training.odd_habits()
    if len(habits.kind):
        training = training.without(habits)
        of_others = training.habits_of_others()
    rows = training.rows()
    loyal = np.unique(np.concatenate([_loyal(part.part(), parameters.pairs) for part in rows]))
    model = EvidenceModel(
        training.maxima, tails(rows + of_others, parameters), {}, np.zeros(0), loyal, habits, parameters
    )
    p_values = _p_values(HostScores.joined([part.usual_sums(model) for part in rows]), parameters)
    sums = HostScores.joined([part.sums(model) for part in rows])
    if of_others:  # a host's own past does not excuse its habits
        found = _p_values(HostScores.joined([part.usual_sums(model) for part in of_others]), parameters)
        p_values |= {f"{kind}_habit": of_all.without_hosts() for kind, of_all in found.items()}
    model = replace(model, p_values=p_values)
    scores = replace(sums, values=model.scores(sums.kind, sums.values, sums.host, trained=True))
    levels = NetworkLevels.of(scores, parameters.pairs)
    model = replace(model, usual_levels=levels.usual(parameters.pairs))
    return Learnt(model, levels.of_scores(scores, model.usual_levels), levels, rows)


def _loyal(evidence: Evidence, parameters: PairParameters) -> Integers:
    """The codes of the hosts that have lasting contacts in `lasting_groups` groups of traffic or more."""
    lasting = np.zeros(len(evidence.kind), dtype=bool)
    for name in set(LASTING).intersection(evidence.amounts):
        lasting |= evidence.amounts[name] > 0
    rows = np.flatnonzero(lasting)
    pairs = np.unique(np.stack([evidence.host.values[rows], evidence.group.values[rows]]), axis=1)
    hosts, groups = np.unique_counts(pairs[0])
    return np.asarray(hosts[groups >= parameters.lasting_groups], dtype=np.int64)


def _p_values(sums: HostScores, parameters: DetectorParameters) -> dict[str, HostPValues]:
    """The p-values of the sums of each kind."""
    return {
        label: HostPValues.fit(sums.values[mine], sums.host[mine], parameters.calibration)
        for number, label in enumerate(KINDS)
        if (mine := sums.kind == number).any()
    }


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
        cells = cells_of(evidence, first_day)
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
class _Training:
    """Parts to learn from, with what is the same whatever habits are left out: crowds, floors, and the first day."""

    parts: Sequence[EvidencePart]
    common: CommonMaxima
    first_day: int
    floors: Mapping[str, Floats]
    parameters: DetectorParameters

    @classmethod
    def of(cls, parts: Sequence[EvidencePart], parameters: DetectorParameters) -> _Training:
        first_day = min(int(part().window.min(initial=LATE)) for part in parts) // WINDOWS_PER_DAY
        return cls(
            parts, common_maxima(parts, parameters.pairs), first_day, _floors(parts, parameters.pairs), parameters
        )

    @cached_property
    def _known(self) -> tuple[dict[str, PriorMaxima], list[dict[str, Floats]], list[Pairs]]:
        """The prior maxima; and for each part what others than its own host reached by each pair, and its pairs."""
        reached = [_Reached.of(part(), self.first_day) for part in self.parts]
        maxima, others = _maxima(reached, self.floors, self.parameters.pairs)
        of_parts = [{name: found[number] for name, found in others.items()} for number in range(len(reached))]
        return maxima, of_parts, [part.pairs for part in reached]

    @property
    def maxima(self) -> dict[str, PriorMaxima]:
        """The prior maxima of each amount."""
        return self._known[0]

    def without(self, habits: Habits) -> _Training:
        """The same without the rows of these habits."""
        return replace(self, parts=[partial(_left_out, part, habits) for part in self.parts])

    def rows(self) -> list[PartRows]:
        """The rows of each part, compared with what their own host did on other days, and what others did."""
        return [
            PartRows.of(part, others, self.first_day, self.common, self.floors, self.parameters.pairs)
            for part, others in zip(self.parts, self._known[1], strict=True)
        ]

    def habits_of_others(self) -> list[PartRows]:
        """The rows that hosts began, of each part, compared with what others did alone."""
        found = []
        for part, others, pairs in zip(self.parts, *self._known[1:], strict=True):
            began = pairs.kind < KINDS.index("inbound")
            begun = {name: values[began] for name, values in others.items()}
            found.append(
                PartRows.of(
                    partial(_as_habits, part), begun, self.first_day, self.common, self.floors, self.parameters.pairs
                )
            )
        return found

    def odd_habits(self) -> Habits:
        """Those of all parts."""
        rows = self.habits_of_others()
        nobody = np.zeros(0, dtype=np.int64)
        model = EvidenceModel(
            self.maxima, tails(rows, self.parameters), {}, np.zeros(0), nobody, Habits.none(), self.parameters
        )
        least = self.parameters.pairs.habit_days

        def habits(part: PartRows) -> Habits:
            found = usual(part.unscored(model))
            return Habits.of(cells_of(found.evidence, self.first_day), found.sums, least)

        return Habits.joined([habits(part) for part in rows]).odd(self.parameters.pairs)


def _left_out(part: EvidencePart, habits: Habits) -> Evidence:
    return habits.left_out(part())


def _as_habits(part: EvidencePart) -> Evidence:
    """The rows of a part that its hosts began, as habits."""
    evidence = part()
    evidence = evidence.of_rows(np.flatnonzero(evidence.kind < KINDS.index("inbound")))
    return evidence.with_habits(np.ones(len(evidence.kind), dtype=bool))
