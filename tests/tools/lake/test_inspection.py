"""What a lake holds: tables, columns and commits, without reading rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import CommitProperties

from common import __version__
from common.lake.lake import Lake
from tests.commands import call
from tests.factories import table_row
from tests.lakes import write_table
from tests.tools.lake.open_lake import FIRST, HOSTS, replace, write_lake
from tools.lake.cli import main
from tools.lake.inspection import ENGINE_TYPES, history_rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("inspection") / "lake")


def printed(lake: Lake, *arguments: str) -> list[dict[str, Any]]:
    code, output, error = call(main, *arguments, "--lake", lake.uri, "--format", "ndjson")
    assert code == 0, error
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.slow
def test_tables_say_what_they_hold(lake: Lake) -> None:
    rows = {row["table"]: row for row in printed(lake, "tables")}
    assert list(rows) == ["delta_pair", "fg_a", "window_status"]
    pair, features = rows["delta_pair"], rows["fg_a"]
    assert (pair["rows"], pair["files"], pair["version"], pair["partitions"]) == (9, 3, 4, 2)
    assert pair["bytes"] == sum(path.stat().st_size for path in current_files(lake, "delta_pair"))
    assert (features["rows"], features["partitions"], features["partitioned_by"]) == (9, 2, "date")
    for row in (pair, features):  # of partitions, and of statistics
        assert (row["first"], row["last"]) == ("2026-03-10T23:38Z", "2026-03-11T00:08Z")
    assert pair["grain"] == lake.table("delta_pair").grain
    assert pair["last_written"].startswith("20")


def current_files(lake: Lake, name: str) -> list[Path]:
    return [Path(lake.location(name)) / row["path"] for row in lake.files(name).select(["path"]).to_pylist()]


def test_a_schema_says_what_columns_mean(lake: Lake) -> None:
    rows = {row["column"]: row for row in printed(lake, "schema", "fg_a")}
    assert list(rows) == list(lake.table("fg_a").column_names)
    host, novel = rows["host_ip"], rows["new_peer_cnt_lookback30d_w_15m"]
    assert (host["type"], host["unit"], host["null_when"], host["is_key"]) == ("string", None, None, True)
    assert novel["null_when"] == "the host has no session in the history in either role"
    assert (novel["unit"], novel["is_key"], rows["date"]["is_partition"]) == ("peers", False, True)


@pytest.mark.slow
def test_types_are_what_other_programs_find(tmp_path: Path) -> None:
    lake, names = write_lake(tmp_path), ("fg_b/ip_metadata", "delta_pair", "pair_counts")
    found = {}
    for name in names:
        table = lake.table(name)
        write_table(tmp_path, name, [table_row(table, FIRST)])
        delta, connection = lake.delta(name), duckdb.connect()
        connection.register("rows", delta.to_pyarrow_dataset())
        in_duckdb = {name: kind for name, kind, *_ in connection.execute("DESCRIBE rows").fetchall()}
        in_polars, in_pandas = pl.read_delta(lake.location(name)).schema, delta.to_pandas().dtypes
        for column in table.columns:
            found[column.type] = {
                "spark": ENGINE_TYPES[column.type]["spark"],  # the test of the Spark session has this one
                "duckdb": in_duckdb[column.name],
                "polars": str(in_polars[column.name]),
                "pandas": str(in_pandas[column.name]),
            }
    assert found == ENGINE_TYPES


def test_a_history_says_what_each_commit_changed_and_whose_it_was(lake: Lake) -> None:
    rows = printed(lake, "history", "delta_pair")
    figures = [(row["version"], row["rows_added"], row["rows_removed"], row["files_removed"]) for row in rows]
    assert figures == [(4, 3, 0, 0), (3, 3, 3, 1), (2, 3, 0, 0), (1, 3, 0, 0), (0, 0, 0, 0)]
    assert rows[0]["where"] == "date = '2026-03-11' AND window = '20260311T0008Z'"
    assert (rows[0]["command"], rows[0]["release"]) == ("ndr-15m", __version__)
    assert [row["version"] for row in printed(lake, "history", "delta_pair", "--last", "2")] == [4, 3]
    assert history_rows(lake, "delta_pair", 2) == history_rows(lake, "delta_pair", 99)[:2]


@pytest.mark.slow
def test_commits_of_others_have_no_command(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    for metadata in ({}, {"userMetadata": "nightly"}, {"userMetadata": "[1]"}):
        replace(lake, "delta_pair", FIRST, [{"host_ip": HOSTS[0], "sessions_cnt": 100}])
        lake.delta("delta_pair").delete("sessions_cnt > 99", commit_properties=CommitProperties(metadata))
    rows = history_rows(lake, "delta_pair", 6)
    assert {row["command"] for row in rows} == {None}
    assert [(row["rows_added"], row["rows_removed"]) for row in rows[:3]] == [(0, 1), (1, 0), (0, 1)]


@pytest.mark.slow
def test_a_history_whose_beginning_is_gone_does_not_guess(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    lake.delta("delta_pair").create_checkpoint()
    for version in range(3):
        (Path(lake.location("delta_pair")) / f"_delta_log/{version:020d}.json").unlink()
    replace(lake, "delta_pair", FIRST, [{"host_ip": HOSTS[0]}])
    rows = history_rows(lake, "delta_pair", 99)
    assert [(row["version"], row["rows_added"], row["rows_removed"]) for row in rows] == [
        (5, 1, None),
        (4, 3, 0),
        (3, 3, None),
    ]


def test_an_unknown_table_is_told_from_one_that_is_not_there(lake: Lake) -> None:
    for command in ("schema", "history", "sample"):
        code, _, error = call(main, command, "delta_pairs", "--lake", lake.uri)
        assert (code, "'delta_pairs' is no table of a lake (did you mean delta_pair" in error) == (1, True), error
    code, _, error = call(main, "history", "fg_c", "--lake", lake.uri)
    assert (code, "fg_c does not exist" in error, "Run the stage that writes fg_c first" in error) == (1, True, True)
    assert len(printed(lake, "schema", "fg_c")) == len(lake.table("fg_c").columns)
