"""Columns of text from JSON lines, many lines at a time, with the same results as `json_lines` for single ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.logs.blocks import MAX_LINE_BYTES, Block, is_utf8
from common.logs.lines import BLANKS
from common.logs.vectors import bounds_of

if TYPE_CHECKING:
    import duckdb

Bytes = NDArray[np.uint8]
Paths = Mapping[str, Sequence[str]]
"""The dotted paths of each column, in order of preference; any part may be nested and any part dotted."""

_NO_NUMBER = r"\s*-?(?i:nan|inf|infinity)\s*[,}\]]"
_LENIENT = (rf",(?:\s*[}}\]]|{_NO_NUMBER})", f":{_NO_NUMBER}", rf"\[{_NO_NUMBER}")
"""What DuckDB takes for JSON and the standard does not; it may also match within strings. Each begins with a literal,
which makes it fast."""

_DOTTED = r'\.[^"]*"\s*:'
"""The end of a name with dots."""

_MAX_NESTING = 900
"""Deeper documents are left to the parser of single lines, which refuses them at about 1,000."""

_OBJECT, _NEWLINE = ord("{"), 10
_OPENING = 0x5B  # of both { and [ after & 0xDF
_idle: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
"""Connections that no thread uses at the moment: opening one takes as long as reading 2,000 lines."""


class JsonLines:
    """The lines of a block; `texts` are those that are likely JSON objects, `likely` and `others` say which.

    Both are indices of lines in the block.
    """

    texts: pa.StringArray
    likely: Integers
    others: Integers

    def __init__(self, block: Block) -> None:
        data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
        raw = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(raw == _NEWLINE) + 1
        if data and not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        self._data = data
        self._bounds = np.concatenate((np.zeros(1, dtype=np.int64), ends))
        right = self._plain(raw)
        offsets = pa.py_buffer(self._bounds.astype(np.int32))
        texts = pa.StringArray.from_buffers(len(ends), offsets, pa.py_buffer(data))
        rows = np.arange(len(ends), dtype=np.int64)
        self.texts = texts if right.all() else texts.filter(pa.array(right))
        self.likely, self.others = rows[right], rows[~right]

    def __getitem__(self, index: int) -> bytes:
        return self._data[self._bounds[index] : self._bounds[index + 1]].strip(BLANKS)

    def _plain(self, raw: Bytes) -> Flags:
        """Mask of the lines that start as objects, and are neither too long nor nested too deeply, all UTF-8."""
        starts, lengths = self._bounds[:-1], np.diff(self._bounds)
        right: Flags = (raw[starts] == _OBJECT) & (lengths <= MAX_LINE_BYTES)
        if len(lengths) and lengths.max() > 2 * _MAX_NESTING:
            opening = ((raw & 0xDF) == _OPENING).astype(np.int32)
            right &= np.add.reduceat(opening, starts) < _MAX_NESTING
        if not self._data.isascii():
            right &= _are_utf8(self._data, raw, self._bounds)
        return right


def _are_utf8(data: bytes, raw: Bytes, bounds: Integers) -> Flags:
    right = np.ones(len(bounds) - 1, dtype=bool)
    if not is_utf8(data):
        for at in np.unique(np.searchsorted(bounds, np.flatnonzero(raw > 127), side="right") - 1).tolist():
            right[at] = is_utf8(data[bounds[at] : bounds[at + 1]])
    return right


def text_columns(texts: pa.StringArray, paths: Paths, raw: Collection[str] = ()) -> tuple[pa.RecordBatch, Flags]:
    """The first value at the paths of each column that is not empty, as text, and the mask of the certain rows.

    A row is certain if it is a JSON object, and each value found is a scalar. Rows that are not certain hold anything.

    Args:
        texts: one JSON object each, most likely.
        paths: the columns.
        raw: columns that may hold lists and objects: these come as JSON.
    """
    dotted = np.flatnonzero(_matches(texts, _DOTTED))
    if len(dotted):
        dotted = dotted[_matches(texts.take(pa.array(dotted)), _dotted(_prefixes(paths)))]
    rows, certain = _read(texts, _query(_frozen(paths), dotted=0 < len(dotted) == len(texts)))
    if 0 < len(dotted) < len(texts):
        rows, certain = _with_dotted(texts, rows, certain, dotted, paths)
    for pattern in _LENIENT:
        certain &= ~_matches(texts, pattern)
    columns = [_without_empty(rows.column(name)) for name in paths]
    for name, column in zip(paths, columns, strict=True):
        if name not in raw:
            certain &= ~_are_composite(column)
    return pa.RecordBatch.from_arrays(columns, names=list(paths)), certain


def _with_dotted(
    texts: pa.StringArray, rows: pa.RecordBatch, certain: Flags, dotted: Integers, paths: Paths
) -> tuple[pa.RecordBatch, Flags]:
    """The rows, with those that have dotted names read again."""
    again, valid = _read(texts.take(pa.array(dotted)), _query(_frozen(paths), dotted=True))
    certain[dotted] &= valid
    places = np.arange(rows.num_rows, dtype=np.int64)
    places[dotted] = rows.num_rows + np.arange(len(dotted))
    return pa.concat_batches([rows, again]).take(pa.array(places)), certain


def _without_empty(column: pa.StringArray) -> pa.StringArray:
    """The column with null for empty text."""
    if np.count_nonzero(np.diff(bounds_of(column)) == 0) == column.null_count:
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _are_composite(column: pa.StringArray) -> Flags:
    """Mask of the values that are lists or objects, or look like them."""
    bounds = bounds_of(column)
    composite = np.zeros(len(column), dtype=bool)
    filled = np.flatnonzero(np.diff(bounds))
    if len(filled):
        first = np.frombuffer(column.buffers()[2], dtype=np.uint8)[bounds[filled]]
        composite[filled] = (first & 0xDF) == _OPENING
    return composite


def _frozen(paths: Paths) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(some)) for name, some in paths.items())


def _prefixes(paths: Paths) -> tuple[str, ...]:
    """The names of objects on the paths."""
    return tuple(sorted({part for some in paths.values() for path in some for part in path.split(".")[:-1]}))


@lru_cache(maxsize=64)
def _dotted(prefixes: tuple[str, ...]) -> str:
    """Expression for a name with dots that may be of a path."""
    return rf'"(?:{"|".join(prefixes)})\.[^"]*"\s*:' if prefixes else "^$"


def _matches(texts: pa.StringArray, pattern: str) -> Flags:
    return np.asarray(pc.match_substring_regex(texts, pattern))


@lru_cache(maxsize=64)
def _query(paths: tuple[tuple[str, tuple[str, ...]], ...], dotted: bool) -> tuple[str, str]:
    """The SQL expressions of the list of all values, and of the columns."""
    places: list[str] = []

    def value(path: str) -> str:
        forms = list(_forms(tuple(path.split(".")))) if dotted else [tuple(path.split("."))]
        found = []
        for form in forms:
            places.append("$" + "".join(f'."{part}"' for part in form))
            found.append(f"found[{len(places)}]")
        return _first(found)

    def first_filled(some: tuple[str, ...]) -> str:
        *before, last = map(value, some)
        return _first([*(f"nullif({found}, '')" for found in before), last])

    columns = [f'{first_filled(some)} AS "{name}"' for name, some in paths]
    quoted = ", ".join("'" + place.replace("'", "''") + "'" for place in places)
    return f"[{quoted}]", ", ".join(columns)


def _first(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _forms(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The ways to write a path, in the order in which `json_lines.pick` tries them."""
    yield (".".join(parts),)
    for cut in range(1, len(parts)):
        for rest in _forms(parts[cut:]):
            yield (".".join(parts[:cut]), *rest)


def _read(texts: pa.StringArray, query: tuple[str, str]) -> tuple[pa.RecordBatch, Flags]:
    """The columns of the query, and the mask of the rows that are JSON."""
    import duckdb

    places, columns = query
    lines = pa.table({"line": texts})
    valid = np.ones(len(texts), dtype=bool)
    try:
        table = _rows(lines, f"json_extract_string(line, {places})", columns)
    except duckdb.InvalidInputException:
        checked = f"CASE WHEN json_valid(line) THEN json_extract_string(line, {places}) END"
        columns = f"{columns}, found IS NOT NULL AS valid"
        table = _rows(lines, checked, columns)
        valid = np.asarray(table.column("valid").combine_chunks())
        table = table.drop_columns("valid")
    batches = table.combine_chunks().to_batches()
    empty = pa.RecordBatch.from_pylist([], schema=table.schema)
    return (batches[0] if batches else empty), valid


def _rows(lines: pa.Table, found: str, columns: str) -> pa.Table:
    try:
        connection = _idle.get_nowait()
    except Empty:
        connection = _connection()
    connection.register("lines", lines)
    try:
        return connection.sql(f"SELECT {columns} FROM (SELECT {found} AS found FROM lines)").to_arrow_table()
    finally:
        connection.unregister("lines")
        _idle.put(connection)


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection that reads nothing but what it is given, in the thread that uses it.

    The optimiser has nothing to do here, and takes longer than the query.
    """
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    connection.execute("PRAGMA disable_optimizer")
    return connection
