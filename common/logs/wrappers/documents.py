"""JSON arrays, and objects that span lines or share them, as blocks with one object a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from common.logs.blocks import BLOCK_BYTES, MAX_LINE_BYTES, Block, newlines
from common.logs.packing import Damage
from common.logs.wrappers.spans import Spans, spans

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
"""A longer object cannot be a record: it is given up, and reading goes on where another may begin."""

_NEWLINE = 10
_BETWEEN = b" \t\r\n,[]\0"
_IS_BETWEEN = np.isin(np.arange(256), list(_BETWEEN))
_BOUNDARY = re.compile(rb"(?:\}[\s,\]\[]*+|(?<!\s)[^\S\n]*+\n\s*+)(\{)\s*+\"")
"""An object that follows another, or begins a line. Blanks are read once: there may be megabytes of them."""

_NEAR_BYTES = 64 * 1024
_MOST_GIVEN_UP = 1_000
"""Reading goes on this often in a file after what is no JSON; then the lines of the file are passed on as they are."""


class Splitter:
    """Turns the pieces of a file into blocks with one object a line, each with the number of the line it begins on.

    Of lists and objects in a row (`depth` 0), what stands between the objects becomes lines of its own, so that nothing
    is lost. `depth` above 0 is for a list inside so many objects, as in a search result; what surrounds it is left out.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._inside = 0
        self._line = 1
        self._rest = b""
        self._is_broken = False
        self._given_up = 0

    def blocks(self, pieces: Iterable[bytes | Damage]) -> Iterator[Block]:
        """The blocks, of about `BLOCK_BYTES` each."""
        waiting: list[bytes] = []
        size = 0
        for piece in pieces:
            if isinstance(piece, Damage):
                yield self._block(b"".join(waiting), damage=piece)
            else:
                waiting.append(piece)
                size += len(piece)
                if size < BLOCK_BYTES:
                    continue
                yield self._block(b"".join(waiting))
            waiting, size = [], 0
        yield self._block(b"".join(waiting), is_end=True)

    def _block(self, more: bytes, damage: Damage | None = None, is_end: bool = False) -> Block:
        data = self._rest + more
        found = self._records(data, is_end)
        first, before = self._line, data[: len(data) - len(self._rest)]
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE)
        numbers = first + np.searchsorted(ends, np.array([place for place, _ in found], dtype=np.int64))
        self._line += newlines(before)
        behind, cut = self._line, b""
        if damage and damage.missing_bytes != 0:
            cut, self._is_broken = _flat(self._rest)[: MAX_LINE_BYTES + 1], True
            self._line += newlines(self._rest) + 1
            self._rest = b""
        lines = b"".join(line + b"\n" for _, line in found)
        return Block(lines, first, damage, cut, numbers, behind)

    def _records(self, data: bytes, is_end: bool) -> list[tuple[int, bytes]]:
        """Place and text of each record; what is left of the data becomes the rest."""
        found: list[tuple[int, bytes]] = []
        at, reach = self._after_damage(data, found), len(data)
        while at < len(data):
            if self._given_up > _MOST_GIVEN_UP:
                end = len(data) if is_end or len(data) - at > MAX_LINE_BYTES else max(at, data.rfind(b"\n") + 1)
                found += _lines_of(data[at:end], at)
                at = end
                break
            part = data[at : at + reach]
            objects = spans(part, self._depth, self._inside)
            gaps = [] if self._depth else _filled_gaps(part, objects)
            misread = self._misread(part, gaps)
            if misread >= 0:
                objects = objects.before(misread)
                gaps = [(begin, min(end, misread)) for begin, end in gaps if begin < misread]
            places = zip(objects.starts.tolist(), objects.ends.tolist(), strict=True)
            here = [(at + start, _flat(part[start:end])) for start, end in places]
            for begin, end in gaps:
                here += _lines_of(part[begin:end], at + begin)
            found += sorted(here) if gaps else here
            if misread >= 0:
                at, self._inside, reach = at + misread, self._depth, _NEAR_BYTES
                continue
            if objects.surplus >= 0:
                found += _lines_of(part[objects.rest : objects.surplus + 1], at + objects.rest)
                at, self._inside, reach = at + objects.surplus + 1, self._depth, _NEAR_BYTES
                self._given_up += 1
                continue
            is_all = at + len(part) == len(data)
            at, self._inside = at + objects.rest, objects.inside
            if not is_all:
                reach *= 4
                continue
            if not is_end and len(data) - at <= MAX_DOCUMENT_BYTES:
                break
            at, reach = self._give_up(data, at, found), _NEAR_BYTES
        self._rest = data[at:]
        return found

    def _misread(self, part: bytes, gaps: list[tuple[int, int]]) -> int:
        """Where an object begins in what seems to be between objects: a quote too many hid it; -1 if none does."""
        for begin, end in gaps:
            place = part.find(b"{", begin, end)
            if place >= 0:
                self._given_up += 1
                return place
        return -1

    def _after_damage(self, data: bytes, found: list[tuple[int, bytes]]) -> int:
        """Where the first whole object after damage may begin; what comes before it is the end of another."""
        if not self._is_broken or not data:
            return 0
        boundary = _BOUNDARY.search(data)
        place = boundary.start(1) if boundary else 0
        found += _lines_of(data[:place], 0)
        self._is_broken, self._inside = False, self._depth
        return place

    def _give_up(self, data: bytes, at: int, found: list[tuple[int, bytes]]) -> int:
        """Passes on an object without end as it is; returns where the next one may begin."""
        self._given_up += 1
        boundary = _BOUNDARY.search(data, at + 1)
        place = boundary.start(1) if boundary else len(data)
        if self._depth and self._inside < self._depth and place == len(data):
            return place  # what follows the list of a search result
        text = _flat(data[at:place]).strip(_BETWEEN)[: MAX_LINE_BYTES + 1]
        found += [(at, text)] if text else []
        self._inside = self._depth
        return place


def _filled_gaps(part: bytes, objects: Spans) -> list[tuple[int, int]]:
    """The stretches between objects that hold more than separators."""
    if not len(objects.starts):
        return []
    befores = np.concatenate((np.zeros(1, dtype=np.int64), objects.ends[:-1]))
    lengths = objects.starts - befores
    inner = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    between = np.frombuffer(part, dtype=np.uint8)[np.repeat(befores, lengths) + inner]
    filled = np.unique(np.repeat(np.arange(len(lengths)), lengths)[~_IS_BETWEEN[between]])
    return list(zip(befores[filled].tolist(), objects.starts[filled].tolist(), strict=True))


def _flat(text: bytes) -> bytes:
    """The text on one line."""
    return text.replace(b"\n", b" ") if b"\n" in text else text


def _lines_of(text: bytes, place: int) -> list[tuple[int, bytes]]:
    """The lines that are not blank, by place."""
    found = []
    for line in text.splitlines(keepends=True):
        if stripped := line.strip(_BETWEEN):
            found.append((place, stripped[: MAX_LINE_BYTES + 1]))
        place += len(line)
    return found
