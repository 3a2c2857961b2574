"""Custom log formats of PAN-OS as CSV: the project parameter `columns` names the variables in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from common.display import counted
from common.errors import FormatError
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.csv_lines import split_columns
from common.logs.lines import check_length, read_lines
from common.logs.panos_texts import session_texts
from common.logs.panos_variables import column_of
from common.logs.records import THREAT, TRAFFIC, session_of, status_of
from common.logs.source import Source
from common.logs.spelled_times import cef_time
from common.logs.values import BLANK, FieldError

NAME = "panos_columns"
SPLITTABLE = True

_HEADER = re.compile(
    r"(?:[0-9]{1,7} )?(?:<[0-9]{1,3}>)?(?:"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] (?:[0-9]{4} )?[0-9:]{8} \S+ (?:\S+: )?"
    r"|1 [0-9T:.Z+-]{10,35} \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\]) "
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]{5,6}) \S+ (?:\S+: )?)?"
)
"""A syslog header: RFC 3164, RFC 5424, or that of rsyslog's files."""


def sniff(line: bytes) -> bool:
    """Never: nothing in the line tells what its columns are; `columns` in the project does."""
    return False


def fits(line: bytes, columns: Sequence[str]) -> bool:
    """Whether the line has as many columns as the project names."""
    return bool(columns) and len(split_columns(decoded(line))) == len(columns)


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; types other than TRAFFIC and THREAT are counted only.

    Raises:
        FormatError: the project does not name the columns.
    """
    names = [column_of(name) or "" for name in source.options.columns]
    if not names:
        raise FormatError(
            f"{source.path} has columns in an order of its own, which nothing names",
            "Write PAN-OS's variables in their order into the project parameter columns",
        )

    def parse(line: bytes, number: int, into: RecordCollector) -> None:
        check_length(line)
        text = decoded(line).strip(BLANK)
        columns = split_columns(_HEADER.sub("", text, count=1))
        if len(columns) != len(names):
            raise FieldError(
                f"the line has {counted(len(columns), 'column')}, the project parameter columns names {len(names)}"
            )
        found: dict[str, str | None] = {}
        for name, value in zip(names, columns, strict=True):
            if name and not found.get(name):
                found[name] = value
        kind, raw = session_texts(found, cef_time)
        if kind not in (TRAFFIC, THREAT):
            into.skip(kind)
            return
        session = session_of(kind, raw, source.options)
        into.keep(number, session, status_of(kind, session["subtype"]))

    return read_lines(source, parse)
