"""The drift of each window, for the table `model_drift`, and of the run as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


class Drift:
    """Measures the drift of the rows of a run: `run` of all of them, `windows` of each window by its key."""

    def __init__(
        self, model: LoadedModel, features: Sequence[str], parameters: TrainingParameters, project_name: str
    ) -> None:
        self._model, self._features = model, features
        self._parameters, self._project_name = parameters, project_name
        self.run = self._monitor()
        self.windows: dict[str, dict[str, Any]] = {}

    def add(self, rows: ModelRows, raw: Floats) -> None:
        """Counts rows of whole windows, in order of the windows, and their raw scores."""
        ends = rows.keys["window_end_ts"].to_numpy()
        bounds = [*np.flatnonzero(ends[1:] != ends[:-1]) + 1, len(ends)]
        begin = 0
        for end in bounds:
            monitor = self._monitor()
            monitor.add(rows.values[begin:end], raw[begin:end])
            self.run.include(monitor)
            keys = {name: rows.keys[name][begin].as_py() for name in ("window_start_ts", "window_end_ts")}
            window = Windows(keys["window_start_ts"], keys["window_end_ts"])
            self.windows[window.key] = keys | self._row(window, monitor.measure(self._parameters, 1))
            begin = end

    def write(self, lake: Lake, windows: Windows) -> int:
        """Replaces the windows of the table in one commit; returns its new version.

        Raises:
            CommitError: the table cannot be written.
        """
        schema = lake.table(TABLE).arrow
        fresh = pa.Table.from_pylist(list(self.windows.values()), schema=schema)
        replaced = {window.key for window in windows}

        def merged(before: pa.Table) -> pa.Table:
            kept = before.filter(pa.array([key not in replaced for key in before["window"].to_pylist()], pa.bool_()))
            return pa.concat_tables([kept.select(schema.names).cast(schema), fresh])

        return lake.rewrite(TABLE, {"date": [f"{day:%Y-%m-%d}" for day in windows.days()]}, merged)

    def _row(self, window: Windows, found: dict[str, Any]) -> dict[str, Any]:
        return {
            "project_name": self._project_name,
            "model_id": self._model.run_id,
            "moved_most": json.dumps(found["moved_most"]),
            **{column: found[name] for column, name in COLUMNS.items()},
            "date": f"{window.start:%Y-%m-%d}",
            "window": window.key,
        }

    def _monitor(self) -> DriftMonitor:
        return DriftMonitor(self._model.drift, self._features, self._model.detector.parameters.drift)
