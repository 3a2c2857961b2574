"""Checks that reference and product produce the same tables, without which a benchmark would mean nothing.

python -m bench.check --lake LAKE --window START --reference FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows
from tests.oracle.compare import assert_tables_equal

TABLES = ("sessions", "delta_host", "delta_pair", "pair_counts", "fg_a", "fg_c")


def check(lake: Lake, window: Windows, reference: Path) -> dict[str, int]:
    """Compares the tables that both have; returns the number of rows of each.

    Raises:
        AssertionError: rows or values differ.
    """
    rows = {}
    for name in filter(lambda name: (reference / f"{name}.parquet").exists(), TABLES):
        found = lake.arrow(name, windows=window)
        expected = pq.read_table(reference / f"{name}.parquet", partitioning=None)
        for number, field in enumerate(expected.schema):
            if pa.types.is_timestamp(field.type):
                expected = expected.set_column(
                    number, field.name, expected.column(number).cast(pa.timestamp("us", "UTC"))
                )
        assert_tables_equal(found, expected, lake.table(name).key)
        rows[name] = found.num_rows
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--window", type=Windows.parse, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    given = parser.parse_args()
    print(json.dumps(check(Lake(given.lake, load_spec("v1")), given.window, given.reference)))


if __name__ == "__main__":
    main()
