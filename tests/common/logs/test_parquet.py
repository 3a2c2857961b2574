from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts.session import PARSED_SCHEMA
from common.errors import FormatError, InputError
from common.logs import ReadOptions, read_file

START, END = datetime(2024, 3, 11, 16, 22, 50, tzinfo=UTC), datetime(2024, 3, 11, 16, 23, 2, tzinfo=UTC)

Rows = list[dict[str, Any]]

FLOW = {
    "event_type": "TRAFFIC", "subtype": "end", "start_ts": START, "end_ts": END, "duration_s": 12.0,
    "src_ip": "10.1.1.5", "src_port": 55331, "dst_ip": "2001:DB8::1", "dst_port": 443, "protocol": "tcp",
    "bytes_sent": 367, "bytes_received": 197, "session_id": "7", "repeat_count": 0,
}  # fmt: skip


def parquet(tmp_path: Path, rows: Rows, text: bool = False, **options: Any) -> tuple[Rows, Rows]:
    """Sessions and rejects of a Parquet file with these rows, all columns as text if wanted."""
    table = pa.Table.from_pylist(rows)
    if text:
        table = table.cast(pa.schema([(name, pa.string()) for name in table.schema.names]))
    pq.write_table(table, tmp_path / "log.parquet")
    batches = list(read_file(str(tmp_path / "log.parquet"), ReadOptions(**options)))
    assert sum(batch.records_read for batch in batches) == len(rows)
    return (
        [row for batch in batches for row in batch.sessions.to_pylist()],
        [reject for batch in batches for reject in batch.rejects.to_pylist()],
    )


@pytest.mark.parametrize("text", [False, True])
def test_parquet_with_canonical_names(tmp_path: Path, text: bool) -> None:
    (row,), rejects = parquet(tmp_path, [FLOW], text)
    assert rejects == []
    optional = {name: None for name in PARSED_SCHEMA.names if name not in FLOW}
    expected = FLOW | {"dst_ip": "2001:db8::1", "repeat_count": 1, "source_line": 1, "status": "kept"}
    assert row == optional | expected | {"source_file": str(tmp_path / "log.parquet")}


def test_parquet_with_other_names(tmp_path: Path) -> None:
    rows = [{f"x_{name}": value for name, value in FLOW.items()}]
    found, _ = parquet(tmp_path, rows, column_mapping={name: f"x_{name}" for name in FLOW})
    assert found[0]["start_ts"] == START
    with pytest.raises(FormatError, match=r"no columns for src_ip, src_port.*x_src_ip.*column_mapping"):
        parquet(tmp_path, rows)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("absent", ["duration_s", "end_ts", "start_ts"])
def test_parquet_times_complete_each_other(tmp_path: Path, absent: str, text: bool) -> None:
    (row,), rejects = parquet(tmp_path, [{name: value for name, value in FLOW.items() if name != absent}], text)
    assert rejects == [] and (row["start_ts"], row["end_ts"], row["duration_s"]) == (START, END, 12.0)


def test_parquet_times_without_zone_are_in_the_zone_of_the_logs(tmp_path: Path) -> None:
    naive = FLOW | {"start_ts": START.replace(tzinfo=None), "end_ts": END.replace(tzinfo=None)}
    (row,), _ = parquet(tmp_path, [naive], time_zone="+02:00")
    assert row["end_ts"] == END - timedelta(hours=2)


@pytest.mark.parametrize("text", [False, True])
def test_parquet_rows_that_do_not_fit_are_rejected_by_number(tmp_path: Path, text: bool) -> None:
    changes: Rows = [
        {}, {"dst_port": 65536}, {"src_ip": "10.1"}, {"duration_s": -1.0}, {"src_ip": None}, {"event_type": "SYSTEM"},
        {"bytes_sent": -5}, {"subtype": "start"}, {"start_ts": None, "duration_s": None}, {"protocol": "icmp"},
    ]  # fmt: skip
    rows, rejects = parquet(tmp_path, [FLOW | change for change in changes], text)
    assert [(row["source_line"], row["status"], row["dst_port"]) for row in rows] == [
        (1, "kept", 443), (7, "kept", 443), (8, "uncounted", 443), (10, "kept", 0)
    ]  # fmt: skip
    assert [row["bytes_sent"] is None for row in rows] == [False, True, False, False]
    assert [reject["source_line"] for reject in rejects] == [2, 3, 4, 5, 6, 9]
    assert rejects[0]["reason"] == "dst_port 65536 is outside 0 to 65535"
    assert json.loads(rejects[1]["raw"])["src_ip"] == "10.1"


def test_parquet_threats(tmp_path: Path) -> None:
    threat = FLOW | {"event_type": "THREAT", "subtype": "url", "severity": "High", "duration_s": None, "start_ts": None}
    rows, rejects = parquet(tmp_path, [threat, FLOW])
    assert rejects == [] and [row["event_type"] for row in rows] == ["THREAT", "TRAFFIC"]
    assert (rows[0]["severity"], rows[0]["bytes_sent"], rows[0]["end_ts"]) == ("high", None, END)


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(read_file(str(tmp_path / "log"), ReadOptions()))


def test_parquet_columns_of_other_types_are_an_error(tmp_path: Path) -> None:
    """And no damage: that would leave every row group out."""
    with pytest.raises(InputError, match=r"has columns that cannot be read: .*list"):
        parquet(tmp_path, [FLOW | {"src_ip": ["10.1.1.5"]}])


@pytest.mark.parametrize("text", [False, True])
def test_parquet_log_times(tmp_path: Path, text: bool) -> None:
    """They are kept where they are known, and a session that starts a day after its log is none."""
    written, early = END + timedelta(minutes=30), START - timedelta(days=2)
    threat = FLOW | {"event_type": "THREAT", "start_ts": None, "duration_s": None, "log_ts": END}
    given = [FLOW | {"log_ts": written}, FLOW | {"log_ts": None}, threat, FLOW | {"log_ts": early}]
    rows, rejects = parquet(tmp_path, given, text)
    assert [(row["end_ts"], row["log_ts"]) for row in rows] == [(END, written), (END, None), (END, END)]
    assert [reject["source_line"] for reject in rejects] == [4]


def test_parquet_counts_where_the_zone_of_its_times_is_from(tmp_path: Path) -> None:
    naive = FLOW | {"start_ts": START.replace(tzinfo=None), "end_ts": END.replace(tzinfo=None)}
    for rows, source in (([FLOW] * 3, "in_record"), ([naive], "project")):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
        (batch,) = read_file(str(tmp_path / "log.parquet"), ReadOptions())
        assert dict(batch.zones) == {source: len(rows)}
