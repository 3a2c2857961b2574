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
from common.detection.calibration import HostPValues, UpperTail
from common.detection.checked import section
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.contacts import changes, places
from common.detection.pairs.evidence import KINDS, Coded, Evidence, codes
from common.detection.pairs.prior_maxima import Cells, PriorMaxima
from common.detection.parameters import DetectorParameters
from common.detection.registry.tensors import Arrays, of_texts, texts_in
from common.windows import WINDOWS_PER_DAY


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Evidence, and the scores of its rows: -log10 of the p-value of the sum of the row's pieces.

    Only `best`, the strongest rows of each host, window and kind, have a score; the others have 0. `pieces` has the
    shape (n_rows, n_pieces); `maxima` are the prior maxima of the amounts, by name.
    """

    evidence: Evidence
    names: tuple[str, ...]
    pieces: Floats
    maxima: Mapping[str, Floats]
    scores: Floats
    best: Integers

    @cached_property
    def sums(self) -> Floats:
        """The sum of each row's pieces, in log10 units."""
        return np.asarray(self.pieces.sum(axis=1))

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
class EvidenceModel:
    """The prior maxima of amounts, the upper tails of all pieces, and the p-values of their sum, by kind.

    A row's pieces are -log10 of the share of training rows of its kind that have at least as much, at most
    `log10_max` each. A host's window counts with its strongest row of each kind; how rare that is for the host and for
    all is its score.
    """

    maxima: Mapping[str, PriorMaxima]
    tails: Mapping[str, UpperTail]
    p_values: Mapping[str, HostPValues]
    parameters: DetectorParameters

    @classmethod
    def fit(cls, evidence: Evidence, parameters: DetectorParameters) -> tuple[EvidenceModel, ScoredRows]:
        """The model of the evidence, and its rows scored as if the day of each one were left out."""
        kind, day = evidence.kind, evidence.window // WINDOWS_PER_DAY
        cells = Cells.of(evidence.group, evidence.host, day - day.min())
        maxima, left_out, values = {}, {}, dict(evidence.rarities)
        common = CommonMaxima.of(evidence, parameters.pairs).maxima(evidence)
        for name, amount in evidence.amounts.items():
            maxima[name], known = PriorMaxima.fit(cells, kind, len(KINDS), amount, parameters.pairs)
            left_out[name] = np.maximum(known, common[name])
            values[name] = _excess(evidence, amount, left_out[name])
        model = cls(maxima, _tails(values, kind, parameters), {}, parameters)
        unscored = model._strongest(evidence, values, left_out)
        best, hosts = unscored.best, _texts(evidence.host, unscored.best)
        p_values = {
            label: HostPValues.fit(unscored.sums[best[mine]], hosts[mine], parameters.calibration)
            for number, label in enumerate(KINDS)
            if (mine := kind[best] == number).any()
        }
        model = cls(maxima, model.tails, p_values, parameters)
        return model, model._scored(unscored, trained=True)

    def score(self, evidence: Evidence, common: CommonMaxima | None = None) -> ScoredRows:
        """The rows of the evidence, scored; where they are not of all hosts, `common` says what all of them do."""
        of_crowds = (common or CommonMaxima.of(evidence, self.parameters.pairs)).maxima(evidence)
        group, host = next(iter(self.maxima.values())).places(evidence.group, evidence.host)
        maxima, values = {}, dict(evidence.rarities)
        for name, amount in evidence.amounts.items():
            maxima[name] = np.maximum(self.maxima[name].of(group, host, evidence.kind), of_crowds[name])
            values[name] = _excess(evidence, amount, maxima[name])
        return self._scored(self._strongest(evidence, values, maxima))

    def _strongest(self, evidence: Evidence, values: Mapping[str, Floats], maxima: Mapping[str, Floats]) -> ScoredRows:
        """The pieces of the values, and the strongest rows, which have no scores yet."""
        pieces = self._pieces(values, evidence.kind)
        best = strongest(pieces.sum(axis=1), evidence)
        return ScoredRows(evidence, tuple(values), pieces, maxima, np.zeros(len(pieces)), best)

    def _scored(self, rows: ScoredRows, trained: bool = False) -> ScoredRows:
        """The strongest rows with their scores, 0 without evidence and where training had no row of their kind."""
        best, evidence = rows.best, rows.evidence
        kind, sums, hosts, found = (
            evidence.kind[best],
            rows.sums[best],
            _texts(evidence.host, best),
            np.zeros(len(best)),
        )
        for number, label in enumerate(KINDS):
            mine = kind == number
            if mine.any() and (p_values := self.p_values.get(label)):
                found[mine] = p_values.neg_log10_p(sums[mine], hosts[mine], trained)
        scores = np.zeros(len(rows.scores))
        scores[best] = np.where(sums > 0, found, 0.0)
        return replace(rows, scores=scores)

    def _pieces(self, values: Mapping[str, Floats], kind: Integers) -> Floats:
        """The piece of each value, shape (n_rows, n_values)."""
        found = np.zeros((len(kind), len(values)))
        for number, label in enumerate(KINDS):
            rows = np.flatnonzero(kind == number)
            for column, (name, value) in enumerate(values.items()):
                if len(rows) and (tail := self.tails.get(f"{label} {name}")):
                    found[rows, column] = tail.neg_log10_p(value[rows], self.parameters.pairs.log10_max)
        return found

    def to_dict(self) -> dict[str, Any]:
        """What the model holds beside `arrays`, as JSON values."""
        return {
            "tails": {name: tail.to_dict() for name, tail in self.tails.items()},
            "p_values": {name: p_values.to_dict() for name, p_values in self.p_values.items()},
        }

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The prior maxima as arrays whose names begin with `name`; the amounts have groups and hosts in common."""
        first = next(iter(self.maxima.values()))
        found = {**of_texts(f"{name}.groups", first.groups), **of_texts(f"{name}.hosts", first.leader_hosts)}
        for amount, maxima in self.maxima.items():
            found |= maxima.arrays(f"{name}.{amount}")
        return found

    @classmethod
    def from_parts(
        cls, raw: Any, arrays: Arrays, name: str, amounts: Sequence[str], parameters: DetectorParameters
    ) -> EvidenceModel:
        """The model that `to_dict` and `arrays` gave, of evidence with these amounts.

        Raises:
            ModelError: it is damaged.
        """
        section(raw, name, "tails", "p_values")
        groups, hosts = (texts_in(arrays, f"{name}.{part}") for part in ("groups", "hosts"))
        maxima = {amount: PriorMaxima.from_arrays(arrays, f"{name}.{amount}", groups, hosts) for amount in amounts}
        tails = {key: UpperTail.from_dict(tail) for key, tail in section(raw["tails"], name).items()}
        p_values = {
            key: HostPValues.from_dict(entry, parameters.calibration)
            for key, entry in section(raw["p_values"], name).items()
        }
        return cls(maxima, tails, p_values, parameters)


def strongest(sums: Floats, evidence: Evidence) -> Integers:
    """The row with the highest sum of each host, window and kind; the first of equals."""
    window = evidence.window - evidence.window.min(initial=2**40)
    cell = (evidence.host.numbers * (int(window.max(initial=0)) + 1) + window) * len(KINDS) + evidence.kind
    order = np.lexsort((-sums, cell))
    return order[changes(cell[order])]


def _texts(hosts: Coded, rows: Integers) -> NDArray[Any]:
    """The hosts of these rows."""
    return np.asarray(hosts.texts.to_numpy(zero_copy_only=False)[hosts.numbers[rows]])


def _excess(evidence: Evidence, values: Floats, maxima: Floats) -> Floats:
    """By how much the values exceed the prior maxima; 0 for common rows."""
    return np.where(evidence.common, 0.0, np.maximum(values - maxima, 0.0))


def _tails(values: Mapping[str, Floats], kind: Integers, parameters: DetectorParameters) -> dict[str, UpperTail]:
    """The upper tails of each value in each kind."""
    return {
        f"{label} {name}": UpperTail.fit(value[kind == number], parameters.calibration)
        for name, value in values.items()
        for number, label in enumerate(KINDS)
        if (kind == number).any()
    }
