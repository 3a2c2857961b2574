"""Comments of columns, given to tables that have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import write_deltalake

from common.lake.lake import Lake
from tests.factories import SPEC
from tests.lakes import write_table
from tests.tools.lake.open_lake import FIRST, HOSTS, replace, write_lake
from tools.lake.comments import describe

pytestmark = pytest.mark.slow


def comments(lake: Lake, name: str) -> dict[str, str]:
    return {field.name: field.metadata.get("comment", "") for field in lake.delta(name).schema().fields}


@pytest.mark.slow
def test_a_table_gets_its_comments_in_one_commit_that_changes_nothing_else(tmp_path: Path) -> None:
    described = write_lake(tmp_path / "described")
    write_table(tmp_path / "lake", "fg_a", described.arrow("fg_a").cast(described.table("fg_a").arrow))
    lake = Lake(str(tmp_path / "lake"), SPEC)
    rows = lake.arrow("fg_a").to_pylist()
    assert set(comments(lake, "fg_a").values()) == {""}
    before = lake.delta("fg_a").metadata().configuration
    assert describe(lake, lake.table("fg_a"))
    assert comments(lake, "fg_a") == {column.name: column.comment for column in lake.table("fg_a").columns}
    assert lake.arrow("fg_a").to_pylist() == rows
    assert (lake.version("fg_a"), lake.delta("fg_a").metadata().configuration) == (1, before)
    assert not describe(lake, lake.table("fg_a"))
    replace(lake, "fg_a", FIRST, [{"host_ip": HOSTS[0]}])
    assert len(lake.arrow("fg_a")) == 7


def test_a_table_of_other_columns_is_left_alone(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    assert not describe(lake, lake.table("delta_pair"))
    narrow = lake.arrow("fg_a").select(["host_ip", "date"])
    write_deltalake(lake.location("fg_a"), narrow, mode="overwrite", schema_mode="overwrite", partition_by=["date"])
    assert not describe(lake, lake.table("fg_a"))
