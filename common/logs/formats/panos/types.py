"""What a line is: the type of its log, a message of another program, or the tail of another line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from common.logs import values
from common.logs.batches import decoded
from common.logs.blocks import MAX_LINE_BYTES
from common.logs.csv_lines import split_columns
from common.logs.formats.panos.columns import (
    ENDS_IN_TIME,
    LINK_SWITCHES,
    POSITIONS,
    RECEIVE_TIME,
    RECORD_START_BYTES,
    RELEASE_COLUMNS,
    TYPE_POSITION,
    TYPES,
    VERSION_POSITION,
    is_cut,
)
from common.logs.records import TRAFFIC

OTHER_PROGRAM = "other program"
TAIL = "tail of a split line"

_TYPE_REACH = 10
_MAX_TAILS = 16
_TO_GENERATED_TIME = 3
_ENDS_IN_TIME = re.compile(rf"{ENDS_IN_TIME}\Z")
_TIME = re.compile(RECEIVE_TIME)
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{1,31}")
_DATE = (
    r"(?:[A-Z][a-z]{2} [ 0-9][0-9](?: [0-9]{4})? [0-9:]{8}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.,]{8,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_PROGRAM = re.compile(
    rf"(?:<[0-9]{{1,3}}>)?(?:{_DATE} )(?:[^ ,]+ )?"
    r"(?:[\w./@()-]{1,64}(?:\[[0-9]+\])?:(?: |$)|last message repeated|message repeated|-- MARK --)"
    r"|<[0-9]{1,3}>1 [^ ,]+ [^ ,]+ [A-Za-z][^ ,]* "
)
_PANOS = re.compile(
    r"traffic|threat|pan-?os|paloalto|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2} [0-9]|[: ][01],[0-9]{1,4}(?:/|$)", re.I
)


class Lines(Protocol):
    """Lines by their index."""

    def __getitem__(self, index: int) -> bytes: ...
    def __len__(self) -> int: ...


def find_type(columns: Sequence[str]) -> tuple[str, int] | None:
    """The log type, and how many columns to the right of its proper position it stands; None if there is no type."""
    if len(columns) > TYPE_POSITION and columns[TYPE_POSITION] in TYPES:
        return columns[TYPE_POSITION], 0
    for position, word in enumerate(columns[1:_TYPE_REACH], 1):
        kind = word if word in TYPES else word.upper()
        if kind == "AUDIT" and _TIME.fullmatch(columns[position - 1]):
            return kind, position - TYPE_POSITION
        if position < 2 or not _WORD.fullmatch(word) or not _ENDS_IN_TIME.search(columns[position - 2]):
            continue
        if word in TYPES or kind in POSITIONS or _has_time(columns, position + _TO_GENERATED_TIME):
            return kind, position - TYPE_POSITION
    return None


def _has_time(columns: Sequence[str], position: int) -> bool:
    return position < len(columns) and _TIME.fullmatch(columns[position]) is not None


def is_other_program(text: str) -> bool:
    """Whether the text is a syslog message that another program than a firewall wrote."""
    return _PROGRAM.match(text) is not None and _PANOS.search(text) is None


def whole_columns(kind: str, columns: list[str], shift: int) -> tuple[list[str], bool]:
    """The columns at their proper positions that are whole, and whether the line may have been cut off."""
    columns = columns[shift:] if shift >= 0 else [""] * -shift + columns
    if kind == TRAFFIC and columns[LINK_SWITCHES : LINK_SWITCHES + 1] and columns[LINK_SWITCHES].startswith("{"):
        columns = _with_joined_braces(columns)
    cut = is_cut(kind, len(columns), columns[VERSION_POSITION] if len(columns) > VERSION_POSITION else "")
    return columns[:-1] if cut else columns, cut


def _with_joined_braces(columns: list[str]) -> list[str]:
    """The columns with `{a, b}` as one column."""
    end = LINK_SWITCHES
    while end < len(columns) and not columns[end].endswith("}"):
        end += 1
    if end == len(columns):
        return columns
    return [*columns[:LINK_SWITCHES], ",".join(columns[LINK_SWITCHES : end + 1]), *columns[end + 1 :]]


def last_of_record(lines: Lines, at: int) -> int:
    """The index of the line on which the record ends: a later one if a quoted field holds line ends."""
    text = lines[at]
    if text.count(b'"') % 2 == 0 or not RECORD_START_BYTES.search(text):
        return at
    for end in range(at + 1, min(at + 1 + _MAX_TAILS, len(lines))):
        tail = lines[end]
        text += b"\n" + tail
        if len(text) > MAX_LINE_BYTES or _begins_message(tail):
            return at
        if text.count(b'"') % 2 == 0:
            columns = split_columns(decoded(text))
            found = find_type(columns)
            whole = found is not None and found[0] in POSITIONS and not whole_columns(found[0], columns, found[1])[1]
            return end if whole else at
    return at


def is_tail(lines: Lines, at: int) -> bool:
    """Whether the line is what is missing at the end of the line before."""
    if at == 0 or b"," not in lines[at] or len(lines[at - 1]) > MAX_LINE_BYTES or _begins_message(lines[at]):
        return False
    columns = split_columns(decoded(lines[at - 1]))
    found = find_type(columns)
    if found is None or found[0] not in POSITIONS:
        return False
    kind, shift = found
    whole, cut = whole_columns(kind, columns, shift)
    both = [*whole, *split_columns(decoded(lines[at]))]
    return cut and len(both) in RELEASE_COLUMNS[kind] and not is_cut(kind, len(both), both[VERSION_POSITION])


def _begins_message(line: bytes) -> bool:
    text = decoded(line[:MAX_LINE_BYTES].strip(values.BLANK.encode()))
    return (
        text.startswith("<")
        or re.match(_DATE, text) is not None
        or RECORD_START_BYTES.search(line) is not None
        or find_type(split_columns(text)) is not None
    )
