"""A block of lines of JSON as Arrow columns of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.logs.blocks import Block
from common.ndjson.alike import alike_records
from common.ndjson.lines import NULL, Reject, lines_of
from common.ndjson.names import distinct

_BACKSLASH, _QUOTE, _NULL_START = b"\\"[0], b'"'[0], b"n"[0]
_strings = msgspec.json.Decoder(list[str]).decode


@dataclass(frozen=True)
class TextBlock:
    """The records of a block of lines.

    Attributes:
        rows: how many they are.
        values: those of a name, one per record, `NULL` where a record does not have it, or as `alike_records` has them.
        spellings: the names by column, in lower case, both in the order of their first sight; a record has one of each.
        rejects: the lines that are no records.
    """

    rows: int
    values: Callable[[str], list[Any]]
    spellings: dict[str, list[str]]
    rejects: list[Reject]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, in the order of their first sight."""
        return tuple(names[0] for names in self.spellings.values())

    def columns(self, names: Iterable[str]) -> list[pa.StringArray]:
        """A column of text for each of the names, one value per record; null where a record does not have it.

        A string is its characters, null is null, anything else is the text of its line: numbers with all their digits,
        objects with their spaces.
        """
        return [self._column(self.spellings.get(name.lower(), ())) for name in names]

    def _column(self, names: Sequence[str]) -> pa.StringArray:
        """The column of which each record has one of the names at most."""
        if not names:
            return pa.nulls(self.rows, pa.string())
        first, *others = names
        values = self.values(first)
        for name in others:
            for row, value in enumerate(self.values(name)):
                if value is not NULL:
                    values[row] = value
        return texts_of(values)


def read_block(block: Block, taken: Sequence[str] = ()) -> TextBlock:
    """The records of the lines of a block, whose columns have other names than those taken."""
    attributes, alike = alike_records(block, taken)
    if alike:
        own = {name.lower(): [name] for name in attributes}
        return TextBlock(len(alike), lambda name: list(map(attrgetter(attributes[name]), alike)), own, [])
    lines = lines_of(block)
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row, record in enumerate(lines.records):
        names = tuple(record)
        columns = known.get(names)
        if columns is None:
            columns = known[names] = distinct(names, taken)
        if columns != names:
            lines.records[row] = dict(zip(columns, record.values(), strict=True))
    spellings: dict[str, list[str]] = {}
    for name in dict.fromkeys(chain.from_iterable(known.values())):
        spellings.setdefault(name.lower(), []).append(name)
    records = lines.records
    return TextBlock(
        len(records), lambda name: [record.get(name, NULL) for record in records], spellings, lines.rejects
    )


def texts_of(values: list[msgspec.Raw] | list[str | None]) -> pa.StringArray:
    """JSON values as text: strings unescaped, null for null, all others as they are written.

    They are all as written, or all strings and None.
    """
    if not isinstance(values[0], msgspec.Raw):
        return pa.array(values, pa.string())
    data = b"".join(values)
    bounds = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int32, count=len(values)), out=bounds[1:])
    raw = np.frombuffer(data, dtype=np.uint8)
    firsts = raw[bounds[:-1]]
    written = pa.BinaryArray.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    are_strings: Flags = firsts == _QUOTE
    texts = written
    if are_strings.any():
        texts = pc.binary_slice(written, 1, -1)
        if not are_strings.all():
            texts = pc.if_else(pa.array(are_strings), texts, written)
    are_null: Flags = firsts == _NULL_START
    if are_null.any():
        texts = pc.if_else(pa.array(are_null), pa.scalar(None, pa.binary()), texts)
    texts = texts.view(pa.string())
    escaped = _escaped(raw, bounds, are_strings)
    if len(escaped):
        mask = np.zeros(len(values), dtype=bool)
        mask[escaped] = True
        right = _strings(b"[" + b",".join([values[at] for at in escaped.tolist()]) + b"]")
        texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(right, pa.string()))
    return texts


def _escaped(raw: NDArray[np.uint8], bounds: NDArray[np.int32], are_strings: Flags) -> Integers:
    """The indices of the strings with a backslash."""
    at = np.flatnonzero(raw == _BACKSLASH) if are_strings.any() else np.empty(0, dtype=np.int64)
    rows: Integers = np.unique(np.searchsorted(bounds, at, side="right") - 1)
    return rows[are_strings[rows]]
