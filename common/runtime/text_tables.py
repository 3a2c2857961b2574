"""Tables to read, made by rich; nothing in a cell can change the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from common.display import in_json, on_terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNLIMITED = 1_000_000
"""Characters of a line, where no terminal limits them."""


@dataclass(frozen=True)
class Column:
    """A column as it is shown; numbers and their header are padded so that decimal points are below each other."""

    header: str
    cells: Sequence[str]


def print_table(rows: Iterable[Mapping[str, Any]], names: Sequence[str], out: TextIO) -> None:
    """Prints rows of JSON values as a table.

    On a terminal long texts wrap between words; if a row still does not fit, each row is a block of lines, one for
    each column. Elsewhere a line is as long as its row, and the lines between cells are ASCII.
    """
    from rich.console import Console

    held = list(rows)
    if not held:
        out.write("no rows\n")
        return
    terminal = out.isatty()
    console = Console(file=out, force_terminal=terminal, width=None if terminal else UNLIMITED)
    columns = [_column(name, [row.get(name) for row in held]) for name in names]
    table = _table(columns, terminal)
    with console.capture() as captured:
        if terminal and _narrowest(table, console) > console.width:
            _print_blocks(columns, console)
        else:
            console.print(table)
    lines = (line.rstrip() for line in captured.get().splitlines())
    out.writelines(f"{line}\n" for line in lines if line)


def _table(columns: Sequence[Column], terminal: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD if terminal else box.MARKDOWN, pad_edge=not terminal, show_edge=not terminal)
    for column in columns:
        one_word = not any(" " in cell.strip() for cell in column.cells)
        table.add_column(Text(column.header), no_wrap=one_word, overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _narrowest(table: Table, console: Console) -> int:
    """The width at which no word of the table has to be broken."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=UNLIMITED), table).minimum


def _print_blocks(columns: Sequence[Column], console: Console) -> None:
    from rich.text import Text

    names = [column.header.strip() for column in columns]
    width = max(map(len, names))
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True), 1):
        console.print(Text(f"row {number}", style="bold"))
        for name, cell in zip(names, cells, strict=True):
            console.print(Text(f"  {name:<{width}}  {cell.strip()}"), soft_wrap=True)


def _column(name: str, values: Sequence[Any]) -> Column:
    header, cells = on_terminal(name), [_cell(value) for value in values]
    if not all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return Column(header, cells)
    decimals = [len(cell.partition(".")[1] + cell.partition(".")[2]) for cell in cells]
    cells = [cell + " " * (max(decimals) - own) for cell, own in zip(cells, decimals, strict=True)]
    width = max(map(len, (header, *cells)))
    return Column(header.rjust(width), [cell.rjust(width) for cell in cells])


def _cell(value: Any) -> str:
    """The value on one line: a number with six significant digits, or all of its integral part if that has more."""
    if isinstance(value, float):
        return f"{value:.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"
    if value is None or isinstance(value, str):
        return on_terminal(value or "")
    return in_json(value)
