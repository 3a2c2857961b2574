"""Rows that are wanted of a table: the same as all rows, filtered; and what is read of its files for it."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from common.lake.lake import Lake
from common.lake.selection import COLUMNS_AT_ONCE
from common.lake.table_files import ROWS_WITH_LONG_TEXT
from common.lake.window_files import window_files
from common.windows import Windows
from tests.factories import SPEC, table_row

WINDOWS = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:38Z")
HOSTS = 3 * ROWS_WITH_LONG_TEXT
_, SECOND = WINDOWS
LONG = "x" * 600
SOME = ["10.0.00003", "10.0.01400"]


def score(host: int, number: int) -> float:
    """Scores of which the highest of a window are those of its last hosts."""
    return round((host + number) / (HOSTS + 1), 6)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Predictions with long texts of two windows, a file each, with three row groups."""
    found = Lake(str(tmp_path_factory.mktemp("lake")), SPEC)
    table = found.table("predictions")
    with window_files(found, "predictions", WINDOWS) as files:
        for number, window in enumerate(WINDOWS):
            base = table_row(table, window, top_features=LONG)
            rows = [
                base | {"host_ip": f"10.0.{host:05}", "anomaly_score": score(host, number), "raw_score": float(host)}
                for host in range(HOSTS)
            ]
            files.add(pa.Table.from_pylist(rows, schema=table.arrow))
            files.flush()
        found.replace_files("predictions", files.actions, WINDOWS)
    return found


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """The row group and the columns of each reading."""
    found: list[tuple[int, tuple[str, ...]]] = []
    read_row_groups = pq.ParquetFile.read_row_groups

    def noted(self: Any, groups: list[int], columns: list[str], **more: Any) -> pa.Table:
        found.extend((group, tuple(columns)) for group in groups)
        return read_row_groups(self, groups, columns, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", noted)
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, group, *rest, **more: noted(self, [group], *rest, **more)
    )
    return found


def expected(lake: Lake, mask: Any) -> list[dict[str, Any]]:
    rows = lake.arrow("predictions", ["host_ip", "window", "anomaly_score"])
    return ordered(rows.filter(mask(rows)))


def ordered(rows: pa.Table) -> list[dict[str, Any]]:
    some = rows.select(["host_ip", "window", "anomaly_score"])
    found: list[dict[str, Any]] = some.sort_by([("window", "ascending"), ("host_ip", "ascending")]).to_pylist()
    return found


def test_long_texts_come_in_small_row_groups(lake: Lake) -> None:
    for path in lake.file_paths("predictions"):
        metadata = pq.read_metadata(Path(lake.uri) / "predictions" / path)
        assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [512, 512, 512]


def test_rows_of_a_least_score_are_those_of_a_filter_and_other_groups_are_not_read(
    lake: Lake, read: list[tuple[int, tuple[str, ...]]]
) -> None:
    least = score(HOSTS - 3, 0)
    wanted = expected(lake, lambda rows: pc.greater_equal(rows["anomaly_score"], least))
    read.clear()
    found = lake.arrow("predictions", numbers={"anomaly_score": (least, inf)})
    assert ordered(found) == wanted and len(wanted) == 7
    assert set(found["top_features"].to_pylist()) == {LONG}
    assert [f"10.0.{raw:05.0f}" for raw in found["raw_score"].to_pylist()] == found["host_ip"].to_pylist()
    assert {group for group, _ in read} == {2}


def test_texts_of_row_groups_without_a_wanted_row_are_not_read(
    lake: Lake, read: list[tuple[int, tuple[str, ...]]]
) -> None:
    """Their scores say nothing of it: hosts 3 and 1400 are in the first and the last group, 700 is not high enough."""
    hosts, least = [*SOME, "10.0.00700"], {"raw_score": (1.0, 3.0)}
    assert len(lake.arrow("predictions", equal={"host_ip": hosts}, numbers=least)) == 2
    assert {group for group, columns in read if columns == ("host_ip", "raw_score")} == {0, 1, 2}
    assert {group for group, columns in read if "top_features" in columns} == {0}


def some(rows: pa.Table) -> Any:
    return pc.is_in(rows["host_ip"], pa.array(SOME))


def high(rows: pa.Table) -> Any:
    return pc.greater_equal(rows["anomaly_score"], 0.5)


@pytest.mark.parametrize(
    ("selection", "mask"),
    [
        ({"numbers": {"anomaly_score": (0.5, inf)}}, high),
        ({"numbers": {"anomaly_score": (-inf, 0.25)}}, lambda rows: pc.less_equal(rows["anomaly_score"], 0.25)),
        ({"equal": {"host_ip": SOME}}, some),
        ({"equal": {"host_ip": "10.0.99999"}}, lambda rows: pc.equal(rows["host_ip"], "10.0.99999")),
        (
            {"windows": SECOND, "equal": {"host_ip": SOME}, "numbers": {"anomaly_score": (0.5, inf)}},
            lambda rows: pc.and_(pc.and_(pc.equal(rows["window"], SECOND.key), some(rows)), high(rows)),
        ),
    ],
    ids=["least", "most", "values", "no value", "all at once"],
)
@pytest.mark.parametrize("coded", [[], ["host_ip", "window"]])
def test_what_is_selected_is_what_a_filter_of_all_rows_gives(
    lake: Lake, selection: dict[str, Any], mask: Any, coded: list[str]
) -> None:
    found = lake.arrow("predictions", coded=coded, **selection)
    assert [pa.types.is_dictionary(found.schema.field(name).type) for name in coded] == [True] * len(coded)
    plain = found.cast(lake.arrow("predictions", equal={"host_ip": "nobody"}).schema)
    assert ordered(plain) == expected(lake, mask)


def test_few_rows_of_many_columns_are_read_some_columns_at_a_time(
    lake: Lake, read: list[tuple[int, tuple[str, ...]]]
) -> None:
    names = lake.table("predictions").column_names
    rows = lake.arrow("predictions")
    read.clear()
    found = lake.arrow("predictions", numbers={"anomaly_score": (0.999, inf)})
    assert found.equals(rows.filter(pc.greater_equal(rows["anomaly_score"], 0.999))) and len(found)
    assert len(names) > COLUMNS_AT_ONCE + 2 and max(len(columns) for _, columns in read) == COLUMNS_AT_ONCE


def test_row_groups_without_a_wanted_host_are_not_read(lake: Lake, read: list[tuple[int, tuple[str, ...]]]) -> None:
    found = lake.arrow("predictions", ["host_ip"], equal={"host_ip": ["10.0.00000", "10.0.01500"]})
    assert len(found) == 4 and {group for group, _ in read} == {0, 2}
