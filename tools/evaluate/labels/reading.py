"""Files of labels as columns of text, a few thousand rows at a time, with a count of what is no row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common.errors import InputError

ENCODING = "latin1"
"""CIC-IDS2017 has dashes of Windows-1252; all that is looked at is ASCII."""
BLOCK_BYTES = 8 << 20
HEADER_BYTES = 1 << 16
Columns = dict[str, pa.ChunkedArray]


@dataclass(frozen=True)
class Layout:
    """The columns that are read of a kind of file, by the names in its header, in lower case and without blanks.

    `fixed` are the names of all columns of files without a header: those whose first line does not begin with `begins`.
    """

    columns: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    begins: str = ""


@dataclass
class Counts:
    """What was in the files: rows that were read, `empty` ones, and `broken` ones with another number of columns.

    `other` counts rows of further kinds.
    """

    files: int = 0
    rows: int = 0
    empty: int = 0
    broken: int = 0
    other: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, count: int) -> None:
        """Counts rows of a further kind."""
        if count:
            self.other[what] = self.other.get(what, 0) + count


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files, and all files below the folders, those of a folder in the order of their names.

    Raises:
        InputError: a path does not exist, or a folder has no files.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"labels file {path} does not exist", "Check the path")
        below = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        if not below:
            raise InputError(f"the folder of labels {path} has no files", "Check the path")
        found += below
    return found


def read_columns(path: Path, layout: Layout, counts: Counts) -> Iterator[Columns]:
    """The columns of the layout, some rows after the other, as texts without blanks around them; packed files, too.

    Rows without any text, and those with another number of columns, are counted and left out.

    Raises:
        InputError: the file cannot be read, has no rows, or lacks a column.
    """
    before = counts.rows
    try:
        yield from _blocks(path, layout, counts)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"labels file {path} cannot be read: {error}", "Check the file") from None
    if counts.rows == before:
        raise InputError(f"labels file {path} has no rows", "Check the file")
    counts.files += 1


def _blocks(path: Path, layout: Layout, counts: Counts) -> Iterator[Columns]:
    names, has_header = _names(path, layout)
    places = {name: str(names.index(name)) for name in layout.columns}
    numbers = [str(place) for place in range(len(names))]

    def broken(row: csv.InvalidRow) -> str:
        counts.broken += 1
        return "skip"

    with pa.input_stream(str(path), compression="detect") as stream:
        reader = csv.open_csv(
            stream,
            csv.ReadOptions(block_size=BLOCK_BYTES, encoding=ENCODING, column_names=numbers, skip_rows=int(has_header)),
            csv.ParseOptions(invalid_row_handler=broken),
            csv.ConvertOptions(
                column_types=dict.fromkeys(numbers, pa.string()), include_columns=[*dict.fromkeys(places.values())]
            ),
        )
        for batch in reader:
            columns = {name: pc.utf8_trim_whitespace(batch[place]) for name, place in places.items()}
            rows = pa.table(columns)
            filled = pc.not_equal(pc.binary_join_element_wise(*rows.columns, ""), "")
            counts.empty += len(rows) - pc.sum(filled).as_py()
            rows = rows.filter(filled)
            counts.rows += len(rows)
            yield {name: rows[name] for name in rows.column_names}


def _names(path: Path, layout: Layout) -> tuple[list[str], bool]:
    """The names of the file's columns, and whether its first line has them.

    Raises:
        InputError: it is empty, or lacks a column.
    """
    with pa.input_stream(str(path), compression="detect") as stream:
        first = stream.read(HEADER_BYTES).decode(ENCODING).removeprefix("\xef\xbb\xbf").partition("\n")[0]
    if not first.strip():
        raise InputError(f"labels file {path} is empty", "Check the file")
    names = [name.strip().strip('"').lower() for name in first.split(",")]
    if layout.fixed and not first.lower().startswith(layout.begins or "\n"):
        if len(names) != len(layout.fixed):
            raise InputError(
                f"the first line of labels file {path} has {len(names)} columns, not {len(layout.fixed)}",
                f"Give a file with the columns {', '.join(layout.fixed[:6])}, ...",
            )
        return list(layout.fixed), False
    if missing := [name for name in layout.columns if name not in names]:
        raise InputError(
            f"labels file {path} lacks the columns {', '.join(missing)}",
            "Give the files of the data set that have addresses, times and labels, or another --labels-format",
        )
    return names, True
