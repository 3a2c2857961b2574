"""All rows of the lake that concern a person, and the scores of the hosts that they used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.lake.lake import Lake
from common.lake.together import File, files_in_order
from common.privacy.places import NAMES, PLACES
from tools.privacy.person import Person
from tools.privacy.rewriting import rows_of_file

PREDICTIONS = "predictions"
SIDES = ("src", "dst")
Row = dict[str, Any]


@dataclass
class Export:
    """The rows about a person, table by table; `rows` counts them.

    Of other people in the same rows, the names are left out. A prediction is about the person where its host was used
    by them in its window, or has their name in the inventory of its month.
    """

    lake: Lake
    person: Person
    rows: dict[str, int] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    tables = (*PLACES, PREDICTIONS)
    """The tables that may have such rows."""

    def all_rows(self) -> Iterator[Row]:
        """Each row with the name of its table.

        Raises:
            TableError: a table is unreadable.
        """
        for table, kinds in PLACES.items():
            for row in self._rows(table, kinds):
                self._note_use(table, row)
                yield self._counted(table, row)
        for row in self._predictions():
            yield self._counted(PREDICTIONS, row)

    def _counted(self, table: str, row: Row) -> Row:
        self.rows[table] = self.rows.get(table, 0) + 1
        return {"table": table} | row

    def _rows(self, table: str, kinds: Mapping[str, str]) -> Iterator[Row]:
        for rows in _parts(self.lake, table):
            meant = {
                name: self.person.concerns(kind, rows[name].combine_chunks())
                for name, kind in kinds.items()
                if name in rows.column_names
            }
            chosen = pa.repeat(False, len(rows))
            for name, flags in meant.items():
                chosen = pc.or_(chosen, flags)
                if kinds[name] in NAMES:
                    place = rows.column_names.index(name)
                    nothing = pa.scalar(None, pa.string())
                    rows = rows.set_column(place, name, pc.if_else(flags, rows[name].combine_chunks(), nothing))
            yield from rows.filter(chosen).to_pylist()

    def _note_use(self, table: str, row: Row) -> None:
        if table == "machine_inventory":
            self._used.add(_key(row["snapshot_month"], row["host_ip"]))
        if table == "sessions":
            self._used |= {_key(row["window"], row[f"{side}_ip"]) for side in SIDES if row[f"{side}_user"]}

    def _predictions(self) -> Iterator[Row]:
        wanted = pa.array(sorted(self._used), pa.string())
        for rows in _parts(self.lake, PREDICTIONS) if self._used else ():
            host = pc.replace_substring_regex(rows["host_ip"], "@.*", "")
            in_window = pc.binary_join_element_wise(rows["window"], host, " ")
            in_month = pc.binary_join_element_wise(pc.utf8_slice_codeunits(rows["date"], 0, 7), host, " ")
            chosen = pc.or_(pc.is_in(in_window, wanted), pc.is_in(in_month, wanted))
            yield from rows.filter(chosen).to_pylist()


def _key(when: str, address: str) -> str:
    return f"{when} {address.partition('@')[0]}"


def _parts(lake: Lake, name: str) -> Iterator[pa.Table]:
    """The rows of a table, some at a time, with the values of its partitions."""
    if not lake.exists(name):
        return
    for file in files_in_order(lake.files(name)):
        for rows in rows_of_file(lake, name, file):
            yield _with_partitions(rows, file)


def _with_partitions(rows: pa.Table, file: File) -> pa.Table:
    for key, value in file.partition.items():
        rows = rows.append_column(key, pa.repeat(pa.scalar(value, pa.string()), len(rows)))
    return rows
