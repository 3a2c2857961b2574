"""Columns of text from JSON lines, many lines at a time, with the same results as `json_lines` for single ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    frozen = tuple((name, tuple(some)) for name, some in paths.items())
    rows, certain = _read(texts, _places(frozen, _has_dotted(texts, paths)))
    for pattern in _LENIENT:
        certain &= ~_matches(texts, pattern)
    for name, column in zip(paths, rows.columns, strict=True):
        if name not in raw and column.null_count < len(column):
            certain &= ~_are_composite(column)
    return rows, certain


def _has_dotted(texts: pa.StringArray, paths: Paths) -> bool:
    """Whether a name with dots may be a part of the paths."""
    names = {part for some in paths.values() for path in some for part in path.split(".")[:-1]}
    if not names:
        return False
    dotted = rf'"(?:{"|".join(sorted(names))})\.[^"]*"\s*:'
    return bool(_matches(texts[:1], dotted).any() or _matches(texts.filter(_matches(texts, _DOTTED)), dotted).any())


def _matches(texts: pa.StringArray, pattern: str) -> Flags:
    return np.asarray(pc.match_substring_regex(texts, pattern))


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


@dataclass(frozen=True)
class _Places:
    """Where the values of columns are.

    Attributes:
        all: the places as JSON paths.
        columns: the paths of each column by name, and the forms of each path, as indices of places.
    """

    all: tuple[str, ...]
    columns: Mapping[str, Sequence[Sequence[int]]]


@lru_cache(maxsize=64)
def _places(paths: tuple[tuple[str, tuple[str, ...]], ...], dotted: bool) -> _Places:
    places: list[str] = []

    def places_of(path: str) -> range:
        parts = tuple(path.split("."))
        before = len(places)
        places.extend("$" + "".join(f'."{part}"' for part in form) for form in (_forms(parts) if dotted else [parts]))
        return range(before, len(places))

    columns = {name: [places_of(path) for path in some] for name, some in paths}
    return _Places(tuple(places), columns)


def _first(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """The first value of each row that is not null."""
    filled = [column for column in columns if column.null_count < len(column)] or columns[:1]
    return filled[0] if len(filled) == 1 or not filled[0].null_count else pc.coalesce(*filled)


def _forms(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The ways to write a path, in the order in which `json_lines.pick` tries them."""
    yield (".".join(parts),)
    for cut in range(1, len(parts)):
        for rest in _forms(parts[cut:]):
            yield (".".join(parts[:cut]), *rest)


def _read(texts: pa.StringArray, places: _Places) -> tuple[pa.RecordBatch, Flags]:
    """The columns, and the mask of the rows that are JSON."""
    found, valid = _values(texts, places.all)
    at = [found.slice(place * len(texts), len(texts)) for place in range(len(places.all))]
    columns = [
        _first([_without_empty(_first([at[place] for place in forms])) for forms in some])
        for some in places.columns.values()
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(places.columns)), valid


def _values(texts: pa.StringArray, places: Sequence[str]) -> tuple[pa.StringArray, Flags]:
    """The values at the first place in all rows, then those at the next one; and the mask of the rows that are JSON."""
    import duckdb

    valid = np.ones(len(texts), dtype=bool)
    extracted = f"json_extract_string(line, {list(places)})"
    try:
        lists = _of_lines(texts, extracted)
    except duckdb.InvalidInputException:
        valid = np.asarray(_of_lines(texts, "json_valid(line)"))
        lists = _of_lines(pc.if_else(pa.array(valid), texts, "{}"), extracted)
    order = np.arange(len(texts) * len(places)).reshape(len(texts), len(places)).T
    return pc.take(lists.flatten(), pa.array(order.ravel()), boundscheck=False), valid


def _of_lines(lines: pa.StringArray, expression: str) -> pa.Array:
    """The value of an SQL expression for each line."""
    try:
        connection = _idle.get_nowait()
    except Empty:
        connection = _connection()
    connection.register("lines", pa.table({"line": lines}))
    try:
        found = connection.sql(f"SELECT {expression} FROM lines").to_arrow_table().column(0)
        return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()
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
