"""The records that the windows of a run count, one by one and with all columns, read piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.arrays import Integers
from common.coded import positions
from common.contracts.session import BATCH_SCHEMA, OF_FEW_VALUES, STATUS_COLUMN
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.lake.row_groups import by_number
from common.lake.table_files import WINDOW
from common.lake.window_files import keys_of
from common.logs.files import local_path
from common.storage.filesystems import filesystem_of, without_scheme
from common.windows import Windows
from jobs.delta.staged import StagedFile
from jobs.delta.staging import SLICE

ROWS_PER_READ = 1 << 18
ROWS_PER_PART = 1 << 20
"""So few that all threads have something to do, and hold little of it."""
SCHEMA = pa.schema([field for field in BATCH_SCHEMA if field.name != STATUS_COLUMN.name])
WITH_SLICE = SCHEMA.append(SLICE.arrow)
COLUMNS = WITH_SLICE.names


class Piece(Protocol):
    """Some of the sessions; small, so that it can be handed to another process, which reads the rows itself."""

    @property
    def most(self) -> int:
        """No piece has more rows than that."""
        ...

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


AnyPiece = TypeVar("AnyPiece", bound=Piece)
Part = list[tuple[int, AnyPiece]]
"""Pieces that follow each other, with their numbers."""


def parts_of(pieces: Iterable[AnyPiece], most_rows: int = ROWS_PER_PART) -> list[Part[AnyPiece]]:
    """The pieces in parts of at most so many rows, or of one piece."""
    parts: list[Part[AnyPiece]] = []
    rows = 0
    for number, piece in enumerate(pieces):
        if not parts or rows + piece.most > most_rows:
            parts.append([])
            rows = 0
        parts[-1].append((number, piece))
        rows += piece.most
    return parts


@dataclass(frozen=True)
class Staged:
    """Those of staged files."""

    files: tuple[StagedFile, ...]

    def pieces(self) -> Iterator[StagedPiece]:
        """One for each row group of the files."""
        for file in self.files:
            metadata = opened(file.path).metadata
            for number in range(metadata.num_row_groups):
                yield StagedPiece(file, number, metadata.row_group(number).num_rows)


@dataclass(frozen=True)
class StagedPiece:
    """A row group of a staged file."""

    file: StagedFile
    number: int
    most: int

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows of the group, which are at most `ROWS_PER_READ`."""
        wanted = [*(columns or COLUMNS)]
        read = [WINDOW if name == SLICE.name else name for name in wanted]
        rows = opened(self.file.path).read_row_group(self.number, read)
        if WINDOW in read:
            slices = positions(rows[WINDOW], keys_of(self.file.windows))
            rows = rows.append_column(SLICE.arrow, pa.array(slices, SLICE.arrow.type))
        yield rows.select(wanted)


def by_file(kept: Kept) -> tuple[list[StagedFile], list[Piece]]:
    """The staged files of which all rows count, and the pieces that are of no such file."""
    pieces = [*kept.pieces()]
    counted = Counter[StagedFile]()
    for piece in pieces:
        if isinstance(piece, StagedPiece):
            counted[piece.file] += piece.most
    whole = {file for file, rows in counted.items() if rows == file.rows}
    return [*filter(whole.__contains__, counted)], [
        piece for piece in pieces if not (isinstance(piece, StagedPiece) and piece.file in whole)
    ]


@dataclass(frozen=True)
class Scanned:
    """Those of canonical Parquet files: all, or if there are several windows what ends in them."""

    paths: tuple[str, ...]
    windows: Windows

    def pieces(self) -> Iterator[ScannedPiece]:
        """One for each row group of the files."""
        for path in self.paths:
            metadata, line = opened(local_path(path)).metadata, 1
            for number in range(metadata.num_row_groups):
                rows = metadata.row_group(number).num_rows
                yield ScannedPiece(path, number, line, rows, self.windows)
                line += rows


@dataclass(frozen=True)
class ScannedPiece:
    """A row group of a canonical Parquet file, the first row of which has the number `line` in it."""

    path: str
    number: int
    line: int
    most: int
    windows: Windows

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows; `source_line` is the number of the row, and absent columns are null."""
        wanted, line = [*(columns or COLUMNS)], self.line
        start, _ = micros(self.windows)
        for batch in self.batches({*wanted, "end_ts"}):
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

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """All rows of the group as they are in the file, and those of the columns that it has."""
        file = opened(local_path(self.path))
        present = [name for name in file.schema_arrow.names if name in columns]
        yield from file.iter_batches(ROWS_PER_READ, [self.number], present)


@dataclass(frozen=True)
class Without:
    """Those of another source without some rows: for the number of a piece, their places in it, ascending."""

    kept: Kept
    dropped: Mapping[int, Integers]

    def pieces(self) -> Iterator[Piece]:
        """One for each of the other source."""
        for number, piece in enumerate(self.kept.pieces()):
            yield PieceWithout(piece, self.dropped[number]) if number in self.dropped else piece


@dataclass(frozen=True)
class PieceWithout:
    """A piece of another source without the rows at some places."""

    piece: Piece
    dropped: Integers

    @property
    def most(self) -> int:
        """No piece has more rows than that."""
        return self.piece.most

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows that are left, at least one table of them."""
        first = 0
        for rows in self.piece.rows(columns):
            begin, end = np.searchsorted(self.dropped, (first, first + len(rows)))
            left = np.ones(len(rows), bool)
            left[self.dropped[begin:end] - first] = False
            first += len(rows)
            yield rows.filter(pa.array(left))


PLACES = pa.schema([("piece", pa.int64()), ("row", pa.int64())])
"""Of rows: the number of the piece, and the place in it."""


def without(kept: Kept, places: pa.Table) -> Kept:
    """The sessions without the rows at these `PLACES`."""
    if not len(places):
        return kept
    ordered = places.sort_by([(name, "ascending") for name in PLACES.names])
    of_pieces = by_number(ordered, ordered["piece"].to_numpy())
    return Without(kept, {piece: rows["row"].to_numpy() for piece, rows in of_pieces})


def opened(path: str) -> pq.ParquetFile:
    """A Parquet file of sessions, texts of few different values of which are read as dictionaries."""
    files, place = filesystem_of(path), without_scheme(path)
    metadata = pq.read_metadata(place, filesystem=files)
    coded = [name for name in metadata.schema.to_arrow_schema().names if name in OF_FEW_VALUES or name == WINDOW]
    return pq.ParquetFile(place, metadata=metadata, read_dictionary=coded, filesystem=files)
