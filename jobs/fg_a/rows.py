"""Columns of slices and days as arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.coded import positions
from jobs.fg_a.timeline import ROLES


def owned(rows: pa.Table, hosts: pa.Array) -> tuple[pa.Table, Integers]:
    """The rows of these hosts, and the owner of each: its host in a role, host number x 2 + role number."""
    host = positions(rows["host_ip"], hosts)
    if (host < 0).any():
        listed = host >= 0
        rows, host = rows.filter(pa.array(listed)), host[listed]
    return rows, host * len(ROLES) + positions(rows["role"], pa.array(ROLES))


def integers(rows: pa.Table, name: str) -> Integers:
    """A column without nulls: whole numbers, or times in microseconds since 1970."""
    values = rows[name].to_numpy()
    numbers: Integers = values.view(np.int64) if values.dtype.kind == "M" else values.astype(np.int64, copy=False)
    return numbers
