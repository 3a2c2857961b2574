"""What the Delta log says of the values in a file: bounds of texts and times, by which readers leave files out.

Of a file, the bounds of all these columns are there, or of none: readers take missing bounds, beside others, for a
file without values. Numbers and booleans have none, see `Table.indexed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.types import NUMBERS, Table

WITHOUT = NUMBERS | {"boolean"}


class FileStatistics:
    """The statistics of the rows of a table that have been added, as `to_json` gives them to the log."""

    def __init__(self, table: Table, names: Iterable[str]) -> None:
        present = set(names)
        self._names = [
            column.name
            for column in table.columns
            if column.type not in WITHOUT and column.name in present and column.name not in table.partitions
        ]
        self._rows = 0
        self._nulls = dict.fromkeys(self._names, 0)
        self._least: dict[str, Any] = {}
        self._greatest: dict[str, Any] = {}

    @property
    def names(self) -> list[str]:
        """The columns that have statistics."""
        return self._names

    @property
    def rows(self) -> int:
        """How many rows were added."""
        return self._rows

    def add(self, rows: pa.Table) -> None:
        """Adds rows."""
        self._rows += len(rows)
        for name in self._names:
            column = rows[name]
            self._nulls[name] += column.null_count
            if column.null_count == len(rows):
                continue
            if pa.types.is_dictionary(column.type):
                column = column.unique().cast(pa.string())
            found = pc.min_max(column).as_py()
            self._least[name] = min(self._least.get(name, found["min"]), found["min"])
            self._greatest[name] = max(self._greatest.get(name, found["max"]), found["max"])

    def to_json(self) -> str:
        """Rows, bounds and nulls; times are cut to milliseconds, and readers reckon with that."""
        return json.dumps(
            {
                "numRecords": self._rows,
                "minValues": {name: _written(value) for name, value in self._least.items()},
                "maxValues": {name: _written(value) for name, value in self._greatest.items()},
                "nullCount": self._nulls,
            }
        )


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)
