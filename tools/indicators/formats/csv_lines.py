"""Lists as CSV, with a header or without; also files with one address a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping

from common.errors import InputError, one_line
from tools.indicators.entries import (
    Entry,
    Found,
    UnusableError,
    confidence_of,
    labels_of,
    moment_of,
    port_of,
    target_of,
    text_of,
)

COMMENTS = ("#", ";", "//")
DELIMITERS = (",", ";", "\t")
LONGEST_LINE = 20_000
VALUE = "value"
NAMES = {
    VALUE: ("value", "indicator", "ioc", "ioc_value", "ip", "ip_address", "address", "dst_ip", "network", "cidr"),
    "type": ("type", "ioc_type", "indicator_type", "kind"),
    "port": ("port", "dst_port"),
    "valid_from": ("valid_from", "first_seen", "first_seen_utc", "date", "added", "created"),
    "valid_until": ("valid_until", "expires", "expiration", "valid_to"),
    "labels": ("labels", "label", "tags", "malware", "malware_printable", "threat", "threat_type", "category"),
    "confidence": ("confidence", "confidence_level"),
    "reference": ("reference", "link", "url_reference", "source_url"),
}
"""What columns are called in the lists of several publishers."""


def read(content: bytes, found: Found, source: str) -> None:
    """Adds what the lines have; a line that is wrong is named, the others count.

    Raises:
        InputError: there is a header, and it names no column of values.
    """
    lines = _lines(content)
    first = next(lines, None)
    if first is None:
        return
    number, line = first
    delimiter = max(DELIMITERS, key=line.count)
    header = [cell.strip().lower() for cell in _cells(line, delimiter) or []]
    columns = _columns(header)
    if VALUE not in columns:
        if not _is_value(header[0] if header else ""):
            raise InputError(
                f"{found.file}:{number}: no column of {one_line(', '.join(header), 200)} has addresses",
                f"Name one {VALUE}, or give a file without header whose first column they are",
            )
        columns = {VALUE: [0]}
        _add(found, number, line, delimiter, columns, source)
    for number, line in lines:
        _add(found, number, line, delimiter, columns, source)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers."""
    for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), start=1):
        text = line.strip("\r ")
        if text and not text.startswith(COMMENTS):
            yield number, text


def _cells(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line; None if it is no CSV."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True), None)
    except csv.Error:
        return None


def _columns(header: list[str]) -> dict[str, list[int]]:
    """The places of the columns that are known, those of one meaning in the order of their names."""
    places = {name: place for place, name in reversed([*enumerate(header)])}
    found = {what: [places[name] for name in names if name in places] for what, names in NAMES.items()}
    return {what: held for what, held in found.items() if held}


def _is_value(text: str) -> bool:
    try:
        target_of(text)
    except UnusableError:
        return True
    except ValueError:
        return False
    return True


def _add(found: Found, number: int, line: str, delimiter: str, columns: Mapping[str, list[int]], source: str) -> None:
    cells = _cells(line, delimiter)
    if cells is None:
        found.wrong.append(f"{found.file}:{number}: {one_line(line, 60)!r} is no line of CSV")
        return
    row = {
        what: [cells[place].strip() for place in places if place < len(cells) and cells[place].strip()]
        for what, places in columns.items()
    }

    def first(what: str) -> str:
        return next(iter(row.get(what, [])), "")

    def entry(value: str, own_port: int | None) -> Entry:
        return Entry(
            value=value,
            port=port_of(first("port")) if own_port is None else own_port,
            source=source,
            labels=labels_of(*(part for cell in row.get("labels", []) for part in re.split(r"[|;,]", cell))),
            confidence=confidence_of(first("confidence")),
            reference=text_of(first("reference")),
            valid_from=moment_of(first("valid_from")),
            valid_until=moment_of(first("valid_until")),
        )

    kind = first("type").lower()
    if kind and "ip" not in kind and not kind.startswith(("addr", "net", "cidr", "url")):
        found.unusable[one_line(kind, 40)] += 1
    else:
        found.add(str(number), [(first(VALUE), None)], entry)
