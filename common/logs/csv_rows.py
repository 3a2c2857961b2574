"""The rows of a block as columns of text, read together by pyarrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from common.logs.blocks import MAX_LINE_BYTES

READ_AT_ONCE = MAX_LINE_BYTES + 4096
"""So many bytes stay in the processor's caches, and hold any line."""


def read_rows(
    data: bytes, names: Sequence[str], types: Mapping[str, pa.DataType], nulls: Sequence[str] = ("",), **parsing: Any
) -> tuple[pa.Table | None, list[int]]:
    """The columns of the rows that have as many as there are names, in one chunk, and the numbers of the other rows.

    None where the rows cannot be read.

    Args:
        data: the rows.
        names: the name of each column.
        types: the columns that are needed, and their types.
        nulls: what stands for null.
        **parsing: arguments of `pyarrow.csv.ParseOptions`.
    """
    misfits: list[int] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        misfits.append(row.number - 1)
        return "skip"

    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=READ_AT_ONCE, column_names=list(names)),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=skip, **parsing),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict(types),
                include_columns=list(types),
                null_values=list(nulls),
                strings_can_be_null=True,
                check_utf8=not data.isascii(),
            ),
        )
    except pa.ArrowInvalid:
        return None, []
    return table.combine_chunks(), misfits
