"""PAN-OS log lines one by one: syslog framing, quoting, and the checks of every field.

This is the reference of the vectorised reader, which hands over every line that it is not sure about.
"""

from __future__ import annotations

import re
from typing import Any

from common.logs import values
from common.logs.batches import RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES
from common.logs.panos_columns import ENDS_IN_TIME, MIN_COLUMNS, POSITIONS, RECORD_START, TYPE_POSITION, TYPES
from common.logs.records import session_of, status_of
from common.logs.values import FieldError

_OCTET_COUNT = re.compile(rb"([0-9]{1,7}) <[0-9]{1,3}>")
_SYSLOG_HEADER = re.compile(
    r"(?:[0-9]{1,7} )?<[0-9]{1,3}>[^,<]*$"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [^,<]*$"
)
_HEADER_REACH = 512
_TYPE_REACH = 10
_QUOTED = re.compile(r'"((?:[^"]|"")*)"?([^,]*)(,|$)')
_ESCAPED_QUOTED = re.compile(r'"((?:[^"\\]|\\.|"")*)"?([^,]*)(,|$)')
_PLAIN = re.compile(r"([^,]*)(,|$)")
_ESCAPED_PLAIN = re.compile(r"((?:[^,\\]|\\.)*)\\?(,|$)")
_ESCAPE = re.compile(r'\\([\\",])')


def parse_line(raw: bytes, line: int, zone: str, into: RecordCollector) -> None:
    """Adds the outcome of every record on the line; a blank line holds none."""
    if len(raw) > MAX_LINE_BYTES:
        into.reject(line, f"the line is longer than {MAX_LINE_BYTES} bytes", decoded(raw[:MAX_LINE_BYTES]))
        return
    for message in messages(raw):
        _parse_message(message, line, zone, into)


def messages(raw: bytes) -> list[str]:
    """The messages on one line: usually one, several where a sender or relay glued them together."""
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


def split_columns(text: str, escapes: bool = False) -> list[str]:
    r"""The columns of a CSV line; with `escapes`, a backslash escapes quotes, commas and itself."""
    if not escapes and '"' not in text:
        return text.split(",")
    plain, quoted = (_ESCAPED_PLAIN, _ESCAPED_QUOTED) if escapes else (_PLAIN, _QUOTED)
    columns, position, more = [], 0, True
    while more:
        if text.startswith('"', position):
            match = quoted.match(text, position)
            value = match[1].replace('""', '"') + match[2] if match else ""
        else:
            match = plain.match(text, position)
            value = match[1] if match else ""
        if match is None:
            columns.append(text[position:])
            break
        columns.append(_ESCAPE.sub(r"\1", value) if escapes else value)
        position, more = match.end(), match[match.lastindex or 0] == ","
    return columns


def find_type(columns: list[str]) -> tuple[str, int] | None:
    """The log type and how many columns it stands to the right of where it belongs; None without one."""
    if len(columns) > TYPE_POSITION and columns[TYPE_POSITION] in TYPES:
        return columns[TYPE_POSITION], 0
    for position, (time, _, kind) in enumerate(zip(columns, columns[1:], columns[2:_TYPE_REACH], strict=False), 2):
        if kind in TYPES and ENDS_IN_TIME.search(time):
            return kind, position - TYPE_POSITION
    return None


def _parse_message(text: str, line: int, zone: str, into: RecordCollector) -> None:
    reason = ""
    for escapes in (False, True) if "\\" in text else (False,):
        columns = split_columns(text, escapes)
        try:
            found = find_type(columns)
            if found is None:
                raise FieldError("no PAN-OS log: the first columns hold no time, serial number and log type")
            kind, shift = found
            if kind not in POSITIONS:
                into.skip()
                return
            session = parse_columns(kind, columns[shift:] if shift >= 0 else [""] * -shift + columns, zone)
        except FieldError as error:
            reason = reason or str(error)
        else:
            into.keep(line, session, status_of(session["event_type"], session["subtype"]))
            return
    into.reject(line, reason, text)


def parse_columns(kind: str, columns: list[str], zone: str) -> dict[str, Any]:
    """The session of one log whose columns stand where they belong.

    Raises:
        FieldError: a field is missing or wrong.
    """
    if len(columns) < MIN_COLUMNS[kind]:
        raise FieldError(f"the line has {len(columns)} columns, {kind} logs have at least {MIN_COLUMNS[kind]}")
    return session_of(kind, {name: columns[at] for name, at in POSITIONS[kind].items() if at < len(columns)}, zone)
