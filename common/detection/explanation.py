"""What a prediction says about its reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reason:
    """A feature of a prediction: its value there (null for none), its median in training, and what it added.

    Of what concerns pairs, the most so far stands in for the median, and `kind` says whether the peers are inside and
    who began.
    """

    feature: str
    value: float | None
    baseline_median: float | None
    contribution: float
    kind: str | None = None


def top_features(
    names: tuple[str, ...],
    values: NDArray[np.float32],
    medians: dict[str, float],
    contributions: Floats,
    count: int,
) -> list[str]:
    """For each row the features that added most, largest first, as a JSON list; ties in the order of the features.

    `values` and `contributions` have the shape (n_rows, n_names); features that added nothing are left out.
    """
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :count]
    rows = np.arange(len(values))[:, None]
    best, found = contributions[rows, order], values[rows, order].astype(np.float64)
    return [
        json.dumps(
            [
                {
                    "feature": names[place],
                    "value": _number(value),
                    "baseline_median": _number(medians.get(names[place], float("nan"))),
                    "contribution": round(float(added), 6),
                }
                for place, value, added in zip(places, row, amounts, strict=True)
                if added > 0
            ],
            allow_nan=False,
        )
        for places, row, amounts in zip(order, found, best, strict=True)
    ]


def merged(texts: list[str], others: list[list[dict[str, Any]]], count: int) -> list[str]:
    """The reasons of `top_features` with other ones of the same rows, largest first, `count` of each row."""
    return [
        json.dumps(
            sorted([*json.loads(text), *more], key=lambda entry: -entry["contribution"])[:count], allow_nan=False
        )
        for text, more in zip(texts, others, strict=True)
    ]


def parse_reasons(text: str) -> list[Reason]:
    """The reasons that `top_features` wrote."""
    return [Reason(**entry) for entry in json.loads(text)]


def _number(value: float) -> float | None:
    """The value with seven significant digits, all that float32 holds; null for none."""
    return float(f"{value:.7g}") if np.isfinite(value) else None
