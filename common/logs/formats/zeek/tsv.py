"""Zeek's conn.log as TSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.errors import FormatError
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.csv_rows import read_rows
from common.logs.formats.zeek.fields import CONN, CONNECTIONS
from common.logs.lines import BLANKS, check_length
from common.logs.options import ReadOptions
from common.logs.records import TRAFFIC, session_of, status_of
from common.logs.source import Source
from common.logs.tables import sessions_of
from common.logs.values import FieldError

_REQUIRED = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
_JOINED = re.compile("\t|   ")
_HASH, _NEWLINE, _MIN_LINES = ord("#"), 10, 24


@dataclass
class _Header:
    """What the header of a log says of the lines after it."""

    path: str
    separator: str = "\t"
    unset: frozenset[str] = frozenset({"-", "(empty)"})
    stream: str = "conn"
    fields: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        """Takes in a line of the header."""
        if line.startswith("#separator "):
            code = line.removeprefix("#separator ").strip()
            self.separator = chr(int(code[2:], 16)) if re.fullmatch(r"\\x[0-9A-Fa-f]{2}", code) else code or "\t"
        elif line.startswith(("#unset_field", "#empty_field")):
            self.unset |= {line[len("#unset_field") + 1 :].strip()}
        elif line.startswith("#path"):
            self.stream = line[len("#path") :].strip() or "conn"
        elif line.startswith("#fields"):
            self.fields = [re.sub("^id_(?=(orig|resp)_[hp]$)", "id.", name) for name in self.split(line)[1:]]
            missing = [name for name in _REQUIRED if name not in self.fields]
            if missing and self.is_conn:
                raise FormatError(
                    f"{self.path} is a Zeek log without the fields {', '.join(missing)}", "Give Zeek's conn.log"
                )

    @property
    def is_conn(self) -> bool:
        """Whether the lines after it are connections."""
        return self.stream in CONNECTIONS

    def split(self, line: str) -> list[str]:
        """The values of a line."""
        return _JOINED.split(line) if self.separator == "\t" else line.split(self.separator)


def read(source: Source) -> Iterator[ParsedBatch]:
    """A batch for each block; lines of a header tell how to read those after them."""
    header = _Header(source.path)
    for block in source.blocks:
        yield _parse_block(block, source, header)


def _parse_block(block: Block, source: Source, header: _Header) -> ParsedBatch:
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    raw = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(raw == _NEWLINE) + 1
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    bounds = np.concatenate((np.zeros(1, dtype=np.int64), ends))
    into, found = RecordCollector(source.path), []
    headers = np.flatnonzero(raw[bounds[:-1]] == _HASH).tolist()
    at = 0
    for end in (*headers, len(ends)):
        if end > at:
            found += _parse_lines(data, bounds[at : end + 1], at, block, source, header, into)
        if end < len(ends):
            header.read(decoded(data[bounds[end] : bounds[end + 1]].strip(BLANKS)))
        at = end + 1
    return into.batch(found)


def _parse_lines(
    data: bytes, bounds: Integers, first: int, block: Block, source: Source, header: _Header, into: RecordCollector
) -> list[pa.RecordBatch]:
    """The sessions of lines without header that are certain; all others are parsed by themselves."""
    left, found = np.arange(len(bounds) - 1, dtype=np.int64), []
    part = data[bounds[0] : bounds[-1]]
    columns, misfits = _columns(part, header) if len(left) >= _MIN_LINES and header.is_conn else (None, [])
    if columns is not None and columns.num_rows + len(misfits) == len(left):
        at = np.delete(left, misfits)
        raw, doubtful = CONN.columns(columns)
        numbers = block.numbers_of(at + first)
        rows, certain = sessions_of(raw, TRAFFIC, numbers, source.path, source.options, doubtful, into.zones)
        found, left = [rows], np.setdiff1d(left, at[certain], assume_unique=True)
    for index in left.tolist():
        line = data[bounds[index] : bounds[index + 1]].strip(b"\r\n\0")
        if line.strip(BLANKS):
            _parse_line(line, block.number(index + first), header, source.options, into)
    return found


def _columns(data: bytes, header: _Header) -> tuple[pa.RecordBatch | None, list[int]]:
    """The columns of the lines, by name of the value, and the numbers of lines with more or fewer values.

    None where the lines cannot be read together.
    """
    if len(header.separator) != 1 or not header.fields or len(set(header.fields)) < len(header.fields):
        return None, []
    if b"\0" in data or b"\r" in data or data.startswith(b"\n") or b"\n\n" in data:
        return None, []
    if header.separator == "\t" and b"   " in data:
        data = data.replace(b"   ", b"\t")
    needed = dict.fromkeys(
        (name for paths in CONN.paths.values() for name in paths if name in header.fields), pa.string()
    )
    table, misfits = read_rows(
        data, header.fields, needed, ("", *header.unset),
        delimiter=header.separator, quote_char=False, double_quote=False, ignore_empty_lines=False,
    )  # fmt: skip
    if table is None:
        return None, []
    columns = {name: _first(table, paths) for name, paths in CONN.paths.items()}
    columns["stream"] = pa.repeat(header.stream, table.num_rows)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns)), misfits


def _first(table: pa.Table, paths: Sequence[str]) -> pa.Array:
    """The first value of each row that is set, of the fields that exist."""
    present = [table.column(name).combine_chunks() for name in paths if name in table.schema.names]
    if not present:
        return pa.nulls(table.num_rows, pa.string())
    return present[0] if len(present) == 1 else pc.coalesce(*present)


def _parse_line(line: bytes, number: int, header: _Header, options: ReadOptions, into: RecordCollector) -> None:
    try:
        check_length(line)
        if not header.fields:
            raise FieldError("no #fields header came before this line")
        if not header.is_conn:
            into.skip(header.stream)
            return
        session = session_of(TRAFFIC, CONN.completed(_raw(decoded(line), header)), options)
        into.keep(number, session, status_of(TRAFFIC, session["subtype"]))
    except FieldError as error:
        into.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))


def _raw(line: str, header: _Header) -> dict[str, str | None]:
    values = header.split(line)
    if len(values) != len(header.fields):
        raise FieldError(f"the line has {len(values)} columns, the header names {len(header.fields)}")
    named: Mapping[str, str | None] = {
        name: None if value in header.unset else value for name, value in zip(header.fields, values, strict=True)
    }
    raw = {
        name: next((value for path in paths if (value := named.get(path))), None) for name, paths in CONN.paths.items()
    }
    return raw | {"stream": header.stream}
