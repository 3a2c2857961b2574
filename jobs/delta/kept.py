"""The table `sessions`: the records that the windows of a run count, one by one and with all columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.contracts.session import PARSED_SCHEMA, SESSION_COLUMNS, SOURCE_COLUMNS
from common.contracts.types import arrow_schema
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.lake.lake import Lake, any_predicate
from common.lake.window_files import window_files
from common.logs.files import local_path
from common.storage.scratch import writing
from common.windows import Windows
from jobs.delta.staging import RECORD, SLICE

TABLE = "sessions"
ROWS_PER_READ = 1 << 18
DICTIONARY = pa.dictionary(pa.int32(), pa.string())
TEXTS = frozenset(field.name for field in PARSED_SCHEMA if field.type == pa.string())
OF_MANY_VALUES = frozenset({"session_id", "url"})
OF_FEW_VALUES = TEXTS - OF_MANY_VALUES
"""Read as dictionaries, which are several times as fast to read and write as texts."""
SCHEMA = pa.schema(
    [
        pa.field(field.name, DICTIONARY if field.name in OF_FEW_VALUES else field.type)
        for field in arrow_schema((*SESSION_COLUMNS, *SOURCE_COLUMNS))
    ]
)


class Kept(Protocol):
    """The sessions that count within a run, with all columns and their slice number, a part at a time."""

    def parts(self) -> Iterator[pa.Table]:
        """The rows in the order of the input."""
        ...


@dataclass(frozen=True)
class Staged:
    """Those of a staged file, without the records of these numbers."""

    path: str
    dropped: pa.Array

    def parts(self) -> Iterator[pa.Table]:
        """The rows in the order of the input."""
        file = opened(self.path)
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            if len(self.dropped):
                rows = rows.filter(pc.invert(pc.is_in(rows[RECORD.name], self.dropped)))
            yield rows.select([*SCHEMA.names, SLICE.name])


@dataclass(frozen=True)
class Scanned:
    """Those of canonical Parquet files: all, or if there are several windows what ends in them."""

    paths: tuple[str, ...]
    windows: Windows

    def parts(self) -> Iterator[pa.Table]:
        """The rows in the order of the input; `source_line` is the number of the row, and absent columns are null."""
        start, _ = micros(self.windows)
        for path in self.paths:
            line = 1
            for batch in opened(local_path(path)).iter_batches(ROWS_PER_READ):
                given = dict(zip(batch.schema.names, batch.columns, strict=True))
                given["source_file"] = pa.DictionaryArray.from_arrays(np.zeros(len(batch), np.int32), [path])
                given["source_line"] = pa.array(np.arange(line, line + len(batch)))
                columns = [given.get(field.name, pa.nulls(len(batch), field.type)) for field in SCHEMA]
                rows = pa.table(columns, schema=SCHEMA)
                line += len(batch)
                slices = (given["end_ts"].cast(pa.int64()).to_numpy() - start) // WINDOW_MICROS
                if len(self.windows) == 1:
                    slices[:] = 0
                rows = rows.append_column(SLICE.name, pa.array(slices, pa.int32()))
                inside = (slices >= 0) & (slices < len(self.windows))
                yield rows if inside.all() else rows.filter(pa.array(inside))


@dataclass(frozen=True)
class Without:
    """Those of another source without the rows that agree with one of the unwanted in all of its columns."""

    kept: Kept
    unwanted: pa.Table

    def parts(self) -> Iterator[pa.Table]:
        """The rows in the order of the input."""
        for rows in self.kept.parts():
            yield rows.filter(pc.invert(self._among(rows)))

    def _among(self, rows: pa.Table) -> pa.Array:
        """Whether each row agrees; null agrees with null, which no join of Arrow has."""
        names = self.unwanted.column_names
        numbered = _comparable(rows.select(names)).append_column("row", pa.array(np.arange(len(rows))))
        wanted = _comparable(self.unwanted)
        found = numbered.join(wanted, wanted.column_names, join_type="left semi")["row"]
        among = np.zeros(len(rows), bool)
        among[found.to_numpy()] = True
        return pa.array(among)


def opened(path: str) -> pq.ParquetFile:
    """A Parquet file of sessions, texts of few different values of which are read as dictionaries."""
    return pq.ParquetFile(path, read_dictionary=[name for name in pq.read_schema(path).names if name in OF_FEW_VALUES])


def write_kept(lake: Lake, kept: Kept, windows: Windows) -> tuple[int, int]:
    """Replaces the windows of the table; returns its new version and their rows.

    Raises:
        CommitError: the table cannot be written.
    """
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows, OF_MANY_VALUES) as files:
        for rows in kept.parts():
            files.add(rows.drop_columns(SLICE.name), rows[SLICE.name])
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows), files.rows


def remove_outdated(lake: Lake, name: str, windows: Windows, retention: timedelta) -> int:
    """Removes the dates that are longer before the newest one of a table, except the windows'; returns how many.

    Raises:
        CommitError: the table cannot be written.
    """
    held = {date.fromisoformat(partition["date"]) for partition in lake.partitions(name)} - {*windows.days()}
    newest = max(held | {windows.days()[-1]})
    outdated = sorted(f"{day}" for day in held if newest - day > retention)
    if outdated:
        lake.remove(name, any_predicate({"date": day} for day in outdated))
        lake.vacuum(name)
    return len(outdated)


def _comparable(rows: pa.Table) -> pa.Table:
    """The rows with a column for each that says whether it is null, and no nulls."""
    columns = {}
    for name in rows.column_names:
        column = rows[name].cast(pa.string()) if name in TEXTS else rows[name].cast(pa.int64())
        columns[name] = column.fill_null("" if name in TEXTS else 0)
        columns[f"{name} is null"] = rows[name].is_null()
    return pa.table(columns)
