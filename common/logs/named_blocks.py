"""Reads the lines of a block that have one column for each name as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from common.arrays import Integers

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
    misfits: list[int] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        misfits.append(row.number - 1)
        return "skip"

    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(names)),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, quote_char=False, invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=["-", ""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    if not table.num_rows or table.num_rows + len(misfits) != rows:
        return None
    return table.combine_chunks().to_batches()[0], np.delete(np.arange(rows), misfits)
