"""From hosts' windows to rows of `predictions`."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.types import Table
from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel
from common.detection.scoring import score


def predict(model: LoadedModel, samples: Samples, table: Table, count: int, incomplete: Mapping[str, str]) -> pa.Table:
    """One prediction for each host and window, with its `count` strongest reasons.

    `incomplete` says by window key what is missing of the window's logs.

    Raises:
        ModelError: the model gives scores that are not finite.
    """
    scored = score(model, samples, count)
    starts = samples.keys["window_start_ts"]
    windows = pc.strftime(starts, format="%Y%m%dT%H%MZ")
    columns = {
        **{name: samples.keys[name] for name in samples.keys.column_names},
        **vars(scored),
        "model_id": pa.repeat(model.run_id, len(starts)),
        "model_sha256": pa.repeat(model.model_sha256, len(starts)),
        "date": pc.strftime(starts, format="%Y-%m-%d"),
        "window": windows,
        "incomplete_reason": pa.array([incomplete.get(key) for key in windows.to_pylist()], pa.string()),
    }
    return pa.table({column.name: columns[column.name] for column in table.columns}).cast(table.arrow)
