"""Input of which a part cannot be read: the slices hold the rest, and the run report says what is missing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.errors import InputError
from tests.common.logs.panos_logs import traffic
from tests.conftest import Stages
from tests.factories import edge_case_sessions

WINDOW = "2024-03-11T16:23Z"


def lines(first: int, count: int) -> bytes:
    return b"".join(traffic(46, {39: str(number)}).encode() + b"\n" for number in range(first, first + count))


def sessions_in(stages: Stages) -> int:
    hosts = stages.lake.arrow("delta_host", ["role", "sessions_cnt"])
    return sum(row["sessions_cnt"] for row in hosts.to_pylist() if row["role"] == "outbound")


def test_a_damaged_and_an_unreadable_file_in_a_batch(stages: Stages, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    batch.mkdir()
    (batch / "a.csv").write_bytes(lines(0, 10))
    (batch / "b.gz").write_bytes(gzip.compress(lines(100, 500))[:-30])
    (batch / "c.gz").write_bytes(b"")
    (batch / "_SUCCESS").touch()
    report = stages.delta(WINDOW, str(batch))
    records = report.details["records"]
    assert records["read"] == records["kept"] + records["rejected"] and records["rejected"] == 1
    assert report.details["missing"] == {"damaged_files": 1, "unreadable_files": 1, "missing_bytes": 0}
    assert sessions_in(stages) == records["kept"] > 300
    assert report.details["holes"] == [
        {"path": str(batch / "c.gz"), "reason": "has no bytes at all", "line": None, "missing_bytes": 0},
        {"path": str(batch / "b.gz"), "reason": "the gzip stream is cut off", "line": records["kept"] - 9,
         "missing_bytes": None},
    ]  # fmt: skip
    assert report.incomplete_reason == (
        f"1 damaged file, 1 that cannot be read; the first: {batch}/c.gz: has no bytes at all"
    )
    assert stages.delta(WINDOW, str(batch / "a.csv")).incomplete_reason is None


def test_a_batch_that_nobody_can_read_is_a_failure(stages: Stages, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(0, 100)))
    packed[12:30] = b"\xff" * 18
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch/a.gz").write_bytes(packed)
    with pytest.raises(InputError, match=r"no log file in .*has nothing that can be read"):
        stages.delta(WINDOW, str(tmp_path / "batch"))


def test_a_damaged_page_of_canonical_parquet(stages: Stages, tmp_path: Path) -> None:
    """Such files are scanned in place; the engine refuses a damaged one as a whole."""
    row = next(row for row in edge_case_sessions().to_pylist() if row["event_type"] == "TRAFFIC" and row["start_ts"])
    valid = {"subtype": "end", "src_ip": "10.1.1.1", "dst_ip": "10.2.2.2", "protocol": "tcp", "duration_s": 1.0}
    rows = [row | valid | {"session_id": f"1{number}", "repeat_count": 1} for number in range(300)]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(SESSION_COLUMNS))
    path = tmp_path / "sessions.parquet"
    pq.write_table(table, path, row_group_size=100, compression="zstd")
    window = f"{rows[0]['end_ts']:%Y-%m-%dT}00:08Z/{rows[0]['end_ts']:%Y-%m-%dT}23:53Z"
    clean = stages.delta(window, str(path))
    assert clean.details["records"]["kept"] == 300 and "parse" not in [step["step"] for step in clean.steps]
    column = pq.read_metadata(path).row_group(1).column(table.schema.get_field_index("session_id"))
    data = bytearray(path.read_bytes())
    begin = column.dictionary_page_offset
    data[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(data)
    report = stages.delta(window, str(damaged))
    assert report.details["records"]["kept"] == 200 and "100 rows are missing here" in str(report.incomplete_reason)
