"""Hashes of what tells a record from others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.contracts.session import DUPLICATE_KEY
from common.hashing import SEED, Hashes, xxhash64
from common.lake.session_keys import SCHEMA

IDENTITY = (*DUPLICATE_KEY, "end_ts")
"""Records of two windows that agree in all of these are the same."""
SECOND_HALF = pa.array(["second half"])


def keys_of(rows: pa.Table) -> pa.Table:
    """A 128-bit hash of what identifies each record, as the two numbers of a row of `session_keys`."""
    begin = np.full((2, len(rows)), SEED, np.uint64)
    begin[1] = xxhash64([SECOND_HALF], np.full((1, 1), SEED, np.uint64))
    high, low = _hashes(rows, IDENTITY, begin)
    return pa.table([high.view(np.int64), low.view(np.int64)], schema=SCHEMA)


def hashes_of(rows: pa.Table) -> Integers:
    """A hash of the duplicate key of each record, `(n_rows,)`."""
    found: Integers = _hashes(rows, DUPLICATE_KEY, np.full((1, len(rows)), SEED, np.uint64))[0].view(np.int64)
    return found


def _hashes(rows: pa.Table, names: Sequence[str], begin: Hashes) -> Hashes:
    """The hashes of these columns; as they skip nulls, which of them are null is hashed first, as a number."""
    nulls = np.zeros(len(rows), np.int64)
    for at, name in enumerate(names):
        if rows[name].null_count:
            nulls |= np.asarray(rows[name].is_null()).astype(np.int64) << at
    return xxhash64([pa.array(nulls), *(rows[name] for name in names)], begin)
