"""The lines of a block, and which of them the CSV parser might misread."""

from __future__ import annotations

import numpy as np

from common.arrays import Integers
from common.logs.blocks import MAX_LINE_BYTES, is_utf8

_NEWLINE, _CARRIAGE_RETURN, _QUOTE, _COMMA, _BACKSLASH = 10, 13, 34, 44, 92


class BlockLines:
    """The lines of a block, addressed by their index in it; `line_ends` are the positions of its line ends."""

    def __init__(self, data: bytes, line_ends: Integers) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        self._line_ends = line_ends
        self.ends = ends = line_ends if data.endswith(b"\n") else np.append(line_ends, len(data))
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

    def counts(self, positions: Integers) -> Integers:
        """How many of the byte positions, which are in ascending order, each line holds."""
        return np.diff(np.searchsorted(positions, self.ends), prepend=0)

    def holding(self, positions: Integers) -> Integers:
        """The lines that hold the byte positions, which are in ascending order."""
        return np.flatnonzero(self.counts(positions))

    def where(self, byte: int) -> Integers:
        """The positions of a byte."""
        return np.flatnonzero(self._bytes == byte) if byte in self.data else np.empty(0, dtype=np.int64)

    def irregular(self) -> Integers:
        """Lines that the CSV parser might not read line by line, or not read at all, wherever their quotes are."""
        parts = [np.flatnonzero(self.ends - self.starts > MAX_LINE_BYTES), self._with_several_types()]
        parts.extend(self.holding(self.where(byte)) for byte in (0, _CARRIAGE_RETURN))
        if not self.data.isascii():
            suspects = self.holding(np.flatnonzero(self._bytes > 127))
            parts.append(np.array([at for at in suspects if not is_utf8(self[at])], dtype=np.int64))
        return np.unique(np.concatenate(parts))

    def with_doubled_quotes(self) -> tuple[BlockLines, Integers]:
        r"""The lines with `""` for `\"`, where all readings agree that this is an escaped quote; of the same lengths.

        That is where all other quotes enclose whole columns, and no other byte is escaped in the line. The lines where
        they do not agree, and those that hold an odd number of other quotes, come as well.
        """
        quotes = self.where(_QUOTE)
        if not (self._bytes[quotes - 1] == _BACKSLASH).any():
            return self, np.flatnonzero(self.counts(quotes) % 2)
        around = np.pad(self._bytes, 1, constant_values=_NEWLINE)
        backslashes = self.where(_BACKSLASH)
        following = around[backslashes + 2]
        escapes = backslashes[following == _QUOTE]
        is_outer = around[quotes] != _BACKSLASH
        outer = quotes[is_outer]
        counts = self.counts(outer)
        first = np.cumsum(counts) - counts
        opens = (np.arange(len(outer)) - np.repeat(first, counts)) % 2 == 0
        beside = np.where(opens, around[outer], around[outer + 2])
        inside = (beside != _COMMA) & (beside != _NEWLINE)
        escaped = self.counts(escapes)
        before = np.cumsum(is_outer)[~is_outer] - np.repeat(first, escaped)
        others = backslashes[(following == _BACKSLASH) | (following == _COMMA)]
        unclear = self.counts(outer[inside]) + self.counts(escapes[before % 2 == 0]) + self.counts(others) > 0
        around[1 + escapes[~np.repeat(unclear, escaped)]] = _QUOTE
        irregular = unclear & (escaped > 0) | (counts % 2 == 1)
        return BlockLines(around[1:-1].tobytes(), self._line_ends), np.flatnonzero(irregular)

    def _with_several_types(self) -> Integers:
        """Lines that hold `,TRAFFIC,` or `,THREAT,` twice or more in total: perhaps several records in one."""
        letters = self.where(ord("T"))
        letters = letters[(letters > 0) & (letters < len(self.data) - len("TRAFFIC"))]
        letters = letters[self._bytes[letters - 1] == _COMMA]
        second = self._bytes[letters + 1]
        ends = np.where(second == ord("R"), len("TRAFFIC"), np.where(second == ord("H"), len("THREAT"), 0))
        return np.flatnonzero(self.counts(letters[self._bytes[letters + ends] == _COMMA]) > 1)
