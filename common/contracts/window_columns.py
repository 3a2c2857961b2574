"""Window columns of lake rows, from slice numbers within a run of windows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.windows import EPOCH, WINDOW_SECONDS, Windows

WINDOW_MICROS = WINDOW_SECONDS * 1_000_000
TIMESTAMP = pa.timestamp("us", tz="UTC")


def micros(windows: Windows) -> tuple[int, int]:
    """Start and end of the windows in microseconds since 1970."""
    unit = timedelta(microseconds=1)
    return (windows.start - EPOCH) // unit, (windows.end - EPOCH) // unit


def window_columns(slices: Integers, windows: Windows) -> dict[str, pa.Array]:
    """`window_start_ts`, `window_end_ts`, `date` and `window` of rows with these slice numbers, `(n_rows,)` each."""
    starts = micros(windows)[0] + np.asarray(slices, dtype=np.int64) * WINDOW_MICROS
    members = list(windows)
    index = pa.array(np.asarray(slices, dtype=np.int32))
    dates = pa.array([f"{member.start:%Y-%m-%d}" for member in members])
    keys = pa.array([member.key for member in members])
    return {
        "window_start_ts": pa.array(starts).cast(TIMESTAMP),
        "window_end_ts": pa.array(starts + WINDOW_MICROS).cast(TIMESTAMP),
        "date": dates.take(index),
        "window": keys.take(index),
    }
