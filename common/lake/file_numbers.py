"""How many files rows are written to: one for few rows, by their number for many."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from common.contracts.types import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VALUES_PER_FILE = 5_000_000
"""About 20 MB: more are written sooner by several workers."""


def files_for(rows: int, table: Table) -> int:
    """The number of files for so many rows of the table."""
    return max(1, ceil(rows * len(table.columns) / VALUES_PER_FILE))


def in_files(frame: DataFrame, rows: int, table: Table) -> DataFrame:
    """The frame, of at most so many rows of the table, in as many partitions as it is worth files, or fewer."""
    return frame.coalesce(files_for(rows, table))
