"""Explanations of scores, and the reasons of a prediction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from common.arrays import Floats, Matrix


@dataclass(frozen=True, eq=False)
class Explanation:
    """The scores of samples, shape (n_rows,), and what each input contributed, shape (n_rows, n_inputs).

    A row's contributions are 0 or more, and add up to its score.
    """

    inputs: tuple[str, ...]
    scores: Floats
    contributions: Floats


@dataclass(frozen=True, eq=False)
class PieceExplanation(Explanation):
    """An explanation by pieces of evidence: the value of each piece, the prior maximum, and the kind of each row.

    `values` and `usual` have the shape of the contributions, and are 0 where nothing was contributed; a kind says who
    opened the sessions and whether the peer is internal. `lowered_by` is what each score lacks because the whole
    network is unusual in the window. For pairs, `strongest_pairs` has each row's strongest ones as
    JSON.
    """

    values: Floats
    usual: Floats
    kinds: list[str]
    lowered_by: Floats
    strongest_pairs: list[str] = field(default_factory=list)

    @classmethod
    def nothing(cls, rows: int) -> PieceExplanation:
        """The explanation of `rows` rows without evidence."""
        none = np.zeros((rows, 0))
        return cls((), np.zeros(rows), none, none, none, [""] * rows, np.zeros(rows), ["[]"] * rows)

    def reasons(self, weight: float) -> list[list[dict[str, Any]]]:
        """The entries of `top_features` of each row; the contributions are those to the raw score at that weight."""
        return [
            [
                {
                    "feature": name,
                    "kind": kind,
                    "value": float(f"{value:.7g}"),
                    "baseline_median": float(f"{max(most, 0.0):.7g}"),
                    "contribution": round(more * weight, 6),
                }
                for name, value, most, more in zip(self.inputs, values, usual, added, strict=True)
                if more > 0
            ]
            for kind, values, usual, added in zip(
                self.kinds, self.values.tolist(), self.usual.tolist(), self.contributions.tolist(), strict=True
            )
        ]


@dataclass(frozen=True)
class Reason:
    """A feature of a prediction: its value there (null for none), its median in training, and what it contributed.

    For pairs, the prior maximum stands in for the median, and `kind` says who opened the sessions and
    whether the peers are internal.
    """

    feature: str
    value: float | None
    baseline_median: float | None
    contribution: float
    kind: str | None = None


def feature_reasons(
    names: tuple[str, ...],
    values: Matrix,
    medians: dict[str, float],
    contributions: Floats,
    count: int,
) -> list[list[dict[str, Any]]]:
    """For each row the `count` features that contributed most, largest first; ties in the features' order.

    `values` and `contributions` have the shape (n_rows, n_names); features that contributed nothing are left out.
    """
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :count]
    rows = np.arange(len(values))[:, None]
    best, found = contributions[rows, order], values[rows, order].astype(np.float64)
    return [
        [
            {
                "feature": names[place],
                "value": _number(value),
                "baseline_median": _number(medians.get(names[place], float("nan"))),
                "contribution": round(added, 6),
            }
            for place, value, added in zip(places, row, amounts, strict=True)
            if added > 0
        ]
        for places, row, amounts in zip(order.tolist(), found.tolist(), best.tolist(), strict=True)
    ]


def top_features(reasons: list[list[dict[str, Any]]], count: int) -> str:
    """The `count` largest of the reasons of a row, largest first, as a JSON list; ties in the order of the lists."""
    every = [reason for some in reasons for reason in some]
    return json.dumps(sorted(every, key=lambda reason: -reason["contribution"])[:count], allow_nan=False)


def parse_reasons(text: str) -> list[Reason]:
    """The reasons that `top_features` wrote."""
    return [Reason(**entry) for entry in json.loads(text)]


def _number(value: float) -> float | None:
    """The value with seven significant digits, all that float32 holds; null for none."""
    return float(f"{value:.7g}") if isfinite(value) else None
