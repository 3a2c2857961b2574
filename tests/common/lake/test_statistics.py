"""What the log says of files, by which other readers of the lake leave them out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable

from common.lake.lake import Lake
from common.lake.statistics import FileStatistics
from common.lake.window_files import WindowFiles
from common.windows import Windows
from tests.factories import SPEC, table_row

WINDOWS = [Windows.parse(f"2026-03-10T{hour}:08Z") for hour in ("12", "13")]
HOSTS = ("10.1.0.1", "10.1.0.7")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A file of sessions for each of two windows, with a column that is null in one of them."""
    lake = Lake(str(tmp_path), SPEC)
    table = lake.table("sessions")
    for window, app in zip(WINDOWS, ("ssh", None), strict=True):
        rows = [table_row(table, window, src_ip=host, protocol="tcp", app=app, end_ts=window.start) for host in HOSTS]
        files = WindowFiles(lake.location("sessions"), table, window)
        arrow = pa.Table.from_pylist(rows, schema=table.arrow)
        files.add(arrow.drop_columns(["date", "window"]), pa.chunked_array([pa.array([0, 0], pa.int32())]))
        files.flush()
        lake.replace_files("sessions", files.actions, window)
    yield lake


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (ds.field("src_ip") == HOSTS[0], 2),
        (ds.field("window") == WINDOWS[0].key, 2),
        ((ds.field("window") == WINDOWS[1].key) & (ds.field("protocol") == "tcp"), 2),
        (ds.field("end_ts") >= pa.scalar(WINDOWS[1].start), 2),
        (ds.field("app") == "ssh", 2),
        (ds.field("app").is_null(), 2),
        (ds.field("src_ip") == "10.1.0.5", 0),
        ((ds.field("date") == "2026-03-10") & (ds.field("src_ip") == HOSTS[1]), 2),
    ],
)
def test_other_readers_find_all_rows(lake: Lake, condition: ds.Expression, rows: int) -> None:
    dataset = DeltaTable(lake.location("sessions")).to_pyarrow_dataset()
    assert dataset.to_table(filter=condition).num_rows == rows


def test_bounds_are_of_all_rows_and_times_are_cut_to_milliseconds() -> None:
    table = Lake("unused", SPEC).table("open_sessions")
    statistics = FileStatistics(table, table.column_names)
    texts = pa.array(["b", None, "a"]).dictionary_encode()
    starts = pa.array([datetime(2026, 3, 10, 12, 0, 0, 1999, UTC)] * 3, pa.timestamp("us", "UTC"))
    columns = {
        name: texts if name == "src_ip" else starts if name == "start_ts" else pa.nulls(3, table.arrow.field(name).type)
        for name in statistics.names
    }
    statistics.add(pa.table(columns).slice(0, 2))
    statistics.add(pa.table(columns).slice(2))
    found = json.loads(statistics.to_json())
    assert found["numRecords"] == 3
    assert found["minValues"] == {"src_ip": "a", "start_ts": "2026-03-10T12:00:00.001Z"}
    assert found["maxValues"] == {"src_ip": "b", "start_ts": "2026-03-10T12:00:00.001Z"}
    assert found["nullCount"] == dict.fromkeys(statistics.names, 3) | {"src_ip": 1, "start_ts": 0}
