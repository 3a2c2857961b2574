"""Two lakes are the same only where every table, row and value is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.lakes import compare
from bench.measure import fresh_copy
from common.contracts import tables
from common.lake.reader import LakeReader
from common.windows import Windows
from tests.factories import SPEC, pair_counts_row, pair_counts_table
from tests.lakes import write_table

TABLE = tables(SPEC)["pair_counts"]
WINDOW = "2026-03-10T13:08Z"


def lake(folder: Path, *rows: dict[str, Any]) -> LakeReader:
    write_table(folder, TABLE.name, pair_counts_table(SPEC, *(pair_counts_row(WINDOW, **row) for row in rows)))
    return LakeReader(str(folder), SPEC)


@pytest.mark.parametrize(
    ("rows", "found", "same"),
    [
        ([{}], "1 rows, 10 columns, largest difference 0", True),
        ([{"sessions_cnt": 2}], "1 rows, 10 columns, largest difference inf; not equal: sessions_cnt", False),
        ([{}, {"dst_port": 8}], "1 rows, and 2", False),
    ],
)
def test_a_difference_is_named(tmp_path: Path, rows: list[dict[str, Any]], found: str, same: bool) -> None:
    assert compare(lake(tmp_path / "old", {}), lake(tmp_path / "new", *rows), TABLE) == (found, same)


def test_only_the_windows_that_are_named_are_compared(tmp_path: Path) -> None:
    old, new = (lake(tmp_path / name, {}) for name in ("old", "new"))
    write_table(
        tmp_path / "new", TABLE.name, pair_counts_table(SPEC, pair_counts_row("2026-03-10T13:23Z")), mode="append"
    )
    assert compare(old, new, TABLE, Windows.parse(WINDOW)) == ("1 rows, 10 columns, largest difference 0", True)
    assert compare(old, new, TABLE) == ("1 rows, and 2", False)


def test_files_that_both_have_are_the_same(tmp_path: Path) -> None:
    old = lake(tmp_path / "old", {})
    new = LakeReader(str(fresh_copy(tmp_path / "old", tmp_path / "new")), SPEC)
    assert compare(old, new, TABLE) == ("the same files", True)


def test_a_table_in_one_lake_only_is_a_difference(tmp_path: Path) -> None:
    empty = LakeReader(str(tmp_path), SPEC)
    assert compare(lake(tmp_path / "old", {}), empty, TABLE) == ("in one lake only", False)
    assert compare(empty, empty, TABLE) == ("in neither lake", True)
