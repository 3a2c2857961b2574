"""The table `sessions`: the records that the windows of a run count, one by one and with all columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
WITH_SLICE = SCHEMA.append(SLICE.arrow)
COLUMNS = WITH_SLICE.names


class Piece(Protocol):
    """Some of the sessions; small, so that it can be handed to another process, which reads the rows itself."""

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in the order of the input, at most `ROWS_PER_READ` at a time.

        They have the named columns, by default all of `SCHEMA` and the slice number.
        """
        ...


class Kept(Protocol):
    """The sessions that count within a run, with all columns and their slice number."""

    def pieces(self) -> Iterator[Piece]:
        """All of them, in the order of the input."""
        ...


def rows_of(kept: Kept, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of all pieces, in the order of the input."""
    for piece in kept.pieces():
        yield from piece.rows(columns)


@dataclass(frozen=True)
class Staged:
    """Those of a staged file, without the records of these numbers."""

    path: str
    dropped: pa.Array

    def pieces(self) -> Iterator[StagedPiece]:
        """One for each row group of the file."""
        for number in range(opened(self.path).num_row_groups):
            yield StagedPiece(self.path, number, self.dropped)


@dataclass(frozen=True)
class StagedPiece:
    """A row group of a staged file, without the records of these numbers."""

    path: str
    number: int
    dropped: pa.Array

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows of the group, which are at most `ROWS_PER_READ`."""
        wanted = [*(columns or COLUMNS)]
        numbered = [*wanted, *([RECORD.name] if len(self.dropped) else [])]
        rows = opened(self.path).read_row_group(self.number, numbered)
        if len(self.dropped):
            rows = rows.filter(pc.invert(pc.is_in(rows[RECORD.name], self.dropped)))
        yield rows.select(wanted)


@dataclass(frozen=True)
class Scanned:
    """Those of canonical Parquet files: all, or if there are several windows what ends in them."""

    paths: tuple[str, ...]
    windows: Windows

    def pieces(self) -> Iterator[ScannedPiece]:
        """One for each row group of the files."""
        for path in self.paths:
            metadata, line = pq.read_metadata(local_path(path)), 1
            for number in range(metadata.num_row_groups):
                yield ScannedPiece(path, number, line, self.windows)
                line += metadata.row_group(number).num_rows


@dataclass(frozen=True)
class ScannedPiece:
    """A row group of a canonical Parquet file, the first row of which has the number `line` in it."""

    path: str
    number: int
    line: int
    windows: Windows

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows; `source_line` is the number of the row, and absent columns are null."""
        wanted, line = [*(columns or COLUMNS)], self.line
        start, _ = micros(self.windows)
        file = opened(local_path(self.path))
        read = [name for name in file.schema_arrow.names if name in {*wanted, "end_ts"}]
        for batch in file.iter_batches(ROWS_PER_READ, [self.number], read):
            given = dict(zip(batch.schema.names, batch.columns, strict=True))
            given["source_file"] = pa.DictionaryArray.from_arrays(np.zeros(len(batch), np.int32), [self.path])
            given["source_line"] = pa.array(np.arange(line, line + len(batch)))
            line += len(batch)
            slices = (given["end_ts"].cast(pa.int64()).to_numpy() - start) // WINDOW_MICROS
            if len(self.windows) == 1:
                slices[:] = 0
            given[SLICE.name] = pa.array(slices, pa.int32())
            schema = pa.schema([WITH_SLICE.field(name) for name in wanted])
            columns_of = [given.get(field.name, pa.nulls(len(batch), field.type)) for field in schema]
            rows = pa.table(columns_of, schema=schema)
            inside = (slices >= 0) & (slices < len(self.windows))
            yield rows if inside.all() else rows.filter(pa.array(inside))


@dataclass(frozen=True)
class Without:
    """Those of another source without the rows that agree with one of the unwanted in all of its columns."""

    kept: Kept
    unwanted: pa.Table

    def pieces(self) -> Iterator[PieceWithout]:
        """One for each of the other source."""
        for piece in self.kept.pieces():
            yield PieceWithout(piece, self.unwanted)


@dataclass(frozen=True)
class PieceWithout:
    """A piece of another source without the unwanted rows."""

    piece: Piece
    unwanted: pa.Table

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows that are left, at least one table of them."""
        wanted = [*(columns or COLUMNS)]
        for rows in self.piece.rows([*dict.fromkeys([*wanted, *self.unwanted.column_names])]):
            yield rows.filter(pc.invert(self._among(rows))).select(wanted)

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


def write_kept(lake: Lake, parts: Iterable[pa.Table], windows: Windows) -> tuple[int, int]:
    """Replaces the windows of the table by these rows of all columns; returns its new version and how many they are.

    Raises:
        CommitError: the table cannot be written.
    """
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows, OF_MANY_VALUES) as files:
        for rows in parts:
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
