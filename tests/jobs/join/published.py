"""Rows of `prediction_join` for tests of their publication."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from common.contracts import tables
from common.windows import Windows
from jobs.join.parquet import in_order
from tests.factories import SPEC, table_row

WINDOWS = Windows.parse("2026-03-10T23:38Z/2026-03-11T00:08Z")
FIRST, SECOND = WINDOWS
TABLE = tables(SPEC)["prediction_join"]


def joined(*scores: float, window: Windows = FIRST, **overrides: Any) -> pa.Table:
    """Rows of that window, one host per score."""
    rows = [
        table_row(TABLE, window, host_ip=f"10.0.0.{number}", anomaly_score=score, record_id=f"{window.key}-{number}")
        | overrides
        for number, score in enumerate(scores)
    ]
    return in_order(pa.Table.from_pylist(rows[::-1], schema=TABLE.arrow), TABLE)
