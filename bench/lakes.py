"""Whether two lakes hold the same tables: rows, keys, and the largest difference of a number.

python -m bench.lakes OLD NEW, such as the lakes of two demos, before and after a change that should keep behaviour.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts import tables
from common.contracts.types import Table
from common.features.spec import load_spec
from common.lake.publications import MEMBERS, publications
from common.lake.reader import LakeReader
from common.windows import Windows

LARGEST_DIFFERENCE = 1e-9
OF_THE_RUN = frozenset(
    {
        "source_digest",
        "publication_id",
        "previous_publication_id",
        "revision",
        "derived_from",
        "written_ts",
        "decided_ts",
    }
)
"""Columns that name files, runs and times, which differ from run to run."""

WINDOW_COLUMN = "window"


def compare(old: LakeReader, new: LakeReader, table: Table, windows: Windows | None = None) -> tuple[str, bool]:
    """What was found about the table in words, and whether it is the same in both lakes.

    With windows, only they are compared, in tables that have windows. Files that both have, as copies of a lake do, are
    the same.
    """
    there = [lake.exists(table.name) for lake in (old, new)]
    if not all(there):
        return "in neither lake" if not any(there) else "in one lake only", not any(there)
    if old.file_paths(table.name) == new.file_paths(table.name):
        return "the same files", True
    first, second = (_rows(lake, table, windows) for lake in (old, new))
    if len(first) != len(second):
        return f"{len(first):,} rows, and {len(second):,}", False
    compared = [column.name for column in table.columns if column.name not in OF_THE_RUN]
    differences = {name: _difference(first[name], second[name]) for name in compared}
    largest = max(differences.values(), default=0.0)
    unequal = [name for name, difference in differences.items() if difference > LARGEST_DIFFERENCE]
    where = f"; not equal: {', '.join(unequal)}" if unequal else ""
    return f"{len(first):,} rows, {len(compared):,} columns, largest difference {largest:g}{where}", not unequal


def _rows(lake: LakeReader, table: Table, windows: Windows | None) -> pa.Table:
    """What readers see of a table, sorted by its key: of baselines, those that are published."""
    wanted = windows if any(column.name == WINDOW_COLUMN for column in table.columns) else None
    rows = lake.arrow(table.name, windows=wanted).sort_by([(name, "ascending") for name in table.key])
    if table.name not in MEMBERS:
        return rows
    current = [entry.publication_id for entry in publications(lake, load_spec("v1").version).values()]
    return rows.filter(pc.is_in(rows["publication_id"], pa.array(current, pa.string())))


def _difference(first: pa.ChunkedArray, second: pa.ChunkedArray) -> float:
    """The largest difference of two columns; infinity where texts, times or nulls differ."""
    if first.equals(second):
        return 0.0
    if not pa.types.is_floating(first.type) or not first.is_null().equals(second.is_null()):
        return float("inf")
    found = pc.max(pc.abs(pc.subtract(first, second))).as_py()
    return float("inf") if found is None or np.isnan(found) else float(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--tables", nargs="+", metavar="TABLE", help="tables to compare (default: all)")
    given = parser.parse_args()
    spec = load_spec("v1")
    old, new = (LakeReader(uri, spec) for uri in (given.old, given.new))
    same = True
    for name, table in tables(spec).items():
        if name not in (given.tables or (name,)):
            continue
        found, equal = compare(old, new, table)
        same &= equal
        print(f"{name:18} {found}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
