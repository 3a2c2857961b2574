"""From evidence to scores: a model fitted on evidence, and how rare rows are under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.detection.calibration import UpperTail
from common.detection.checked import damaged, floats, section
from common.detection.host_p_values import HostPValues
from common.detection.pairs.coded_columns import codes
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.contacts import changes, places
from common.detection.pairs.evidence import DAY_COUNTS, KINDS, LABELS, LASTING, NOVELTY, THREAT, Evidence
from common.detection.pairs.habits import Habits
from common.detection.pairs.prior_maxima import PriorMaxima, begins_of
from common.detection.parameters import DetectorParameters, PairParameters
from common.detection.registry.tensors import Arrays, vector


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Evidence, and the scores of its rows: -log10 of the p-value of the sum of the row's pieces.

    Only `best`, the strongest rows of each host, window and kind, have a score; the others have 0. `pieces` has the
    shape (n_rows, n_pieces); `maxima` are the prior maxima of the amounts, by name. `lowered_by` is how much higher
    each score would be if the whole network were as usual in the window (see `NetworkLevels`).
    """

    evidence: Evidence
    names: tuple[str, ...]
    pieces: Floats
    maxima: Mapping[str, Floats]
    scores: Floats
    best: Integers
    lowered_by: Floats

    @cached_property
    def sums(self) -> Floats:
        """The sum of each row's pieces, in log10 units."""
        return np.asarray(self.pieces.sum(axis=1))

    def foremost(self, count: int) -> Integers:
        """The rows that reasons can be about: the strongest, and the `count` highest sums of each host and window.

        Scored by themselves, they score and are explained as among all.
        """
        evidence, some = self.evidence, np.flatnonzero(self.sums > 0)
        some = some[np.lexsort((-self.sums[some], evidence.window[some], evidence.host.numbers[some]))]
        begins = np.union1d(changes(evidence.host.numbers[some]), changes(evidence.window[some]))
        rank = np.arange(len(some)) - np.repeat(begins, np.diff(begins, append=len(some)))
        return np.union1d(self.best, some[rank < count])

    def strongest(self, keys: pa.Table) -> tuple[Integers, Flags]:
        """The row with the highest score of each key (a host and a window), and which keys have any row."""
        at, known = codes(keys, self.evidence.rows, columns=["host_ip", "window_start_ts"])
        order = self.best[np.lexsort((-self.sums[self.best], -self.scores[self.best], known[self.best]))]
        place, found = places(known[order], at)
        return order[place] if len(order) else place, found

    def of(self, keys: pa.Table) -> Floats:
        """The highest score of each key; 0 where it has no row."""
        row, found = self.strongest(keys)
        return np.where(found, self.scores[row], 0.0) if len(self.scores) else np.zeros(len(keys))


@dataclass(frozen=True, eq=False)
class Positive:
    """The values above 0 of a column: the numbers of their rows, and the contexts of these (see `Evidence`)."""

    rows: NDArray[np.int32]
    context: NDArray[np.int8]
    values: Floats

    @classmethod
    def of(cls, column: Floats, context: Integers) -> Positive:
        """Those of a column of rows of these contexts."""
        rows = np.flatnonzero(column > 0)
        return cls(rows.astype(np.int32), context[rows].astype(np.int8), column[rows])


@dataclass(frozen=True, eq=False)
class EvidenceModel:
    """The prior maxima of amounts, the upper tails of all pieces, and the p-values of their sum, by label.

    A row's pieces are -log10 of the share of training rows of its kind that have at least as much, at most
    `log10_max` each: rarities among all of them, excesses among those that are as new. An excess beyond all of training
    has up to `log10_beyond` more, as its tail goes on, if the host began it. A host's window counts with its strongest
    row of each kind; how rare that is for the host and for all is its score. A row of odd `habits` is compared with
    what other hosts do alone: it has taught nothing, and its host's past does not excuse it. `usual_levels` has the
    level of the whole network that training windows hardly exceed, for each of `KINDS` (see `NetworkLevels`). The
    contacts of `loyal` hosts, whose codes rise, last as a matter of course, and are no evidence.
    """

    maxima: Mapping[str, PriorMaxima]
    tails: Mapping[str, UpperTail]
    p_values: Mapping[str, HostPValues]
    usual_levels: Floats
    loyal: Integers
    habits: Habits
    parameters: DetectorParameters

    def score(self, evidence: Evidence, common: CommonMaxima | None = None) -> ScoredRows:
        """The rows of the evidence, scored by themselves, whatever the whole network does.

        Where they are not of all hosts, `common` says what all of them do.
        """
        common = common or CommonMaxima.of(evidence, self.parameters.pairs)
        evidence = self.habits.marked(evidence)
        of_crowds = common.maxima(evidence)
        at = next(iter(self.maxima.values())).places(evidence.group, evidence.host)
        maxima, excesses = {}, {}
        for name, amount in evidence.amounts.items():
            maxima[name] = np.maximum(self.maxima[name].of(at, evidence.kind), of_crowds[name])
            excesses[name] = excess(evidence, name, amount, maxima[name], self.parameters.pairs)
        return self.scored(self.unscored(evidence, excesses, maxima))

    def unscored(
        self, evidence: Evidence, excesses: Mapping[str, Positive], maxima: Mapping[str, Floats]
    ) -> ScoredRows:
        """The pieces of the evidence with these excesses, and the strongest rows, which have no scores yet."""
        values = {**rarities_of(evidence), **excesses, **threats_of(evidence)}
        pieces = self._pieces(values, len(evidence.kind))
        loyal = places(self.loyal, evidence.host.values)[1]
        pieces = without_lasting(pieces, tuple(values), evidence, loyal)
        best = strongest(pieces.sum(axis=1), evidence)
        nothing = np.zeros(len(pieces))
        return ScoredRows(evidence, tuple(values), pieces, maxima, nothing, best, nothing)

    def scored(self, rows: ScoredRows, trained: bool = False) -> ScoredRows:
        """The strongest rows with their scores."""
        best, evidence = rows.best, rows.evidence
        scores = np.zeros(len(rows.scores))
        scores[best] = self.scores(evidence.label[best], rows.sums[best], evidence.host.values[best], trained)
        return replace(rows, scores=scores)

    def scores(self, label: Integers, sums: Floats, hosts: Integers, trained: bool = False) -> Floats:
        """Those of sums of pieces, by the codes of hosts: 0 without evidence, and of a label that training had not."""
        found = np.zeros(len(sums))
        for number, name in enumerate(LABELS):
            mine = (label == number) & (sums > 0)
            if mine.any() and (p_values := self.p_values.get(name)):
                found[mine] = p_values.neg_log10_p(sums[mine], hosts[mine], trained)
        return found

    def _pieces(self, values: Mapping[str, Positive], rows: int) -> Floats:
        """The piece of each value, shape (n_rows, n_values); 0 for none."""
        found = np.zeros((rows, len(values)))
        pairs = self.parameters.pairs
        for column, (name, positive) in enumerate(values.items()):
            for context in np.flatnonzero(np.bincount(positive.context)).tolist():
                if tail := self._tail(context, name):
                    mine = positive.context == context
                    above, began = positive.values[mine], not LABELS[context // len(NOVELTY)].startswith("inbound")
                    if name not in self.maxima:  # where more hosts are than in training, nothing is rarer than there
                        above = np.minimum(above, tail.values.max(initial=0.0))
                    beyond = pairs.log10_beyond if name in self.maxima and began else 0.0
                    pieces = tail.neg_log10_p(above, pairs.log10_max, beyond, self.parameters.calibration.tail_rows_max)
                    found[positive.rows[mine], column] = pieces
        _bound_threats(found, tuple(values))
        return found

    def _tail(self, context: int, piece: str) -> UpperTail | None:
        """That of the context, or of a less new one where training had too few rows; None if it had none at all."""
        label, newest = divmod(context, len(NOVELTY))
        tails = (self.tails.get(tail_name(label * len(NOVELTY) + newness, piece)) for newness in range(newest, -1, -1))
        return next((tail for tail in tails if tail), None)

    def to_dict(self) -> dict[str, Any]:
        """What the model holds beside `arrays`, as JSON values."""
        return {
            "tails": {name: tail.to_dict() for name, tail in self.tails.items()},
            "p_values": {name: p_values.to_dict() for name, p_values in self.p_values.items()},
            "usual_levels": self.usual_levels.tolist(),
        }

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The rest, as arrays whose names begin with `name`; the amounts have groups and hosts in common."""
        first = next(iter(self.maxima.values()))
        found: dict[str, NDArray[Any]] = {
            f"{name}.{part}": getattr(first, part) for part in ("groups", "hosts", "counts")
        }
        for amount, maxima in self.maxima.items():
            found |= maxima.arrays(f"{name}.{amount}")
        for label, p_values in self.p_values.items():
            found |= p_values.arrays(f"{name}.{label}")
        return found | {f"{name}.loyal": self.loyal} | self.habits.arrays(f"{name}.habits")

    @classmethod
    def from_parts(
        cls, raw: Any, arrays: Arrays, name: str, amounts: Sequence[str], parameters: DetectorParameters
    ) -> EvidenceModel:
        """The model that `to_dict` and `arrays` gave, of evidence with these amounts.

        Raises:
            ModelError: it is damaged.
        """
        section(raw, name, "tails", "p_values", "usual_levels")
        groups, hosts = (vector(arrays, f"{name}.{part}", "<i8") for part in ("groups", "hosts"))
        counts, most = vector(arrays, f"{name}.counts", "u1"), parameters.pairs.leaders
        loyal = vector(arrays, f"{name}.loyal", "<i8")
        rising = all((codes[1:] > codes[:-1]).all() for codes in (groups, hosts, loyal))
        if not rising or len(counts) != len(groups) or not ((counts >= 1) & (counts <= most)).all():
            raise damaged(f"the groups of {name}")
        common = groups, hosts, begins_of(counts)
        maxima = {amount: PriorMaxima.from_arrays(arrays, f"{name}.{amount}", *common) for amount in amounts}
        tails = {key: UpperTail.from_dict(tail) for key, tail in section(raw["tails"], name).items()}
        p_values = {
            key: HostPValues.from_parts(entry, arrays, f"{name}.{key}", parameters.calibration)
            for key, entry in section(raw["p_values"], name).items()
        }
        usual = floats(raw["usual_levels"], f"the usual levels of {name}", len(KINDS), least=parameters.pairs.level_min)
        return cls(maxima, tails, p_values, usual, loyal, Habits.from_arrays(arrays, f"{name}.habits"), parameters)


def strongest(sums: Floats, evidence: Evidence) -> Integers:
    """The row with the highest sum of each host, window and label; the first of equals."""
    window = evidence.window - evidence.window.min(initial=2**40)
    cell = (evidence.host.numbers * (int(window.max(initial=0)) + 1) + window) * len(LABELS) + evidence.label
    order = np.lexsort((-sums, cell))
    return order[changes(cell[order])]


def without_lasting(pieces: Floats, names: Sequence[str], evidence: Evidence, rows: Flags) -> Floats:
    """The pieces, in these rows as if no contact lasted: without what lasts, and without its rarity.

    It is rare though it is not new any more. Rows of habits stay as they are.
    """
    of_lasting = [number for number, name in enumerate(names) if name in LASTING]
    rarities = [names.index(name) for name in evidence.rarities]
    lasting = np.flatnonzero((pieces[:, of_lasting] > 0).any(axis=1) & ~evidence.habit & rows)
    if not len(lasting):
        return pieces
    found = np.array(pieces)
    found[lasting[:, None], [*rarities, *of_lasting]] = 0.0
    _bound_threats(found, names)
    return found


def _bound_threats(pieces: Floats, names: Sequence[str]) -> None:
    """Lowers the piece of a threat to what all others of the row are together: it is never evidence alone."""
    if THREAT in names:
        threat = names.index(THREAT)
        rows = np.flatnonzero(pieces[:, threat])
        others = np.delete(pieces[rows], threat, axis=1).sum(axis=1)
        pieces[rows, threat] = np.minimum(pieces[rows, threat], others)


def excess(evidence: Evidence, name: str, values: Floats, maxima: Floats, parameters: PairParameters) -> Positive:
    """By how much values of an amount exceed the prior maxima; common rows do not, nor what chance does to counts."""
    found = values - maxima
    least = parameters.chance_excess if name in DAY_COUNTS else 0.0
    return Positive.of(np.where(evidence.common | (found <= least), 0.0, found), evidence.contexts)


def rarities_of(evidence: Evidence) -> dict[str, Positive]:
    """The rarities of the evidence, which count among all rows of a label, however new."""
    return {name: Positive.of(column, evidence.label * len(NOVELTY)) for name, column in evidence.rarities.items()}


def threats_of(evidence: Evidence) -> dict[str, Positive]:
    """The severities of threats, where rows can have any; they count among all rows of a label, too."""
    if evidence.threat is None:
        return {}
    return {THREAT: Positive.of(evidence.threat.astype(np.float64), evidence.label * len(NOVELTY))}


def tail_name(context: int, piece: str) -> str:
    """The name of the tail of a piece in a context."""
    label, novelty = divmod(context, len(NOVELTY))
    return " ".join((LABELS[label], *NOVELTY[1:][novelty - 1 : novelty], piece))
