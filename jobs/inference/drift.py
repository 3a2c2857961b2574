"""The drift of each window, for the table `model_drift`, and of the run as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.config.training import TrainingParameters
from common.detection.drift.monitor import DriftMonitor
from common.detection.input_matrix import ModelRows
from common.detection.registry.artifacts import LoadedModel
from common.lake.lake import Lake
from common.windows import Windows

TABLE = "model_drift"
COLUMNS = {
    "is_drifted": "drifted",
    "rows_cnt": "rows",
    "unseen_rows_cnt": "rows_of_unseen_hours",
    "score_psi": "score_psi",
    "score_psi_chance": "score_psi_of_chance",
    "score_psi_bound": "score_psi_bound",
    "moved_features_cnt": "features_moved",
    "features_cnt": "features",
    "moved_features_bound": "features_moved_bound",
}
"""The columns of the table, and the names of the same figures in a run report."""


def by_window(rows: ModelRows, raw: Floats, model: LoadedModel) -> dict[Windows, DriftMonitor]:
    """The rows of each window and their raw scores, counted; the rows are in order of the windows."""
    starts = rows.keys["window_start_ts"].to_numpy()
    bounds = [*np.flatnonzero(starts[1:] != starts[:-1]) + 1, len(starts)]
    found, begin = {}, 0
    for end in bounds:
        keys = (rows.keys[name][begin].as_py() for name in ("window_start_ts", "window_end_ts"))
        found[Windows(*keys)] = monitor = monitor_of(model)
        monitor.add(rows.values[begin:end], raw[begin:end])
        begin = end
    return found


def monitor_of(model: LoadedModel) -> DriftMonitor:
    """A monitor that has counted nothing yet."""
    return DriftMonitor(model.drift, model.detector.forest.preprocessor.features, model.detector.parameters.drift)


class Drift:
    """The drift of a run, by window and in all, from what parts of the hosts count."""

    def __init__(self, model: LoadedModel, parameters: TrainingParameters, project_name: str) -> None:
        self._model, self._parameters, self._project_name = model, parameters, project_name
        self.run = monitor_of(model)
        self.windows: dict[Windows, DriftMonitor] = {}

    def include(self, found: Mapping[Windows, DriftMonitor]) -> None:
        """Counts the rows that a part has counted by window."""
        for window, monitor in found.items():
            self.run.include(monitor)
            self.windows.setdefault(window, monitor_of(self._model)).include(monitor)

    def write(self, lake: Lake, windows: Windows) -> int:
        """Replaces the windows of the table in one commit; returns its new version.

        Raises:
            CommitError: the table cannot be written.
        """
        schema = lake.table(TABLE).arrow
        fresh = pa.Table.from_pylist([self._row(*entry) for entry in self.windows.items()], schema=schema)
        replaced = {window.key for window in windows}

        def merged(before: pa.Table) -> pa.Table:
            kept = before.filter(pa.array([key not in replaced for key in before["window"].to_pylist()], pa.bool_()))
            return pa.concat_tables([kept.select(schema.names).cast(schema), fresh])

        return lake.rewrite(TABLE, {"date": [f"{day:%Y-%m-%d}" for day in windows.days()]}, merged)

    def _row(self, window: Windows, monitor: DriftMonitor) -> dict[str, Any]:
        found = monitor.measure(self._parameters, 1)
        return {
            "window_start_ts": window.start,
            "window_end_ts": window.end,
            "project_name": self._project_name,
            "model_id": self._model.run_id,
            "moved_most": json.dumps(found["moved_most"]),
            **{column: found[name] for column, name in COLUMNS.items()},
            "date": f"{window.start:%Y-%m-%d}",
            "window": window.key,
        }
