"""Reads the lines of a block that have one column for each name as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.logs.csv_rows import read_rows

_UNUSUAL = (b'"', b"\r", b"\0", b"\n\n", b"\t")


def columns_of(data: bytes, names: Sequence[str], delimiter: str) -> tuple[pa.RecordBatch, Integers] | None:
    """The lines with as many columns as names, as text, and their indices; `-` and nothing are null.

    None if a line might be read otherwise alone.
    """
    unusual = (*_UNUSUAL, delimiter.encode() * 2) if delimiter == " " else _UNUSUAL
    if not data.strip() or data.startswith(b"\n") or not data.isascii() or any(part in data for part in unusual):
        return None
    if len(set(names)) < len(names):
        return None
    table, misfits = read_rows(
        data, names, dict.fromkeys(names, pa.string()), ("-", ""), delimiter=delimiter, quote_char=False
    )
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    if table is None or not table.num_rows or table.num_rows + len(misfits) != rows:
        return None
    return table.to_batches()[0], np.delete(np.arange(rows), misfits)
