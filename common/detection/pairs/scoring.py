"""From evidence to scores: a model fitted on evidence, and how rare rows are under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.detection.calibration import HostPValues, UpperTail
from common.detection.checked import section
from common.detection.pairs.evidence import KINDS, Evidence, codes
from common.detection.pairs.prior_maxima import CommonMaxima, PriorMaxima
from common.detection.parameters import DetectorParameters
from common.detection.registry.tensors import Arrays, of_texts, texts_in
from common.windows import WINDOWS_PER_DAY


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Evidence, and the score of each of its rows: -log10 of the p-value of the sum of the row's pieces.

    `pieces` has the shape (n_rows, n_pieces); `maxima` are the prior maxima of the amounts, by name.
    """

    evidence: Evidence
    names: tuple[str, ...]
    pieces: Floats
    maxima: Mapping[str, Floats]
    scores: Floats

    @property
    def sums(self) -> Floats:
        """The sum of each row's pieces, in log10 units."""
        return np.asarray(self.pieces.sum(axis=1))

    def strongest(self, keys: pa.Table) -> tuple[Integers, Flags]:
        """The row with the highest score of each key (a host and a window), and which keys have any row."""
        at, known = codes(keys, self.evidence.rows, columns=["host_ip", "window_start_ts"])
        order = np.lexsort((-self.sums, -self.scores, known))
        place = np.minimum(np.searchsorted(known[order], at), max(len(order) - 1, 0))
        found = known[order][place] == at if len(order) else np.zeros(len(at), dtype=bool)
        return np.asarray(order[place] if len(order) else np.zeros(len(at), dtype=np.int64)), np.asarray(found)

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
        """The model of the evidence, and its rows scored as if the day of each one were left out.

        Only the strongest row of each host, window and kind has a score; the others have 0.
        """
        kind, day, host = evidence.kind, evidence.window // WINDOWS_PER_DAY, evidence.rows["host_ip"].combine_chunks()
        maxima, left_out, values = {}, {}, dict(evidence.rarities)
        common = CommonMaxima(evidence, parameters.pairs)
        for name, amount in evidence.amounts.items():
            maxima[name], known = PriorMaxima.fit(
                evidence.group, host, day - day.min(), kind, len(KINDS), amount, parameters.pairs
            )
            left_out[name] = np.maximum(known, common.of(amount))
            values[name] = _excess(evidence, amount, left_out[name])
        model = cls(maxima, _tails(values, kind, parameters), {}, parameters)
        pieces = model._pieces(values, kind)
        sums = pieces.sum(axis=1)
        best = strongest(sums, evidence)
        names = np.asarray(host.to_numpy(zero_copy_only=False))
        p_values = {
            label: HostPValues.fit(sums[mine], names[mine], parameters.calibration)
            for number, label in enumerate(KINDS)
            if len(mine := best[kind[best] == number])
        }
        model = cls(maxima, model.tails, p_values, parameters)
        scores = np.zeros(len(kind))
        scores[best] = model._scores(sums[best], kind[best], names[best], trained=True)
        return model, ScoredRows(evidence, tuple(values), pieces, left_out, scores)

    def score(self, evidence: Evidence) -> ScoredRows:
        """The rows of the evidence, scored."""
        kind, host = evidence.kind, evidence.rows["host_ip"].combine_chunks()
        common = CommonMaxima(evidence, self.parameters.pairs)
        maxima = {
            name: np.maximum(self.maxima[name].of(evidence.group, host, kind), common.of(amount))
            for name, amount in evidence.amounts.items()
        }
        values = dict(evidence.rarities)
        values |= {name: _excess(evidence, amount, maxima[name]) for name, amount in evidence.amounts.items()}
        pieces = self._pieces(values, kind)
        scores = self._scores(pieces.sum(axis=1), kind, np.asarray(host.to_numpy(zero_copy_only=False)))
        return ScoredRows(evidence, tuple(values), pieces, maxima, scores)

    def _pieces(self, values: Mapping[str, Floats], kind: Integers) -> Floats:
        """The piece of each value, shape (n_rows, n_values)."""
        found = np.zeros((len(kind), len(values)))
        for column, (name, value) in enumerate(values.items()):
            for number, label in enumerate(KINDS):
                mine = kind == number
                if mine.any() and (tail := self.tails.get(f"{label} {name}")):
                    found[mine, column] = tail.neg_log10_p(value[mine], self.parameters.pairs.log10_max)
        return found

    def _scores(self, sums: Floats, kind: Integers, hosts: Any, trained: bool = False) -> Floats:
        """The score of each row's sum, 0 without evidence and where training had no row of its kind."""
        found = np.zeros(len(sums))
        for number, label in enumerate(KINDS):
            mine = kind == number
            if mine.any() and (p_values := self.p_values.get(label)):
                found[mine] = p_values.neg_log10_p(sums[mine], hosts[mine], trained)
        return np.asarray(np.where(sums > 0, found, 0.0))

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
    hosts, windows, kind = evidence.host, evidence.window, evidence.kind
    order = np.lexsort((-sums, kind, windows, hosts))
    changed = (np.diff(hosts[order]) != 0) | (np.diff(windows[order]) != 0) | (np.diff(kind[order]) != 0)
    return order[np.concatenate([[True], changed])] if len(order) else order


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
