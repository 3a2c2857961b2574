"""From rows of the model input to rows of `predictions`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.types import Table
from common.detection.detector import ROWS_AT_ONCE
from common.detection.explanation import merged, top_features
from common.detection.input_matrix import ModelRows
from common.detection.members.forest import PathAttribution
from common.detection.pairs.explain import PairScores
from common.detection.registry.artifacts import LoadedModel


def predict(
    model: LoadedModel,
    attribution: PathAttribution,
    rows: ModelRows,
    table: Table,
    count: int,
    pairs: PairScores | None = None,
) -> pa.Table:
    """One prediction for each of the rows, with its `count` strongest reasons; `pairs` are of the same rows."""
    parts = [
        _predict(
            model,
            attribution,
            ModelRows(rows.keys.slice(start, ROWS_AT_ONCE), rows.values[start : start + ROWS_AT_ONCE], 0),
            table,
            count,
            pairs.part(start, ROWS_AT_ONCE) if pairs else None,
        )
        for start in range(0, len(rows.values), ROWS_AT_ONCE)
    ]
    return pa.concat_tables(parts)


def _predict(
    model: LoadedModel,
    attribution: PathAttribution,
    rows: ModelRows,
    table: Table,
    count: int,
    pairs: PairScores | None,
) -> pa.Table:
    detector = model.detector
    raw, contributions = detector.explain(rows.values, attribution)
    statistics = detector.preprocessor
    medians = dict(zip(statistics.mask, statistics.medians.tolist(), strict=True))
    starts = rows.keys["window_start_ts"]
    weight = detector.matrix_weight
    reasons = top_features(statistics.features, rows.values, medians, contributions * weight, count)
    raw = raw * weight
    if pairs:
        raw = raw + pairs.raw
        reasons = merged(reasons, pairs.reasons, count)
    columns = {
        **{name: rows.keys[name] for name in rows.keys.column_names},
        "anomaly_score": detector.calibration.anomaly_score(raw),
        "raw_score": raw,
        "model_id": pa.repeat(model.run_id, len(raw)),
        "model_sha256": pa.repeat(model.model_sha256, len(raw)),
        "top_features": reasons,
        "pair_evidence": pairs.evidence if pairs else pa.repeat("[]", len(raw)),
        "date": pc.strftime(starts, format="%Y-%m-%d"),
        "window": pc.strftime(starts, format="%Y%m%dT%H%MZ"),
    }
    return pa.table({column.name: columns[column.name] for column in table.columns}).cast(table.arrow)
