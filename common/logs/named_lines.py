"""Formats in which a header line names the columns of the lines after it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from common.arrays import Flags, Integers
from common.display import counted
from common.errors import FormatError
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import Block
from common.logs.lines import check_length, lines_of, parse_lines, read_lines
from common.logs.named_blocks import columns_of
from common.logs.source import Source
from common.logs.values import FieldError, shown

Fields = Mapping[str, str]


Together = Callable[[pa.RecordBatch, Integers, RecordCollector], tuple[pa.RecordBatch, Flags]]


@dataclass(frozen=True)
class NamedColumns:
    """A format whose columns have names.

    Attributes:
        name: what the format is called in errors.
        required: columns that every file needs, or several such sets, of which it needs one.
        is_header: whether a line is a header.
        parse: adds the outcome of a record, given as text by column name, or raises `FieldError`.
        delimiters: what may stand between columns: the most frequent one in the header does.
        columns: names of the columns by their number, for files without a header.
        skipped: what a line without columns is, by its beginning.
        lower: whether names count in lower case.
        together: the sessions of many records, given as text by column name, their line numbers and the collector;
            and the mask of those that it could read.
    """

    name: str
    required: Sequence[Sequence[str]]
    is_header: Callable[[str], bool]
    parse: Callable[[Fields, int, RecordCollector], None]
    delimiters: str = ","
    columns: Mapping[int, Sequence[str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    lower: bool = False
    together: Together | None = None


def read_named(source: Source, form: NamedColumns) -> Iterator[ParsedBatch]:
    """The records of the file.

    Raises:
        FormatError: the header lacks a required column.
    """
    parser = _Parser(source.path, form)
    if form.together is None:
        yield from read_lines(source, parser.parse)
        return
    for block in source.blocks:
        yield parser.parse_block(block)


def split(text: str, delimiter: str) -> list[str]:
    """The columns of a line; a blank stands for any number of blanks."""
    if delimiter == " ":
        return text.split()
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter))
    except csv.Error as error:
        raise FieldError(f"no CSV: {error}") from None


class _Parser:
    """Parses the lines of one file in order."""

    def __init__(self, path: str, form: NamedColumns) -> None:
        self._path, self._form = path, form
        self._delimiter = form.delimiters[0]
        self._names: Sequence[str] = ()
        self._other = ""

    def parse(self, line: bytes, number: int, into: RecordCollector) -> None:
        check_length(line)
        text = decoded(line)
        if self._form.is_header(text):
            self._header(text)
            return
        self._other = next((kind for begin, kind in self._form.skipped.items() if text.startswith(begin)), self._other)
        if self._other:
            into.skip(self._other)
            return
        columns = [column.strip() for column in split(text, self._delimiter)]
        names = self._names or self._form.columns.get(len(columns), ())
        if not names:
            raise FieldError("no header line with column names came before this line")
        if len(columns) != len(names):
            raise FieldError(f"the line has {counted(len(columns), 'column')}, the header names {len(names)}")
        self._form.parse(dict(zip(names, columns, strict=True)), number, into)

    def parse_block(self, block: Block) -> ParsedBatch:
        """The records of a block: all together, but for those that only `parse` can read."""
        into = RecordCollector(self._path)
        data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
        first, _, rest = data.partition(b"\n")
        begins = self._form.is_header(decoded(first.strip()))
        if begins:
            self._header(decoded(first.strip()))
        found = self._together(rest if begins else data, block, int(begins), into)
        if found is None:
            parse_lines(lines_of(block), self.parse, into)
            return into.batch()
        sessions, alone = found
        lines = data.split(b"\n") if alone else []
        parse_lines(((block.number(at), lines[at].strip(b" \t\r\0")) for at in alone), self.parse, into)
        return into.batch([sessions])

    def _together(
        self, data: bytes, block: Block, begin: int, into: RecordCollector
    ) -> tuple[pa.RecordBatch, list[int]] | None:
        """The sessions of the lines that could be read together, and the indices of the others in the block.

        None if all lines must be read one by one: also where another header is among them.
        """
        columns = data.split(b"\n", 1)[0].count(self._delimiter.encode()) + 1
        names = self._names or self._form.columns.get(columns, ())
        found = columns_of(data, names, self._delimiter) if names and self._form.together and not self._other else None
        if found is None or self._form.together is None:
            return None
        table, rows = found
        trial = RecordCollector(self._path)
        sessions, certain = self._form.together(table, block.numbers_of(rows + begin), trial)
        count = data.count(b"\n") + (not data.endswith(b"\n"))
        alone = np.setdiff1d(np.arange(count), rows[certain])
        lines = data.split(b"\n") if len(alone) else []
        if any(self._form.is_header(decoded(lines[at])) for at in alone.tolist()):
            return None
        into.zones.update(trial.zones)
        return sessions, (alone + begin).tolist()

    def _header(self, text: str) -> None:
        text = text.lstrip("\ufeff")
        self._delimiter = max(self._form.delimiters, key=text.count)
        names = [name.strip() for name in split(text, self._delimiter)]
        self._names, self._other = [name.lower() for name in names] if self._form.lower else names, ""
        absent = [[name for name in needed if name not in self._names] for needed in self._form.required]
        fewest = min(absent, key=len)
        if fewest:
            raise FormatError(
                f"{self._path} is {self._form.name} without the columns {', '.join(fewest)}",
                f"Write at least {', '.join(self._form.required[absent.index(fewest)])}",
            )


def number_of(name: str, value: str | None) -> str | None:
    """A whole number that may be written with a fraction of zeros, as data frames do (`443.0`).

    Raises:
        FieldError: it has another fraction, or was rounded (`1.3E+13`).
    """
    if not value or value.isdigit():
        return value or None
    whole, _, fraction = value.partition(".")
    if whole.isdigit() and set(fraction) <= {"0"}:
        return whole
    raise FieldError(f"{name} {shown(value)} is not a whole number")
