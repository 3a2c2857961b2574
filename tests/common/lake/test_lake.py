"""The lake: contracts, replacement of exactly some windows, and what is wrong with a table."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from common.contracts.types import Table
from common.errors import TableError
from common.lake.extent import equal_predicate
from common.windows import Windows
from tests.conftest import Stages
from tests.factories import SPEC, pair_counts_row, pair_counts_table, table_row

pytestmark = pytest.mark.parity

FIRST, SECOND = Windows.parse("2026-03-10T13:08Z"), Windows.parse("2026-03-10T13:23Z")
EXACT = 11 / 92  # read back from statistics in JSON it would come out as 0.11956521739130437


def counted(stages: Stages, window: Windows, **overrides: Any) -> Any:
    rows = pair_counts_table(SPEC, pair_counts_row(str(window), **overrides))
    return stages.session.createDataFrame(rows)


def test_a_replacement_touches_its_windows_only(stages: Stages) -> None:
    lake = stages.lake
    for window, count in ((FIRST, 1), (SECOND, 2), (FIRST, 3)):
        lake.replace("pair_counts", counted(stages, window, sessions_cnt=count), window)
    found = lake.arrow("pair_counts", ["window", "sessions_cnt"]).sort_by("window").to_pylist()
    assert found == [{"window": FIRST.key, "sessions_cnt": 3}, {"window": SECOND.key, "sessions_cnt": 2}]
    assert lake.arrow("pair_counts", ["sessions_cnt"], SECOND).to_pylist() == [{"sessions_cnt": 2}]
    for keys, counts in (({SECOND.key}, [2]), ({FIRST.key, SECOND.key, "20260310T1338Z"}, [2, 3])):
        assert sorted(lake.arrow("pair_counts", equal={"window": keys})["sessions_cnt"].to_pylist()) == counts
    assert lake.read("pair_counts", FIRST).count() == 1


def test_times_survive_to_the_microsecond(stages: Stages) -> None:
    moment = datetime.fromisoformat("2026-03-10T13:22:59.999999+00:00")
    stages.lake.replace("pair_counts", counted(stages, FIRST, event_ts=moment), FIRST)
    assert stages.lake.arrow("pair_counts", ["event_ts"]).to_pylist() == [{"event_ts": moment}]


def test_a_digest_changes_with_its_partition_only(stages: Stages) -> None:
    lake, tomorrow = stages.lake, Windows.parse("2026-03-11T13:08Z")
    lake.replace("pair_counts", counted(stages, FIRST), FIRST)
    before = lake.digests("pair_counts", "date")
    lake.replace("pair_counts", counted(stages, tomorrow), tomorrow)
    after = lake.digests("pair_counts", "date")
    assert after["2026-03-10"] == before["2026-03-10"]
    lake.replace("pair_counts", counted(stages, SECOND), SECOND)
    assert lake.digests("pair_counts", "date")["2026-03-10"] != before["2026-03-10"]


def test_rows_that_do_not_match_the_declaration_are_refused(stages: Stages) -> None:
    frame = counted(stages, FIRST).selectExpr("*", "CAST(dst_port AS string) AS port").drop("dst_port")
    with pytest.raises(TableError, match="dst_port is missing"):
        stages.lake.replace("pair_counts", frame, FIRST)
    wrong = counted(stages, FIRST).withColumn("sessions_cnt", F.col("sessions_cnt").cast("string"))
    with pytest.raises(TableError, match="sessions_cnt is string, not bigint"):
        stages.lake.replace("pair_counts", wrong, FIRST)
    assert not stages.lake.exists("pair_counts")


def test_numbers_of_a_file_with_one_value_are_exact(stages: Stages) -> None:
    """The engine takes constants from the statistics of the log, if there are any."""
    lake = stages.lake
    table = lake.table("fg_b/pair/host")
    row = {
        "src_ip": "10.0.0.1", "dst_ip": "192.0.2.1", "dst_port": 443, "pair_seen_count": 1,
        "pair_last_seen_ts": FIRST.start, "active_days": 1, "pair_daily_avg": EXACT, "pair_rarity_score": EXACT,
        "is_new_pair_flag": False, "is_rare_pair_flag": True, "reference_ts": FIRST.end,
        "feature_spec_version": "v1", "baseline_horizon": "7d", "baseline_month": "2026-03",
        "publication_id": "a",
    }  # fmt: skip
    frame = stages.session.createDataFrame(pa.Table.from_pylist([row], schema=table.arrow))
    lake.replace(table.name, frame, {"baseline_month": "2026-03"})
    assert lake.read(table.name).select("pair_rarity_score").collect()[0][0] == EXACT


def test_a_missing_table_names_itself(stages: Stages) -> None:
    with pytest.raises(TableError, match="fg_c does not exist"):
        stages.lake.read("fg_c")
    with pytest.raises(TableError, match="fg_c does not exist"):
        stages.lake.arrow("fg_c")
    assert stages.lake.partitions("fg_c") == []


def nullable(table: Table) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in table.arrow])


def logged_schemas(folder: Path) -> list[dict[str, Any]]:
    """The schema of each metadata action of a table's log, oldest first."""
    lines = [line for log in sorted(folder.glob("_delta_log/*.json")) for line in log.read_text().splitlines()]
    actions = [json.loads(line) for line in lines]
    return [json.loads(action["metaData"]["schemaString"]) for action in actions if "metaData" in action]


@pytest.mark.parametrize("name", ["pair_counts", "fg_b/ip_metadata", "fg_c"])
def test_the_log_says_what_each_column_means_after_every_kind_of_write(stages: Stages, name: str) -> None:
    lake, table = stages.lake, stages.lake.table(name)
    row = pa.Table.from_pylist([table_row(table, FIRST)], schema=nullable(table))
    partition = table.partitions[0]
    value = row[partition][0].as_py()
    for _ in range(2):
        lake.replace(name, stages.session.createDataFrame(row), {partition: value})
    lake.rewrite(name, {partition: [value]}, lambda rows: rows)
    lake.remove(name, equal_predicate({partition: value}))
    assert lake.version(name) == 4
    (schema,) = logged_schemas(stages.folder / name)
    comments = {field["name"]: field["metadata"] for field in schema["fields"]}
    assert comments == {column.name: {"comment": column.comment} for column in table.columns}
    assert comments[partition]["comment"].endswith("; never null")


def test_every_commit_says_whose_it_is(stages: Stages) -> None:
    lake = stages.lake
    with click.Context(click.Command("ndr-pair-counts"), info_name="ndr-pair-counts"):
        lake.replace("pair_counts", counted(stages, FIRST), FIRST)
        lake.rewrite("pair_counts", {"window": [FIRST.key]}, lambda rows: rows)
        lake.remove("pair_counts", FIRST.predicate)
    commits = lake.delta("pair_counts").history()
    assert [json.loads(commit["userMetadata"])["command"] for commit in commits] == ["ndr-pair-counts"] * 4


def test_a_table_without_comments_is_written_as_before(stages: Stages) -> None:
    """Earlier releases let the engine create tables, and Sail drops comments."""
    table = stages.lake.table("pair_counts")
    empty = stages.session.createDataFrame([], table.ddl)
    empty.write.format("delta").partitionBy(*table.partitions).save(stages.lake.location(table.name))
    before = logged_schemas(stages.folder / "pair_counts")
    stages.lake.replace("pair_counts", counted(stages, FIRST), FIRST)
    assert stages.lake.arrow("pair_counts", ["sessions_cnt"]).to_pylist() == [{"sessions_cnt": 1}]
    assert logged_schemas(stages.folder / "pair_counts") == before
