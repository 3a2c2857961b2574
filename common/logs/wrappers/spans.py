"""Where the objects of a JSON text are, found for all of them at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from common.arrays import Flags, Integers

_QUOTE, _BACKSLASH, _OPEN, _CLOSE = b'"\\{}'
_VALUE_DEPTH = 2
_MEMBER = re.compile(rb":\s*\{")


@dataclass(frozen=True)
class Spans:
    """Where the objects are in a text.

    Attributes:
        starts: first byte of each whole object.
        ends: the byte behind each.
        rest: where the text begins that may belong to the next object.
        inside: how many objects surround the rest.
        surplus: place of a closing brace that nothing opened; -1 if there is none. Nothing behind it is looked at.
    """

    starts: Integers
    ends: Integers
    rest: int
    inside: int
    surplus: int

    def before(self, place: int) -> Spans:
        """The objects that end before the place, as if the text ended there."""
        count = int(np.searchsorted(self.ends, place, side="right"))
        return Spans(self.starts[:count], self.ends[:count], place, self.inside, -1)


def members(data: bytes, name: str) -> tuple[Integers, Integers]:
    """Where the objects with this name are that are values in the outermost objects of a text: first bytes and ends."""
    named = [match.end() - 1 for match in re.finditer(rb'"%b"\s*:\s*\{' % re.escape(name.encode()), data)]
    braces, opens, depths = _braces(data, 0)
    starts, ends = braces[opens & (depths == _VALUE_DEPTH)], braces[~opens & (depths == _VALUE_DEPTH - 1)] + 1
    if len(starts) != len(ends) or not len(depths) or depths.min() < 0 or depths[-1]:
        return starts[:0], ends[:0]
    chosen = np.isin(starts, named)
    return starts[chosen], ends[chosen]


def spans(data: bytes, depth: int, inside: int) -> Spans:
    """The objects that `depth` others surround, in a text that begins inside so many objects and in no string."""
    braces, opens, depths = _braces(data, inside)
    below = np.flatnonzero(depths < 0)
    surplus = -1
    if len(below):
        surplus = int(braces[below[0]])
        braces, opens, depths = braces[: below[0]], opens[: below[0]], depths[: below[0]]
    starts = braces[opens & (depths == depth + 1)]
    ends = braces[~opens & (depths == depth)] + 1
    unfinished = int(starts[-1]) if len(starts) > len(ends) else None
    starts = starts[: len(ends)]
    members = {match.end() - 1: match.start() for match in _MEMBER.finditer(data)} if depth else {}
    if unfinished is not None:
        rest, outside = members.get(unfinished, unfinished), depth
    else:
        rest, outside = (int(braces[-1]) + 1, int(depths[-1])) if len(braces) else (0, inside)
    if members:
        chosen = ~np.isin(starts, list(members))
        starts, ends = starts[chosen], ends[chosen]
    return Spans(starts, ends, rest, outside, surplus)


def _braces(data: bytes, inside: int) -> tuple[Integers, Flags, Integers]:
    """Where the braces outside strings are, which of them open an object, and how many are open after each."""
    raw = np.frombuffer(data, dtype=np.uint8)
    quotes = _unescaped(raw, np.flatnonzero(raw == _QUOTE))
    braces = np.flatnonzero((raw == _OPEN) | (raw == _CLOSE))
    braces = braces[np.searchsorted(quotes, braces) % 2 == 0]
    opens = raw[braces] == _OPEN
    depths = inside + np.cumsum(np.where(opens, 1, -1))
    return braces, opens, depths


def _unescaped(raw: np.ndarray[tuple[int], np.dtype[np.uint8]], quotes: Integers) -> Integers:
    """The quotes that no backslash escapes."""
    backslashes = np.flatnonzero(raw == _BACKSLASH)
    if not len(backslashes):
        return quotes
    begins = np.flatnonzero(np.diff(backslashes, prepend=-2) != 1)
    lengths = np.diff(np.append(begins, len(backslashes)))
    escaped = (backslashes[begins] + lengths)[lengths % 2 == 1]
    return np.setdiff1d(quotes, escaped, assume_unique=True)
