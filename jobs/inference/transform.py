"""From hosts' windows to rows of `predictions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.types import Table
from common.detection.alerts.terms import UNUSUAL
from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel
from common.detection.scoring import score

LOWERED_LEAST = 0.005
"""What a score is lowered by at least to be worth a note: less is 0.00."""


@dataclass(frozen=True)
class WindowNotes:
    """What is to be known of windows, by their keys: what is missing of their logs, and how far the project learns."""

    incomplete: Mapping[str, str]
    learning: Mapping[str, str]


def predict(model: LoadedModel, samples: Samples, table: Table, count: int, notes: WindowNotes) -> pa.Table:
    """One prediction for each host and window, with its `count` strongest reasons.

    Raises:
        ModelError: the model gives scores that are not finite.
    """
    scored = score(model, samples, count)
    starts = samples.keys["window_start_ts"]
    windows = pc.strftime(starts, format="%Y%m%dT%H%MZ")
    columns = {
        **{name: samples.keys[name] for name in samples.keys.column_names},
        **vars(scored),
        "score_note": pa.array(score_notes(notes, windows.to_pylist(), scored.lowered_by.tolist()), pa.string()),
        "model_id": pa.repeat(model.run_id, len(starts)),
        "model_sha256": pa.repeat(model.model_sha256, len(starts)),
        "date": pc.strftime(starts, format="%Y-%m-%d"),
        "window": windows,
        "incomplete_reason": pa.array([notes.incomplete.get(key) for key in windows.to_pylist()], pa.string()),
    }
    return pa.table({column.name: columns[column.name] for column in table.columns}).cast(table.arrow)


def score_notes(notes: WindowNotes, windows: list[str], lowered_by: list[float]) -> Iterator[str | None]:
    """The note of each prediction; null where nothing is to be known."""
    for window, lowered in zip(windows, lowered_by, strict=True):
        unusual = f"{UNUSUAL}: score lowered by {lowered:.2f}" if lowered >= LOWERED_LEAST else ""
        yield "; ".join(filter(None, (notes.learning.get(window), unusual))) or None
