"""The join of predictions with selected features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.contracts import join_features, tables
from common.features.spec import FeatureSpec

KEYS = ["host_ip", "window_end_ts"]
FROM_A = ["time_band"]
FROM_C = ["baseline_horizon", "baseline_source"]


@dataclass
class Matches:
    """What a join has found: predictions, their distinct ids, and those that have a row in each table.

    `rows` is what an inner join of SQL would give: more than the predictions where a table has a key twice.
    """

    predictions: int = 0
    rows: int = 0
    records: int = 0
    fg_a: int = 0
    fg_c: int = 0

    def add(self, other: Matches) -> None:
        """Adds what another part of the join has found."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)


def join_predictions(
    predictions: pa.Table, current: pa.Table, deviations: pa.Table, spec: FeatureSpec, project_name: str
) -> tuple[pa.Table, Matches]:
    """One row per prediction, with the features of `fg_a` and `fg_c` for its host and window; null without any.

    `deviations` must have a single horizon. `record_id` is the SHA-256 (hex) of project, feature specification, model
    run, host and window key, joined by line feeds.
    """
    from_a, from_c = join_features(spec)
    sources = (("fg_a", current, [*FROM_A, *from_a]), ("fg_c", deviations, [*FROM_C, *from_c]))
    matched = Matches(len(predictions), len(predictions))
    columns = {name: predictions[name] for name in predictions.column_names}
    for name, rows, wanted in sources:
        place, twice = _places(predictions, rows)
        matched.rows += twice
        setattr(matched, name, int(np.count_nonzero(place >= 0)))
        taken = pa.array(place, mask=place < 0)
        columns |= {feature: rows[feature].take(taken) for feature in wanted}
    identity = [columns[name].to_pylist() for name in ("model_id", "host_ip", "window")]
    begin = f"{project_name}\n{spec.version}\n"
    ids = [hashlib.sha256((begin + "\n".join(names)).encode()).hexdigest() for names in zip(*identity, strict=True)]
    matched.records = len(set(ids))
    columns |= {
        "record_id": pa.array(ids, pa.string()),
        "project_name": pa.repeat(project_name, len(ids)),
        "feature_spec_version": pa.repeat(spec.version, len(ids)),
    }
    table = tables(spec)["prediction_join"]
    schema = pa.schema([field.with_nullable(True) for field in table.arrow])
    return pa.table({name: columns[name] for name in table.column_names}).cast(schema), matched


def _places(predictions: pa.Table, rows: pa.Table) -> tuple[Integers, int]:
    """The row of each prediction's host and window, -1 without one; and how many further rows have such a key."""
    left = predictions.select(KEYS).append_column("left", pa.array(np.arange(len(predictions))))
    right = rows.select(KEYS).append_column("right", pa.array(np.arange(len(rows))))
    joined = left.join(right, KEYS, join_type="left outer").sort_by([("left", "ascending"), ("right", "ascending")])
    owner = joined["left"].to_numpy()
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    found = pc.fill_null(joined["right"], -1).to_numpy()[first]
    return found, len(owner) - len(first)
