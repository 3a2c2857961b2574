"""The red team of LANL's Comprehensive, Multi-Source Cyber-Security Events (2015): its computers have no addresses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from common.arrays import Flags, Floats
from common.errors import InputError
from tools.evaluate.labels.labelled import Collected, Labelled
from tools.evaluate.labels.reading import Layout, files_of, read_columns

BEGIN = datetime(2015, 1, 1, tzinfo=UTC)
"""Where times of the data set, seconds from 1 on, are put: it does not say when they were."""
LAYOUT = Layout(("time", "user", "source", "target"), ("time", "user", "source", "target"))
MOST_COMPUTERS = 1 << 24
ATTACK = "red team"


def addresses_of(computers: pd.Series[str]) -> tuple[pd.Series[str], Flags]:
    """The addresses that stand for computers, 10.0.69.29 for C17693, and which names have one."""
    numbers = pd.to_numeric(computers.str.extract(r"^C([0-9]{1,8})$")[0], errors="coerce")
    has_one = (numbers < MOST_COMPUTERS).to_numpy()
    number = numbers.where(has_one, 0).astype(np.int64)
    parts = [(number // 65536).astype(str), (number // 256 % 256).astype(str), (number % 256).astype(str)]
    return "10." + parts[0] + "." + parts[1] + "." + parts[2], has_one


def seconds_of(times: pd.Series[str]) -> Floats:
    """Times of the data set in seconds since 1970, NaN for what is none."""
    return np.asarray(pd.to_numeric(times, errors="coerce"), dtype=np.float64) + BEGIN.timestamp()


def read_red_team(paths: Sequence[Path]) -> Labelled:
    """From which computers the red team worked, and to which.

    Raises:
        InputError: a file cannot be read, or no line names a time and a computer.
    """
    found, read = Collected(), 0
    for path in files_of(paths):
        for columns in read_columns(path, LAYOUT, found.counts):
            texts = {name: column.to_pandas().astype(str) for name, column in columns.items()}
            ends = seconds_of(texts["time"])
            sources, is_source = addresses_of(texts["source"])
            targets, is_target = addresses_of(texts["target"])
            good = np.isfinite(ends) & is_source
            found.counts.add("without a time or a computer", int((~good).sum()))
            read += int(good.sum())
            found.attack(sources[good], ends[good], [ATTACK] * int(good.sum()))
            found.spare(targets[good & is_target], ends[good & is_target])
    if not read:
        raise InputError(
            f"none of the {found.counts.rows:,} lines is one of the red team, as 150885,U620@DOM1,C17693,C1003",
            "Give redteam.txt",
        )
    return found.labelled()
