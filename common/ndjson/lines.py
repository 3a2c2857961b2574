"""The records of a block of lines, each a JSON object, and the lines that are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from common.logs.blocks import Block, is_utf8, newlines

Record = dict[str, msgspec.Raw]
"""The values of an object as the text of its line writes them; of values with one name, the last one."""

NULL = msgspec.Raw(b"null")

LONGEST_LINE = 16 * 1024 * 1024
DEEPEST = 512
"""Levels of lists and objects in a record, itself included."""

_BLANKS = b" \t\r"
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_LINE_END, _RETURN, _OPENING, _CLOSING = b"\n\r{}"
_OPENINGS = 0x5B
"""Of both { and [, without the bit that they differ in."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_PLACE = re.compile(r"\(byte (\d+)\)$")
T = TypeVar("T")
_decoder = msgspec.json.Decoder(Record)


class _NoRecordError(Exception):
    """A line is no record; the message says why."""


@dataclass(frozen=True)
class Reject:
    r"""A line of a file that is no record, and why; bytes of it that are not UTF-8 appear as \xNN."""

    line: int | None
    reason: str
    text: str


@dataclass(frozen=True)
class Lines:
    """The records of a block and its rejects, both in the order of the lines. Blank lines are neither."""

    records: list[Record]
    rejects: list[Reject]


def lines_of(block: Block) -> Lines:
    """What the lines of the block are."""
    if records := records_at_once(block, _decoder):
        return Lines(records, [])
    found = Lines([], [])
    for index, line in enumerate(block.data.removesuffix(b"\n").split(b"\n")):
        if not line.strip(_BLANKS):
            continue
        try:
            found.records.append(_record(line))
        except _NoRecordError as error:
            found.rejects.append(Reject(block.number(index), str(error), _text(line.removesuffix(b"\r"))))
    if block.damage:
        found.rejects.append(Reject(block.next_line, block.damage.reason, _text(block.cut)))
    return found


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def records_at_once(block: Block, decoder: msgspec.json.Decoder[T]) -> list[T]:
    """The records of a block, one per line; none if its lines may hold anything else, or the decoder refuses one."""
    if block.damage is not None or not _are_usual(block.data):
        return []
    try:
        records = decoder.decode_lines(block.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return records if len(records) == newlines(block.data) + (not block.data.endswith(b"\n")) else []


def _are_usual(data: bytes) -> bool:
    """Whether a decoder finds all that is wrong with the lines, other than several records on one.

    It looks at neither line ends nor the UTF-8 of values. No record goes on behind a line that ends with } if the next
    one begins with {.
    """
    if not data.startswith(b"{") or len(data) > LONGEST_LINE or not (data.isascii() or is_utf8(data)):
        return False
    text = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(text[:-1] == _LINE_END)
    last = text[ends - 1]
    last = np.where(last == _RETURN, text[ends - 2], last)
    if (last != _CLOSING).any() or (text[ends + 1] != _OPENING).any():
        return False
    longest = np.diff(ends, prepend=-1, append=len(data)).max()
    return longest <= 2 * DEEPEST or not _may_be_deep(text, longest)


def _may_be_deep(text: NDArray[np.uint8], longest: int) -> bool:
    """Whether more lists and objects than may be in one another begin within the length of the longest line."""
    begins = np.flatnonzero((text & 0xDF) == _OPENINGS)
    return len(begins) > DEEPEST and bool((begins[DEEPEST:] - begins[:-DEEPEST]).min() < longest)


def _record(line: bytes) -> Record:
    """The record on a line.

    Raises:
        _NoRecordError: there is none.
    """
    if len(line.rstrip(_BLANKS)) > LONGEST_LINE:
        raise _NoRecordError(f"longer than {LONGEST_LINE:,} bytes")
    if not is_utf8(line):
        raise _NoRecordError("not UTF-8")
    if line.count(b"{") + line.count(b"[") > DEEPEST and _depth(line) > DEEPEST:
        raise _NoRecordError(f"nested deeper than {DEEPEST} levels")
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise _NoRecordError(f"no JSON object but {str(error).rpartition('got ')[2].strip('`')}") from None
    except msgspec.DecodeError as error:
        raise _NoRecordError(_reason(str(error), line)) from None


def _reason(message: str, line: bytes) -> str:
    """The reason of a line that the decoder refuses, from its message."""
    if "trailing characters" in message:
        return "more than one value on the line"
    if "surrogate" in message or (("truncated" in message or "hex escape" in message) and _HALF.search(line)):
        return "half a surrogate pair, which no text can hold"
    if "truncated" in message:
        return "cut off"
    place = _PLACE.search(message)
    byte = line[at : at + 1] if place and (at := int(place[1])) < len(line) else b" "
    if "invalid character" in message and byte < b" ":
        return f"control character {byte[0]:#04x}"
    return f"no JSON: {message.removeprefix('JSON is malformed: ')}"


def _depth(line: bytes) -> int:
    """The greatest number of lists and objects in one another."""
    depth = deepest = 0
    for token in _TOKEN.finditer(line):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest
