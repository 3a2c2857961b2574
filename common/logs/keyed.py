"""Splits lines of `key=value` pairs, such as CEF and LEEF, into fields.

Lines of one device share their sequence of keys: those are split together, as columns. `fields_of` splits one line and
is the reference. A key is a word between a separator (a blank in CEF) and a `=`; a value ends where the next key
begins, so that it may hold separators.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa

from common.arrays import Flags, Integers
from common.logs.blocks import MAX_LINE_BYTES, is_utf8
from common.logs.csv_rows import read_rows

_NEWLINE, _EQUALS, _PIPE, _BACKSLASH, _CUT = 10, 61, 124, 92, 0x1F
_WORD = "[A-Za-z_][A-Za-z0-9_.-]*"
_UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")
_MIN_LINES = 24
_MAX_LAYOUTS = 8
_SAMPLE = 8
_WINDOW = 8
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Style:
    """How the lines of a format are built.

    Attributes:
        magic: what the header begins with; empty where there is no header.
        header: names of the header fields, each of which ends with `|`; the first one is the rest of the line before.
        separator: the byte between the pairs.
        quotes: whether values may stand in quotes, inside which no key begins.
    """

    magic: bytes
    header: tuple[str, ...]
    separator: bytes
    quotes: bool = False


@dataclass(frozen=True)
class Columns:
    """Lines that share their keys: a text column for each header field and key, and the indices of the lines."""

    table: pa.RecordBatch
    lines: Integers


@lru_cache(maxsize=16)
def _key_pattern(separator: bytes, quotes: bool) -> re.Pattern[str]:
    before = re.escape(separator.decode("latin-1"))
    quoted = rf'(?:"[^"]*"(?={before}|$))?' if quotes else ""
    return re.compile(rf"(?:^|(?<={before}))({_WORD})=({quoted})")


def fields_of(line: str, style: Style) -> dict[str, str] | None:
    """The header fields and values of a line by name; None where it has no such header.

    Of equal keys, the first counts.
    """
    fields, pairs = {}, line
    if style.header:
        begin = line.find(f"{style.magic.decode()}|")
        parts = _UNESCAPED_PIPE.split(line[begin:], len(style.header)) if begin >= 0 else []
        if len(parts) < len(style.header):  # some templates leave out the last header field
            return None
        *named, pairs = parts
        fields = dict(zip(style.header, named, strict=False))
    for key, value in pairs_in(pairs, style):
        fields.setdefault(key, value)
    return fields


def pairs_in(text: str, style: Style) -> list[tuple[str, str]]:
    """The keys and values of the text, in order."""
    found = list(_key_pattern(style.separator, style.quotes).finditer(text))
    ends = [*(match.start() - 1 for match in found[1:]), len(text)][: len(found)]
    return [(match[1], text[match.start(2) : end]) for match, end in zip(found, ends, strict=True)]


class KeyedLines:
    """The lines of a block, addressed by their index in it; a byte order mark and carriage returns are left out."""

    def __init__(self, data: bytes, style: Style) -> None:
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if not data.endswith(b"\n"):
            data += b"\n"
        if not style.header:  # the first key, too, comes after a separator
            data = style.separator + data[:-1].replace(b"\n", b"\n" + style.separator) + b"\n"
        self.data, self.style = data, style
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        self.ends = np.flatnonzero(self._bytes == _NEWLINE)
        self.starts = np.concatenate((np.zeros(1, dtype=np.int64), self.ends[:-1] + 1))
        self.filled = np.flatnonzero(self.ends - self.starts > len(style.separator if not style.header else b""))

    def __getitem__(self, index: int) -> bytes:
        begin = self.starts[index] + (0 if self.style.header else len(self.style.separator))
        return self.data[begin : self.ends[index]]

    def columns(self, plain: frozenset[str], wanted: frozenset[str]) -> Iterator[Columns]:
        """The lines whose keys are common in the block; each line once at most.

        Args:
            plain: keys with many distinct values.
            wanted: keys whose values are needed.
        """
        remaining = self.filled[self._regular[self.filled]]
        for _ in range(_MAX_LAYOUTS):
            keys = self._common_keys(remaining)
            if keys is None:
                return
            fitting = self._fitting(remaining, keys)
            if len(fitting):
                table = self._read(fitting, keys, plain, wanted)
                if table is not None:
                    yield Columns(table, fitting)
            left = np.setdiff1d(remaining, fitting, assume_unique=True)
            remaining = left if len(fitting) else left[:0]

    @cached_property
    def _regular(self) -> Flags:
        """Which lines can be read together."""
        regular = self.ends - self.starts <= MAX_LINE_BYTES
        for byte in (0, 13, _CUT):
            if bytes([byte]) in self.data:
                regular[np.searchsorted(self.ends, np.flatnonzero(self._bytes == byte))] = False
        if not self.data.isascii():
            suspects = np.unique(np.searchsorted(self.ends, np.flatnonzero(self._bytes > 127)))
            for at in suspects.tolist():
                regular[at] &= is_utf8(self[at])
        return regular

    @cached_property
    def _pipes(self) -> Integers:
        """The positions of the pipes that end the header fields, a row for each line; -1 where there are too few."""
        pipes = np.flatnonzero(self._bytes == _PIPE)
        fields = len(self.style.header)
        first, after = np.searchsorted(pipes, self.starts), np.searchsorted(pipes, self.ends)
        places = first[:, None] + np.arange(fields)
        enough = (after - first >= fields) if fields else np.zeros(len(self.starts), dtype=bool)
        found = np.where(enough[:, None], pipes[np.minimum(places, max(len(pipes) - 1, 0))] if len(pipes) else -1, -1)
        if fields:
            escaped = (self._bytes[found - 1] == _BACKSLASH).any(axis=1)
            magic = self._bytes_at(found[:, 0] - len(self.style.magic), self.style.magic)
            found[escaped | ~magic | ~enough] = -1
        return found

    @cached_property
    def _keys(self) -> tuple[Integers, Integers, Integers]:
        """Of each key, the positions of the separator before it and the `=` after it; the first key of each line."""
        separators = self._bytes == self.style.separator[0]
        begin = self.starts
        if self.style.header:
            begin = self._pipes[:, -1]
            separators[begin[begin >= 0]] = True
        equals = np.flatnonzero(self._bytes == _EQUALS)
        equals = equals[self._bytes[equals - 1] != _BACKSLASH]
        before = np.flatnonzero(separators)
        place = np.searchsorted(before, equals) - 1
        first = np.ones(len(equals), dtype=bool)
        first[1:] = place[1:] != place[:-1]
        first &= place >= 0
        equals, before = equals[first], before[place[first]]
        counts = np.searchsorted(equals, self.ends) - np.searchsorted(equals, self.starts)
        inside = before >= np.repeat(np.where(begin < 0, np.iinfo(np.int64).max, begin), counts)
        equals, before = equals[inside], before[inside]
        return before, equals, np.searchsorted(equals, np.append(self.starts, len(self.data)))

    def _common_keys(self, lines: Integers) -> tuple[str, ...] | None:
        """The most frequent sequence of keys in a sample of the lines; None if there are too few lines."""
        if len(lines) < _MIN_LINES:
            return None
        found: Counter[tuple[str, ...]] = Counter()
        for at in lines[np.linspace(0, len(lines) - 1, _SAMPLE, dtype=np.int64)].tolist():
            begin = self._pipes[at, -1] + 1 if self.style.header else self.starts[at] + 1
            pairs = pairs_in(self.data[begin : self.ends[at]].decode(), self.style) if begin else []
            found[tuple(key for key, _ in pairs)] += bool(pairs)
        keys, number = found.most_common(1)[0]
        return keys if number else None

    def _fitting(self, lines: Integers, keys: Sequence[str]) -> Integers:
        """Those of the lines that have exactly these keys."""
        before, equals, first = self._keys
        lines = lines[first[lines + 1] - first[lines] == len(keys)]
        if self.style.header:
            lines = lines[self._pipes[lines, -1] >= 0]
            lines = lines[before[first[lines]] == self._pipes[lines, -1]]
        for at, key in enumerate(map(str.encode, keys)):
            places = first[lines] + at
            lines = lines[equals[places] - before[places] == len(key) + 1]
            lines = lines[self._bytes_at(before[first[lines] + at] + 1, key)]
        return lines

    def _bytes_at(self, positions: Integers, text: bytes) -> Flags:
        """Whether the text stands at each of the positions."""
        same = positions >= 0
        for begin in range(0, len(text), _WINDOW):
            part = text[begin : begin + _WINDOW]
            mask = (1 << 8 * len(part)) - 1
            windows = self._windows[np.where(same, positions + begin, 0)] & np.uint64(mask)
            same &= windows == np.uint64(int.from_bytes(part, "little"))
        return same

    @cached_property
    def _windows(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """The eight bytes that begin at each position, as a number."""
        return np.ndarray((len(self.data),), dtype="<u8", buffer=self.data + bytes(_WINDOW), strides=(1,))

    def _read(
        self, lines: Integers, keys: Sequence[str], plain: frozenset[str], wanted: frozenset[str]
    ) -> pa.RecordBatch | None:
        """The wanted columns of lines with these keys; None if they cannot be read together after all."""
        before, equals, first = self._keys
        places = (first[lines][:, None] + np.arange(len(keys))).ravel()
        cut = self._bytes.copy()
        cut[before[places]] = cut[equals[places]] = _CUT
        if self.style.header:
            cut[self._pipes[lines].ravel()] = _CUT
        if len(lines) < len(self.starts):
            chosen = np.zeros(len(self.starts), dtype=bool)
            chosen[lines] = True
            cut = cut[np.repeat(chosen, np.diff(self.starts, append=len(self.data)))]
        header = self.style.header or ("before",)
        names = [*header, *(name for at, key in enumerate(keys) for name in (f"key {at}", _once(keys, at, key)))]
        needed = [name for name in dict.fromkeys((*header, *keys)) if name in wanted or name in self.style.header]
        types = {name: pa.string() if name in plain else _DICTIONARY for name in needed}
        table, misfits = read_rows(
            cut.tobytes(), names, types, delimiter=chr(_CUT), quote_char=False, double_quote=False
        )
        return None if table is None or misfits or table.num_rows != len(lines) else table.to_batches()[0]


def _once(keys: Sequence[str], at: int, key: str) -> str:
    """The name of the column of a key: the key itself, but for one that came before."""
    return key if keys.index(key) == at else f"again {at}"
