"""A lake of format 4, whose tables of windows were partitioned by window, keeps its rows and what was made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE
from common.lake.table_files import rows_of
from common.lake.window_files import WindowFiles
from common.windows import Windows
from tests.commands import call
from tests.common.lake.killing import Killed
from tests.factories import SPEC, table_row
from tests.lakes import mark_lake, write_table
from tests.oracle.compare import assert_tables_equal
from tests.tools.lake.formats import BY_WINDOW, FORMER, PREDICTED, write_format_4
from tests.tools.lake.test_migration import identity, migrate
from tools.lake.cli import main

pytestmark = pytest.mark.slow

NAMES = (*BY_WINDOW, *PREDICTED)
WINDOWS = [Windows.parse(f"2026-03-{start}Z") for start in ("10T13:08", "10T13:23", "11T00:08")]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Each table has two rows in each of the windows, of two days; `sessions_rejected` has none."""
    mark_lake(tmp_path, "acme", {"time_zone": "Asia/Tokyo"})
    for name in NAMES:
        table = Lake(str(tmp_path), SPEC).table(name)
        kept = WINDOWS if name != "sessions_rejected" else []
        rows = [table_row(table, window, **_key(table.key, number)) for window in kept for number in (2, 1)]
        write_table(tmp_path, name, rows)
    return write_format_4(tmp_path)


def _key(columns: tuple[str, ...], number: int) -> dict[str, Any]:
    addresses = {name: f"10.1.0.{number}" for name in columns if name in ("host_ip", "src_ip")}
    return addresses or {columns[0]: f"{number}"}


def opened(lake: Path) -> Lake:
    return Lake(str(lake), SPEC)


def partitions(lake: Path) -> set[tuple[str, ...]]:
    return {tuple(DeltaTable(lake / name).metadata().partition_columns) for name in NAMES}


def test_rows_digests_and_record_stay(lake: Path) -> None:
    assert partitions(lake) == {tuple(FORMER)}
    rows = {name: opened(lake).arrow(name) for name in NAMES}
    digests = {name: opened(lake).digests(name, "date") for name in NAMES}
    recorded = identity(lake)
    with pytest.raises(LakeFormatError, match="has format 4, but this release works with format 9"):
        Lake.opened(str(lake), SPEC)
    planned = migrate(lake, "--dry-run")
    assert partitions(lake) == {tuple(FORMER)}
    done = migrate(lake)
    assert (done["from_format"], done["to_format"], done["steps"]) == (4, 9, planned["steps"])
    assert {step["table"] for step in done["steps"]} == {*NAMES}
    assert partitions(lake) == {("date",)}
    assert identity(lake) == recorded
    for name in NAMES:
        key = opened(lake).table(name).key
        assert_tables_equal(opened(lake).arrow(name), rows[name], (*key, "window"))
        assert opened(lake).digests(name, "date") == digests[name]
        assert opened(lake).files(name).num_rows == (2 if rows[name] else 0)
    assert opened(lake).arrow("pair_counts", ["window"], WINDOWS[1])["window"].to_pylist() == [WINDOWS[1].key] * 2


def test_columns_keep_what_they_mean(lake: Path) -> None:
    migrate(lake)
    for name in NAMES:
        stored = {field.name: field.metadata for field in opened(lake).delta(name).schema().fields}
        assert stored == {column.name: {"comment": column.comment} for column in opened(lake).table(name).columns}


@pytest.mark.parametrize("killed", range(len(NAMES)))
def test_a_migration_that_is_killed_before_a_commit_is_repeated(
    lake: Path, killed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {name: opened(lake).arrow(name) for name in NAMES}
    begin_anew, done = Lake.begin_anew, list[str]()

    def dies(held: Lake, name: str, files: Any) -> None:
        if len(done) == killed:
            raise Killed
        done.append(name)
        begin_anew(held, name, files)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Lake, "begin_anew", dies)
        call(main, "migrate", "--lake", lake)
    assert partitions(lake) <= {("date",), tuple(FORMER)}
    for name in NAMES:
        assert_tables_equal(opened(lake).arrow(name), rows[name], (*opened(lake).table(name).key, "window"))
    assert len(migrate(lake)["steps"]) == len(NAMES) - killed
    for name in NAMES:
        assert_tables_equal(opened(lake).arrow(name), rows[name], (*opened(lake).table(name).key, "window"))


def test_logs_with_few_bounds_get_all(tmp_path: Path) -> None:
    """Files whose log had bounds of windows alone: other readers found nothing in them by hosts."""
    mark_lake(tmp_path, "acme")
    lake = opened(tmp_path)
    table = lake.table("fg_a")
    rows = [table_row(table, window, host_ip="10.1.0.1") for window in WINDOWS[:2]]
    files = WindowFiles(lake.location("fg_a"), table, Windows(WINDOWS[0].start, WINDOWS[1].end))
    arrow = pa.Table.from_pylist(rows, schema=table.arrow).drop_columns(["date", "window"])
    files.add(arrow, pa.chunked_array([pa.array([0, 1], pa.int32())]))
    files.flush()
    bounds = {"minValues": {"window": WINDOWS[0].key}, "maxValues": {"window": WINDOWS[1].key}}
    former = [
        AddAction(one.path, one.size, one.partition_values, one.modification_time, True,
                  json.dumps({"numRecords": rows_of(one)} | bounds))
        for one in files.actions
    ]  # fmt: skip
    lake.replace_files("fg_a", former, {"date": "2026-03-10"})

    def found() -> int:
        stored = DeltaTable(tmp_path / "fg_a").to_pyarrow_dataset()
        return int(stored.to_table(columns=["host_ip"], filter=ds.field("host_ip") == "10.1.0.1").num_rows)

    digests = lake.digests("fg_a", "date")
    (tmp_path / FILE).write_text(json.dumps(json.loads((tmp_path / FILE).read_text()) | {"lake_format": 4}))
    assert found() == 0
    assert [step["table"] for step in migrate(tmp_path)["steps"]] == ["fg_a"]
    assert found() == 2
    assert opened(tmp_path).digests("fg_a", "date") == digests
    assert opened(tmp_path).count("fg_a") == 2
