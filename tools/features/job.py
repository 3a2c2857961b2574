"""Looks up entries of the catalogue and prints them."""

from __future__ import annotations

from dataclasses import asdict

import click

from common.features.entries import nearest
from common.features.spec import load_spec
from common.runtime.rows import print_rows
from tools.features.catalogue import markdown
from tools.features.config import CatalogueConfig
from tools.features.entries import Entry, base_metrics, counts, entries

COLUMNS = ("name", "kind", "unit", "meaning")


def run(config: CatalogueConfig) -> None:
    """Prints one entry, or all base metrics, on stdout.

    Raises:
        click.UsageError: nothing has that name.
    """
    spec = load_spec(config.feature_spec_version)
    if config.as_markdown:
        click.echo(markdown(spec), nl=False)
        return
    if config.name is None:
        rows = base_metrics(spec)
        if config.form:
            _print(rows, config.form)
        else:
            click.echo(_listing(rows, counts(spec)), nl=False)
        return
    known = entries(spec)
    if config.name not in known:
        raise click.UsageError(
            f"feature specification {spec.version} has no {config.name!r}{nearest(config.name, known)}. "
            "Run ndr-features without a name for all base metrics"
        )
    entry = known[config.name]
    if config.form:
        _print([entry], config.form)
    else:
        click.echo(_described(entry), nl=False)


def _print(rows: list[Entry], form: str) -> None:
    print_rows(map(asdict, rows), form, COLUMNS if form == "table" and len(rows) > 1 else None)


def _described(entry: Entry) -> str:
    """One line for each field that is not empty, `null_when` even then."""
    values = asdict(entry) | {"null_when": entry.null_when or "never"}
    return "".join(f"{name.replace('_', ' '):<10} {value}\n" for name, value in values.items() if value)


def _listing(rows: list[Entry], numbers: dict[str, int]) -> str:
    """The base metrics as a table, and the numbers below it."""
    cells = [COLUMNS, *(tuple(getattr(row, name) for name in COLUMNS) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    totals = [f"{number:>7,}  {name}" for name, number in numbers.items()]
    return "\n".join([*lines, "", *totals]) + "\n"
