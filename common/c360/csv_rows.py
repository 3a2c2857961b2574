"""CSV files as sources write them: any usual separator, quotes, byte order marks, UTF-8 or the code page of Windows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from common.c360.datasets import Dataset
from common.logs.blocks import blocks_of
from common.logs.packing import Damage
from common.ndjson.lines import LONGEST_LINE

SEPARATORS = ",;\t|"
ROWS = 10_000
"""Rows of a part."""


class InvalidFileError(Exception):
    """A file is no file of its dataset; the message says why."""

    def __init__(self, reason: str, line: int | None = None, column: str | None = None, value: str | None = None):
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column
        self.value = value


@dataclass
class CsvRows:
    """Rows of a part of a CSV file, as `common.c360.rows.Rows`."""

    names: tuple[str, ...]
    next_line: int
    lines: list[int] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    read: int = 0

    def columns(self, names: Iterable[str]) -> list[pa.StringArray]:
        """The text of the columns with these names, null where there is none."""
        places = {name: place for place, name in enumerate(self.names)}
        return [
            pa.array([row[places[name]] for row in self.fields], pa.string())
            if name in places
            else pa.nulls(len(self.fields), pa.string())
            for name in (name.lower() for name in names)
        ]


def csv_rows(dataset: Dataset, pieces: Iterable[bytes | Damage]) -> Iterator[CsvRows]:
    """The rows of the text of a CSV file, in parts.

    Raises:
        InvalidFileError: it has no header, or its header lacks a required column or has one twice.
    """
    source = _Lines(pieces)
    separator, names = _header(dataset, source)
    part = CsvRows(names, source.line + 1)
    for begin, row, reason in _records(source, separator, len(names)):
        written = b"".join(source.taken).removesuffix(b"\n").removesuffix(b"\r")
        if not written.strip():
            continue
        part.read += 1
        part.next_line = source.line + 1
        if reason:
            part.broken.append((begin, reason, decoded(written)))
        else:
            part.lines.append(begin)
            part.written.append(written)
            part.fields.append(row)
        if part.read == ROWS:
            yield part
            part = CsvRows(names, source.line + 1)
    if source.damage:
        part.read += 1
        part.broken.append((source.line + 1, source.damage, ""))
    yield part


def _records(source: _Lines, separator: str, width: int) -> Iterator[tuple[int, list[str], str]]:
    """Each record: its first line, its values, and what is wrong with it.

    Of one that is wrong, only the first line is taken: a quote that nothing ends does not hide the lines after it.
    """
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        source.taken.clear()
        begin, row, reason = source.line + 1, list[str](), ""
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"no CSV: {error}"
        if not reason and len(row) != width and row:
            reason = f"{len(row)} values, but the header has {width} columns"
        if reason:
            source.give_back()
            reader = csv.reader(source, delimiter=separator, strict=True)
        yield begin, row, reason


def _header(dataset: Dataset, source: _Lines) -> tuple[str, tuple[str, ...]]:
    """The separator, and the names of the columns in lower case."""
    text = next((line for line in source if line.strip()), None)
    if text is None:
        raise InvalidFileError(source.damage or "no header", 1)
    found = []
    for separator in SEPARATORS:
        try:
            names = next(csv.reader([text], delimiter=separator, strict=True))
        except csv.Error:
            continue
        found.append((separator, tuple(name.strip().lower() for name in names)))
    if not found:
        raise InvalidFileError("the header is no CSV", source.line, value=text.strip()[:200])
    separator, columns = max(found, key=lambda one: (len({*dataset.required} & {*one[1]}), len(one[1])))
    for column in dataset.required:
        if column not in columns:
            raise InvalidFileError(f"the header has no {column}", source.line, column, text.strip()[:200])
    for column in columns:
        if columns.count(column) > 1 and column:
            raise InvalidFileError(f"the header has {column} twice", source.line, column, text.strip()[:200])
    return separator, columns


def decoded(line: bytes) -> str:
    """The text of a line: UTF-8, else the code page of Windows for the West, whose printable part holds Latin-1's."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


class _Lines:
    """The text of each line with its line end, one after the other; `taken` are those since it was emptied."""

    def __init__(self, pieces: Iterable[bytes | Damage]) -> None:
        self._lines = self._all(pieces)
        self._again: list[bytes] = []
        self.line = 0
        self.damage: str | None = None
        self.taken: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.line += 1
        self.taken.append(line)
        return decoded(line)

    def give_back(self) -> None:
        """Takes the first one of `taken` only: the others come again."""
        self._again += reversed(self.taken[1:])
        self.line -= len(self.taken) - 1
        del self.taken[1:]

    def _all(self, pieces: Iterable[bytes | Damage]) -> Iterator[bytes]:
        for block in blocks_of(pieces, LONGEST_LINE):
            yield from io.BytesIO(block.data)
            if block.damage:
                self.damage = block.damage.reason
                return
