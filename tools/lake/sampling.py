"""A few rows of a table: of its newest windows, or of those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import islice
from operator import and_, or_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow.parquet import filters_to_expression

from common.contracts.types import ARROW_TYPES, Table
from common.errors import InputError, NdrError
from common.features.entries import nearest
from common.lake.reader import LakeReader
from common.lake.troubles import unreadable
from common.storage.filesystems import subtree
from common.windows import Windows, parse_moment
from tools.lake.inspection import covered, shown, time_column

TIMES_SEARCHED = 96
"""How many of the newest windows (or dates, or months) are read, at most, to find rows."""

BATCH_ROWS = 4096
HOST_COLUMNS = ("host_ip", "src_ip", "dst_ip")
Filter = tuple[str, str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which rows and columns to take; no windows are the newest ones, and no columns all of them.

    With a host, only rows that are about this address.
    """

    rows: int
    windows: Windows | None = None
    columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    host: str | None = None

    def __str__(self) -> str:
        host = [f"address {self.host}"] if self.host else []
        return " and ".join([*host, *self.where])


def sample(lake: LakeReader, table: Table, wanted: Wanted) -> list[dict[str, Any]]:
    """The first rows in the order of the table's key, those of later windows before those of earlier ones.

    Only the files and columns that can hold them are read, batch by batch.

    Raises:
        TableError: the table is missing or unreadable.
        InputError: a column or a condition is wrong, or no rows match.
    """
    columns = checked_columns(table, wanted.columns)
    conditions = [condition(table, text) for text in wanted.where]
    about = about_host(table, wanted.host) if wanted.host else None
    snapshot = Snapshot(table, lake.current(table.name), lake.location(table.name), about)
    found: list[dict[str, Any]] = []
    try:
        for part in snapshot.parts(wanted.windows):
            rows = snapshot.first([*part, *conditions], columns, wanted.rows - len(found))
            found += rows.to_pylist()
            if len(found) == wanted.rows:
                break
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise unreadable(table.name, lake.uri, error) from error
    if not found:
        raise _nothing(f"table {table.name} in {lake.uri}", snapshot, wanted)
    return found


def checked_columns(table: Table, names: Sequence[str]) -> list[str]:
    """The names of columns, all of them declared; without any, those of all columns.

    Raises:
        InputError: the table has no such column.
    """
    for name in names:
        if name not in table.column_names:
            raise InputError(
                f"table {table.name} has no column {name!r}{nearest(name, table.column_names)}",
                f"ndr-lake schema {table.name} lists its columns",
            )
    return list(names or table.column_names)


def condition(table: Table, text: str) -> Filter:
    """The filter that `COLUMN=VALUE` stands for.

    Raises:
        InputError: the column is unknown, or the value is not of its type.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--where {text!r} is not a condition", "Use the form COLUMN=VALUE, as in host_ip=10.1.0.7")
    checked_columns(table, [name])
    (kind,) = (column.type for column in table.columns if column.name == name)
    try:
        found = parse_moment(value) if kind == "timestamp" else value
        return name, "=", pa.scalar(found).cast(ARROW_TYPES[kind]).as_py()
    except (pa.ArrowException, NdrError):
        raise InputError(f"--where {text!r}: {value!r} is no {kind}", f"Give {name} a value of that type") from None


def about_host(table: Table, host: str) -> pc.Expression:
    """The condition that a row is about the address: the host, or of a session the initiator or the responder.

    Raises:
        InputError: the table has no addresses of hosts.
    """
    names = [name for name in HOST_COLUMNS if name in table.column_names]
    if not names:
        raise InputError(f"table {table.name} has no column of hosts", "Leave out --host, or use --where")
    return reduce(or_, (pc.field(name) == host for name in names))


@dataclass(frozen=True)
class Snapshot:
    """A version of a table, from which rows are read."""

    table: Table
    delta: DeltaTable
    location: str
    about: pc.Expression | None = None

    @cached_property
    def files(self) -> pa.Table:
        """One row per file, from the log."""
        return pa.table(self.delta.get_add_actions(flatten=True))

    def parts(self, windows: Windows | None) -> Iterator[list[Filter]]:
        """Filters, of which each has the rows after those before it: the windows, or the newest times one by one.

        Raises:
            InputError: the table has no windows.
        """
        if windows is None:
            yield from islice(self._newest(), TIMES_SEARCHED)
            return
        if time_column(self.table) != "window":
            raise InputError(f"table {self.table.name} has no windows", "Leave out --window, or use --where")
        days = [f"{day:%Y-%m-%d}" for day in windows.days()]
        yield [("date", "in", days), ("window", ">=", windows.key), ("window", "<=", windows.last_key)]

    def _newest(self) -> Iterator[list[Filter]]:
        time = time_column(self.table)
        if time is None:
            yield []
        elif time in self.table.partitions:
            for value in self._values(time):
                yield [(time, "=", value)]
        else:
            for date in self._values("date"):
                of_day: list[Filter] = [("date", "=", date)]
                held = {value for part in self._batches(of_day, [time]) for value in part[time].unique().to_pylist()}
                for value in sorted(held, reverse=True):
                    yield [*of_day, (time, "=", value)]

    def _values(self, partition: str) -> list[str]:
        """The values of a partition column, the last one first."""
        return sorted(set(self.files[f"partition.{partition}"].to_pylist()), reverse=True)

    def first(self, filters: list[Filter], columns: list[str], rows: int) -> pa.Table:
        """The columns of the first rows that match."""
        time = time_column(self.table)
        order = [(name, "ascending") for name in self.table.key if name != time]
        order[:0] = [(time, "descending")] if time else []
        needed = list(dict.fromkeys((*columns, *(name for name, _ in order))))
        best: pa.Table | None = None
        for part in self._batches(filters, needed):
            held = pa.concat_tables([best, part]) if best else part
            best = held.take(pc.select_k_unstable(held, min(rows, len(held)), order)).combine_chunks()
        return best.select(columns) if best else pa.table({})

    def _batches(self, filters: list[Filter], columns: list[str]) -> Iterator[pa.Table]:
        """The rows that match, a few at a time; files that the log rules out are not opened."""
        pruning = [entry for entry in filters if isinstance(entry[2], str | list)]
        dataset = self.delta.to_pyarrow_dataset(
            filesystem=subtree(self.location), file_pruning_predicate=pruning or None
        )
        conditions = [filters_to_expression(filters)] if filters else []
        conditions += [] if self.about is None else [self.about]
        scanner = dataset.scanner(
            columns=columns,
            filter=reduce(and_, conditions) if conditions else None,
            batch_size=BATCH_ROWS,
            batch_readahead=2,
            fragment_readahead=1,
        )
        return (pa.Table.from_batches([batch]) for batch in scanner.to_batches() if len(batch))


def _nothing(name: str, snapshot: Snapshot, wanted: Wanted) -> InputError:
    """The error that no rows match, which says what there is."""
    time = time_column(snapshot.table)
    first, last = map(shown, covered(snapshot.files, time))
    asked = f" with {wanted}" if f"{wanted}" else ""
    if not len(snapshot.files):
        return InputError(f"{name} has no rows", "The stages that ran had none to write")
    if wanted.windows is None:
        return InputError(
            f"{name} has no rows{asked} in the last {TIMES_SEARCHED} of its {time}s",
            f"Change --where or give --window; it covers {first} to {last}",
        )
    return InputError(f"{name} has no rows{asked} in {wanted.windows}", f"Its windows are from {first} to {last}")
