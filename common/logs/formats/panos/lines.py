"""Parses PAN-OS log lines one by one: syslog framing, quoting, and the check of every field.

This is the reference for the vectorised parser, which passes on every line that it is not certain about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from common.display import counted
from common.logs import values
from common.logs.batches import RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES
from common.logs.csv_lines import split_columns
from common.logs.formats.panos.columns import NEEDED_COLUMNS, POSITIONS, RECORD_START
from common.logs.formats.panos.types import (
    OTHER_PROGRAM,
    TAIL,
    Lines,
    find_type,
    is_other_program,
    is_tail,
    last_of_record,
    whole_columns,
)
from common.logs.options import ReadOptions
from common.logs.records import session_of, status_of
from common.logs.values import FieldError

_OCTET_COUNT = re.compile(rb"([0-9]{1,7}) <[0-9]{1,3}>")
_SYSLOG_HEADER = re.compile(
    r"(?:[0-9]{1,7} )?<[0-9]{1,3}>[^,<]*$"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [^,<]*$"
)
_HEADER_REACH = 512


def parse_lines(
    lines: Lines, indices: Iterable[int], number: Callable[[int], int], options: ReadOptions, into: RecordCollector
) -> None:
    """Adds the outcome of every record on the lines at the indices, which are in ascending order.

    A record that goes on in later lines, as a quoted field holds line ends, is read whole, and each of those lines is
    the tail of a split line, as is the rest of a line that was split elsewhere.
    """
    last = -1
    for at in indices:
        raw = lines[at]
        if at <= last or is_tail(lines, at):
            if raw.strip(values.BLANK.encode()):
                into.skip(TAIL)
            continue
        last = last_of_record(lines, at)
        if last > at:
            raw = b"\n".join(lines[index] for index in range(at, last + 1))
        parse_line(raw, number(at), options, into)


def parse_line(raw: bytes, line: int, options: ReadOptions, into: RecordCollector) -> None:
    """Adds the outcome of every record on the line; a blank line has no record."""
    if len(raw) > MAX_LINE_BYTES:
        into.reject(line, f"the line is longer than {MAX_LINE_BYTES} bytes", decoded(raw[:MAX_LINE_BYTES]))
        return
    for message in messages(raw):
        _parse_message(message, line, options, into)


def messages(raw: bytes) -> list[str]:
    """The messages on one line: usually one, several where a sender or relay left out the line ends."""
    found: list[str] = []
    rest = raw
    while match := _OCTET_COUNT.match(rest):
        begin = match.end(1) + 1
        end = begin + int(match[1])
        if end >= len(rest) or not _OCTET_COUNT.match(rest[end:].lstrip()):
            break
        found.append(decoded(rest[begin:end]))
        rest = rest[end:].lstrip()
    found.extend(_unglued(decoded(rest)))
    return [stripped for message in found if (stripped := message.strip(values.BLANK))]


def _unglued(text: str) -> list[str]:
    starts = [match.start() for match in RECORD_START.finditer(text)]
    cuts = [0]
    for start in starts[1:]:
        if text.count('"', cuts[-1], start) % 2:
            continue  # inside a quoted field: a URL can say anything
        header = _SYSLOG_HEADER.search(text, max(cuts[-1], start - _HEADER_REACH), start)
        cuts.append(header.start() if header else start)
    return [text[begin:end] for begin, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _parse_message(text: str, line: int, options: ReadOptions, into: RecordCollector) -> None:
    reason = ""
    if text.startswith('"') and len(columns := split_columns(text)) == 1 and RECORD_START.search(columns[0]):
        text = columns[0]  # quoted as a whole
    for escapes in _readings(text):
        columns = split_columns(text, escapes)
        try:
            found = find_type(columns)
            if found is None:
                if is_other_program(text):
                    into.skip(OTHER_PROGRAM)
                    return
                raise FieldError("no PAN-OS log: the first columns hold no time, serial number and log type")
            kind, shift = found
            if kind not in POSITIONS:
                into.skip(kind)
                return
            session = parse_columns(kind, columns, shift, options)
        except FieldError as error:
            reason = reason or str(error)
        else:
            into.keep(line, session, status_of(session["event_type"], session["subtype"]))
            return
    into.reject(line, reason, text)


def _readings(text: str) -> tuple[bool, ...]:
    r"""Whether backslashes escape, the likelier first: `\"` is an escaped quote rather than the end of a column."""
    if "\\" not in text:
        return (False,)
    return (True, False) if '\\"' in text else (False, True)


def parse_columns(kind: str, columns: list[str], shift: int, options: ReadOptions) -> dict[str, Any]:
    """The session of one log whose columns are `shift` to the right of their proper positions.

    Raises:
        FieldError: a field is missing or wrong.
    """
    whole, cut = whole_columns(kind, columns, shift)
    if len(whole) < NEEDED_COLUMNS[kind]:
        so_far = f"the line has {counted(len(whole), 'column')}" + (" and perhaps a part of one" if cut else "")
        raise FieldError(f"{so_far}, a session of a {kind} log needs the first {NEEDED_COLUMNS[kind]}")
    raw = {name: whole[at] for name, at in POSITIONS[kind].items() if at < len(whole)}
    return session_of(kind, raw | {"header": columns[0]}, options)
