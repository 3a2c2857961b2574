"""Attacks by host, begin and end: for data whose attacks are described, but not labelled flow by flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import numpy as np
import pandas as pd

from common.arrays import Floats
from common.errors import InputError
from common.windows import WINDOW_SECONDS
from tools.evaluate.labels.labelled import Collected, Labelled, window_starts
from tools.evaluate.labels.reading import Layout, files_of, read_columns
from tools.evaluate.labels.zones import zone_of

LAYOUT = Layout(("host", "start", "end", "attack"))
LONGEST_SECONDS = 366 * 24 * 3600


def read_intervals(paths: Sequence[Path], zone: str) -> Labelled:
    """The windows of each interval, whose ends count; times without an offset are of the zone.

    Raises:
        InputError: a file cannot be read, or a row has no host, attack or times, or times in the wrong order.
    """
    found = Collected()
    for path in files_of(paths):
        for columns in read_columns(path, LAYOUT, found.counts):
            rows = pd.DataFrame({name: column.to_pandas().astype(str) for name, column in columns.items()})
            starts, ends = (_seconds(rows[name], zone_of(zone)) for name in ("start", "end"))
            lengths = ends - starts
            good = (lengths >= 0) & (lengths <= LONGEST_SECONDS) & rows["host"].ne("") & rows["attack"].ne("")
            if not good.all():
                row = rows[~good].iloc[0]
                raise InputError(
                    f"labels file {path}: {','.join(row)} is no host, start, end and attack, "
                    f"with a start before the end; {int((~good).sum())} rows are like this",
                    "Write times as 2017-08-24T13:00:00Z",
                )
            for host, attack, start, end in zip(rows["host"], rows["attack"], starts, ends, strict=True):
                first = window_starts(np.array([start])).astype(np.int64)[0] / 1e6
                windows = np.arange(first, end + 1, WINDOW_SECONDS)
                found.attack([host] * len(windows), windows, [attack] * len(windows))
    return found.labelled()


def _seconds(texts: pd.Series[str], zone: tzinfo) -> Floats:
    """Times as seconds since 1970, NaN for none."""
    return np.array([_second(text, zone) for text in texts])


def _second(text: str, zone: tzinfo) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return float("nan")
