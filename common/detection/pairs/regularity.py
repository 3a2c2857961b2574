"""How evenly pairs meet: the gaps between sessions of 24 hours, and between the windows of lasting contacts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.windows import WINDOWS_PER_DAY


def evenness(activity: pa.Table, sessions_min: int) -> Floats:
    """1 - the coefficient of variation of the gaps between the sessions of 24 hours; 0 where they vary as by chance.

    1 for a clock; sessions that come independently of each other vary by 1 (exponential gaps). 0 for fewer than
    `sessions_min` sessions.
    """
    gaps = activity["sessions_day"].to_numpy() - 1.0
    count = np.maximum(gaps, 1.0)
    mean = activity["gap_s_day"].to_numpy() / count
    spread = np.sqrt(np.maximum(activity["gap_sq_s_day"].to_numpy() / count - mean**2, 0.0))
    counted = (gaps + 1.0 >= sessions_min) & (mean > 0)
    return np.asarray(np.where(counted, np.maximum(1.0 - spread / np.where(counted, mean, 1.0), 0.0), 0.0))


def lasting_gaps(activity: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Of lasting contacts, how many gaps there are between their windows, their variation, and the days so far.

    The coefficient of variation is 0 for a clock and 1 for chance; all are 0 for other pairs.
    """
    gaps = np.maximum(activity["lasting_windows"].to_numpy() - 1.0, 0.0)
    span = activity["lasting_span"].to_numpy()
    count, mean = np.maximum(gaps, 1.0), span / np.maximum(gaps, 1.0)
    spread = np.sqrt(np.maximum(activity["lasting_gap_sq"].to_numpy() / count - mean**2, 0.0))
    return gaps, spread / np.where(mean > 0, mean, 1.0), span / WINDOWS_PER_DAY


def lasting_evenness(activity: pa.Table) -> tuple[Floats, Floats]:
    """1 - the variation of the gaps between the windows of lasting contacts, at least 0; and how much that counts.

    It counts by the root of the gaps and of the days; 0 for other pairs.
    """
    gaps, variation, days = lasting_gaps(activity)
    return np.where(gaps > 0, np.maximum(1.0 - variation, 0.0), 0.0), np.sqrt(gaps * days)
