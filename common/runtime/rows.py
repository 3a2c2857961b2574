"""Rows on stdout: as a table to read, as JSON, NDJSON or CSV to process."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, TextIO

import click

from common.display import in_csv, in_json
from common.runtime.text_tables import print_table

FORMATS = ("table", "json", "ndjson", "csv")
FLAT = ("table", "csv")
"""Forms in which a nested value is hard to read."""

Row = Mapping[str, Any]


def default_form() -> str:
    """`table` where stdout is a terminal, `ndjson` elsewhere."""
    return "table" if sys.stdout.isatty() else "ndjson"


def format_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--format`, as the argument `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default=default_form,
        help="Form of the rows: a table to read, one JSON array, one JSON object a line, or CSV with a header.  "
        "[default: table on a terminal, ndjson elsewhere]",
    )(function)


def rows_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--format` to a command that prints a text of its own; the argument `form` is None for that text."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help="Print rows instead of text: a table, one JSON array, one JSON object a line, or CSV with a header.",
    )(function)


def print_rows(rows: Iterable[Row], form: str, columns: Sequence[str] | None = None) -> None:
    """Prints the rows on stdout, in one of `FORMATS`.

    Times are ISO 8601 in UTC, and numbers that are not finite are null. Tables and CSV hold nested values as JSON, and
    null as an empty cell; a cell of CSV that a spreadsheet would take for a formula begins with an apostrophe. NDJSON
    is written row by row, and so is CSV if `columns` are given.

    Args:
        rows: the rows.
        form: one of `FORMATS`.
        columns: what to print of each row, in this order; None for all columns, in the order in which rows name them.
    """
    write_rows(rows, form, sys.stdout, columns)


def write_rows(rows: Iterable[Row], form: str, out: TextIO, columns: Sequence[str] | None = None) -> None:
    """Writes the rows to a stream, as `print_rows` prints them."""
    plain_rows = ({name: plain(row.get(name)) for name in columns or row} for row in rows)
    if form == "json":
        _print_json(plain_rows, out)
    elif form == "ndjson":
        out.writelines(f"{in_json(row)}\n" for row in plain_rows)
    elif form == "csv":
        _print_csv(*_with_columns(plain_rows, columns), out)
    else:
        print_table(*_with_columns(plain_rows, columns), out)
    out.flush()


def plain(value: Any) -> Any:
    """The value in the types of JSON: times in ISO 8601 and UTC, bytes in hexadecimal, null for what is not finite."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return moment(value) if value == value else None  # pandas has a time that is none
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)  # scalars and arrays of NumPy


def moment(value: datetime) -> str:
    """A time like `2026-03-10T13:08:00Z`, with its fraction of a second if there is one; without a zone it is UTC."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def _with_columns(rows: Iterator[Row], columns: Sequence[str] | None) -> tuple[Iterable[Row], Sequence[str]]:
    """The rows and the names of their columns; reads all rows if the names are not given."""
    if columns is not None:
        return rows, columns
    held = list(rows)
    return held, list(dict.fromkeys(chain.from_iterable(held)))


def _print_json(rows: Iterator[Row], out: TextIO) -> None:
    before = "[\n"
    for row in rows:
        out.write(f"{before} {in_json(row)}")
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def _print_csv(rows: Iterable[Row], columns: Sequence[str], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    if columns:
        writer.writerow(map(in_csv, columns))
    writer.writerows([_csv_cell(row.get(name)) for name in columns] for row in rows)


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return in_csv(value)
    return "" if value is None else in_json(value)
