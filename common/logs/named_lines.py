"""Formats in which a header line names the columns of the lines after it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from common.errors import FormatError
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.lines import check_length, read_lines
from common.logs.source import Source
from common.logs.values import FieldError, shown

Fields = Mapping[str, str]


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
    """

    name: str
    required: Sequence[Sequence[str]]
    is_header: Callable[[str], bool]
    parse: Callable[[Fields, int, RecordCollector], None]
    delimiters: str = ","
    columns: Mapping[int, Sequence[str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    lower: bool = False


def read_named(source: Source, form: NamedColumns) -> Iterator[ParsedBatch]:
    """The records of the file.

    Raises:
        FormatError: the header lacks a required column.
    """
    return read_lines(source, _Parser(source.path, form).parse)


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
            raise FieldError(f"the line has {len(columns)} columns, the header names {len(names)}")
        self._form.parse(dict(zip(names, columns, strict=True)), number, into)

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
