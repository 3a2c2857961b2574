"""The lines of a block, and which of them the CSV parser might misread."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from common.arrays import Integers
from common.logs.blocks import MAX_LINE_BYTES, is_utf8

_NEWLINE, _QUOTE, _COMMA, _BACKSLASH = 10, 34, 44, 92


class BlockLines:
    """The lines of a block, addressed by their index in it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(self._bytes == _NEWLINE)
        if not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        self.ends = ends
        self.starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1)) if len(ends) else ends
        self.all = np.arange(len(ends), dtype=np.int64)

    def __getitem__(self, index: int) -> bytes:
        return self.data[self.starts[index] : self.ends[index]]

    def __len__(self) -> int:
        return len(self.all)

    def joined(self, indices: Integers) -> bytes:
        """The bytes of the lines, in order."""
        if len(indices) == len(self.all):
            return self.data
        spans = zip(self.starts[indices].tolist(), self.ends[indices].tolist(), strict=True)
        return b"\n".join([self.data[start:end] for start, end in spans])

    def holding(self, positions: Integers) -> Integers:
        """The lines that hold the byte positions."""
        return np.unique(np.searchsorted(self.ends, positions))

    @cached_property
    def _quotes(self) -> Integers:
        return self.where(_QUOTE)

    def where(self, byte: int) -> Integers:
        """The positions of a byte."""
        positions: Integers = np.flatnonzero(self._bytes == byte)
        return positions

    def irregular(self) -> Integers:
        """Lines that the CSV parser might not read line by line, or not read at all."""
        parts = [np.flatnonzero(self.ends - self.starts > MAX_LINE_BYTES), self._with_several_types()]
        parts.extend(self.holding(self.where(byte)) for byte in (0, 13) if byte in self.data)
        if len(self._quote_escapes):
            parts.append(self.holding(self._quote_escapes))
        if not self.data.isascii():
            suspects = self.holding(np.flatnonzero(self._bytes > 127))
            parts.append(np.array([at for at in suspects if not is_utf8(self[at])], dtype=np.int64))
        return np.unique(np.concatenate(parts))

    def with_doubled_quotes(self) -> BlockLines:
        r"""The lines with `""` for `\"`, where all readings agree that this is an escaped quote; of the same lengths.

        That is where all other quotes enclose whole columns, and no other byte is escaped in the line.
        """
        escapes = self._quote_escapes
        if not len(escapes):
            return self
        quotes = np.setdiff1d(self._quotes, escapes + 1, assume_unique=True)
        line = np.searchsorted(self.ends, quotes)
        before = np.searchsorted(quotes, self.starts)  # quotes up to each line
        opens = (np.arange(len(quotes)) - before[line]) % 2 == 0
        outer = np.where(opens, quotes - 1, quotes + 1)
        inside = (outer >= self.starts[line]) & (outer < self.ends[line])
        encloses = ~inside | (self._bytes[np.clip(outer, 0, len(self.data) - 1)] == _COMMA)
        escaped = np.searchsorted(self.ends, escapes)
        quoted = (np.searchsorted(quotes, escapes) - before[escaped]) % 2 == 1
        others = self._escapes((_BACKSLASH, _COMMA))
        unclear = np.concatenate((line[~encloses], escaped[~quoted], np.searchsorted(self.ends, others)))
        data = self._bytes.copy()
        data[escapes[~np.isin(escaped, unclear)]] = _QUOTE
        return BlockLines(data.tobytes())

    @cached_property
    def _quote_escapes(self) -> Integers:
        return self._escapes((_QUOTE,))

    def _escapes(self, escaped: tuple[int, ...]) -> Integers:
        """The positions of backslashes before one of the bytes."""
        backslashes = self.where(_BACKSLASH) if b"\\" in self.data else np.empty(0, dtype=np.int64)
        following = self._bytes[np.minimum(backslashes + 1, max(len(self.data) - 1, 0))]
        found: Integers = backslashes[np.isin(following, escaped) & (backslashes + 1 < len(self.data))]
        return found

    def _with_several_types(self) -> Integers:
        """Lines that hold `,TRAFFIC,` or `,THREAT,` twice or more in total: perhaps several records in one."""
        letters = self.where(ord("T"))
        letters = letters[(letters > 0) & (letters < len(self.data) - len("TRAFFIC"))]
        letters = letters[self._bytes[letters - 1] == _COMMA]
        second = self._bytes[letters + 1]
        ends = np.where(second == ord("R"), len("TRAFFIC"), np.where(second == ord("H"), len("THREAT"), 0))
        lines = np.searchsorted(self.ends, letters[self._bytes[letters + ends] == _COMMA])
        return np.unique(lines[1:][lines[1:] == lines[:-1]])

    def with_open_quote(self, indices: Integers) -> Integers:
        """Those of the lines that hold an odd number of quotes."""
        quotes = self._quotes
        counts = np.searchsorted(quotes, self.ends[indices]) - np.searchsorted(quotes, self.starts[indices])
        odd: Integers = indices[counts % 2 == 1]
        return odd
