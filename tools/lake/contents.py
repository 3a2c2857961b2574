"""Prints what a lake holds."""

from __future__ import annotations

from dataclasses import replace

import click

from common.display import counted
from common.lake.lake_format import require_format
from common.runtime.rows import print_rows
from tools.lake.inspection import history_rows, named, schema_rows, table_rows
from tools.lake.job import opened
from tools.lake.sampling import Wanted, sample

COLUMNS_SHOWN = 12
SHOWN_OF_SCHEMA = ("column", "type", "unit", "null_when", "meaning")


def print_tables(lake_uri: str, feature_spec_version: str | None, form: str) -> None:
    """Prints what the logs say of each table.

    Raises:
        InputError: the lake has no tables.
        TableError: a table is unreadable.
    """
    print_rows(table_rows(opened(lake_uri, feature_spec_version)[0]), form)


def print_schema(lake_uri: str, feature_spec_version: str | None, name: str, form: str) -> None:
    """Prints the columns of a table.

    Raises:
        InputError: the lake has no tables, or none of that name can be in it.
    """
    lake, _ = opened(lake_uri, feature_spec_version)
    print_rows(schema_rows(named(lake, name)), form, SHOWN_OF_SCHEMA if form == "table" else None)


def print_history(lake_uri: str, feature_spec_version: str | None, name: str, last: int, form: str) -> None:
    """Prints the last commits to a table.

    Raises:
        InputError: the lake has no tables, or none of that name can be in it.
        TableError: the table is missing or unreadable.
    """
    lake, _ = opened(lake_uri, feature_spec_version)
    print_rows(history_rows(lake, named(lake, name).name, last), form)


def print_sample(lake_uri: str, feature_spec_version: str | None, name: str, wanted: Wanted, form: str) -> None:
    """Prints some rows of a table; where they are shown as a table and no columns are named, the first columns.

    Raises:
        InputError: a name, column or condition is wrong, or no rows match.
        LakeFormatError: the lake is of another release.
        TableError: the table is missing or unreadable.
    """
    lake, _ = opened(lake_uri, feature_spec_version)
    require_format(lake)
    table = named(lake, name)
    more = len(table.columns) - COLUMNS_SHOWN
    if form == "table" and not wanted.columns and more > 0:
        wanted = replace(wanted, columns=tuple(dict.fromkeys((*table.key, *table.column_names)))[:COLUMNS_SHOWN])
        click.echo(f"{counted(more, 'more column')}: name some with --columns, or choose another --format", err=True)
    print_rows(sample(lake, table, wanted), form)
