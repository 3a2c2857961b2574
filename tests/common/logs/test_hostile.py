"""Values made to break readers: each is a reject with its reason, or a session as it stands; nothing raises."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.logs import ReadOptions, read_file
from tests.common.logs.log_samples import ARGUS_HEADER
from tests.common.logs.panos_logs import threat, traffic
from tests.common.logs.test_files import write
from tests.common.logs.test_flows import ecs
from tests.common.logs.test_parquet import FLOW

NUMBERS = ("1e400", "9" * 5_000, "NaN", "Infinity", "-1", "0x10", "1e-400", "\u0661\u0662")
TIMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "2024-02-30T00:00:00Z")


def outcome(path: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    batches = list(read_file(path, ReadOptions()))
    return (
        [row for batch in batches for row in batch.sessions.to_pylist()],
        [row for batch in batches for row in batch.rejects.to_pylist()],
    )


@pytest.mark.parametrize("value", [*NUMBERS, *TIMES])
def test_numbers_and_times_out_of_range_are_null_or_rejects(tmp_path: Path, value: str) -> None:
    flow = "2024/03/11 16:22:50,1.25,tcp,10.1.1.1,51514,->,198.51.100.7,443,FSPA_FSPA,0,0,12,2000,900"
    texts = {
        "panos": "\n".join([traffic(), traffic(changes={32: value}), traffic(changes={35: value})]),
        "threat": "\n".join([threat(), threat(changes={6: value}), threat(changes={36: value})]),
        "argus": "\n".join([ARGUS_HEADER, flow, flow.replace("2000", value), flow.replace("1.25", value)]),
        "ecs": "\n".join(map(json.dumps, (ecs(), ecs(source={"bytes": value}), ecs(event={"start": value})))),
    }
    for name, text in texts.items():
        sessions, rejects = outcome(write(tmp_path / name, text))
        tiny = value == "1e-400"  # a duration of 0 s
        kept = 1 + tiny if name == "argus" else 2
        assert (len(sessions), len(rejects)) == (kept, 3 - kept), (name, rejects)
        impossible = {"panos": "bytes_sent", "threat": "sequence_number", "ecs": "bytes_sent"}.get(name)
        assert impossible is None or (sessions[0][impossible], sessions[1][impossible]).count(None) == 1
        assert all(len(reject["reason"]) < 200 for reject in rejects)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_times_beyond_the_calendar_are_rejects(tmp_path: Path, unit: str) -> None:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds = [-62_135_596_800, 253_402_300_799, 9_000_000_000_000, 1_710_174_170]
    moments = [moment for moment in (second * per_second for second in seconds) if abs(moment) < 2**63]
    for zone in (None, "UTC"):
        table = pa.Table.from_pylist([FLOW] * len(moments)).drop_columns(["end_ts"])
        column = pa.array(moments, pa.int64()).cast(pa.timestamp(unit, zone))
        path = str(tmp_path / "log.parquet")
        pq.write_table(table.set_column(table.schema.get_field_index("start_ts"), "start_ts", column), path)
        sessions, rejects = outcome(path)
        assert [row["start_ts"].replace(tzinfo=None) for row in sessions] == [datetime(2024, 3, 11, 16, 22, 50)]
        assert len(rejects) == len(moments) - 1 and all("start_ts" in reject["reason"] for reject in rejects)


def test_fields_and_keys_of_any_length(tmp_path: Path) -> None:
    long, deep = "k" * 10_000, "[" * 900 + "]" * 900
    sessions, rejects = outcome(write(tmp_path / "panos", traffic(changes={11: long})))
    assert sessions[0]["rule"] == long and not rejects
    nested = json.dumps(ecs()).replace('"ssl"', deep)
    texts = [
        json.dumps(ecs() | {long: long}),
        json.dumps(ecs(rule={"name": long})),
        nested,
        json.dumps(ecs(**{long: {}})),
    ]
    sessions, rejects = outcome(write(tmp_path / "ecs", "\n".join(texts)))
    assert [row["rule"] for row in sessions] == ["allow-untrust", long, "allow-untrust"]
    assert len(rejects) == 1 and len(rejects[0]["reason"]) < 200


def packed(text: bytes, cut: int = 0) -> dict[str, str]:
    data = gzip.compress(text)
    return {"data": base64.b64encode(data[: len(data) - cut]).decode()}


@pytest.mark.parametrize("text", [b"x" * 8_000_000, b"ab\n" * 1_000_000], ids=["long", "many"])
def test_packed_records_that_fill_the_memory_are_one_reject(
    tmp_path: Path, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte may hold a gigabyte. What comes before and after, in other blocks, is read."""
    monkeypatch.setattr("common.logs.wrappers.records.MOST_UNPACKED_BYTES", 16_000_000)
    good = json.dumps({"records": [packed(json.dumps(ecs()).encode())]})
    lines = [good, json.dumps({"records": [packed(text)] * 3})]
    sessions, rejects = outcome(write(tmp_path / "log", "\n".join(lines)))
    assert ([row["source_line"] for row in sessions], [row["source_line"] for row in rejects]) == ([1], [2])


def test_packed_records_that_are_cut_off_are_rejects(tmp_path: Path) -> None:
    documents = b"\n".join(json.dumps(ecs()).encode() for _ in range(50))
    lines = [json.dumps({"records": [packed(documents, cut)]}) for cut in (0, 1, 40)]
    sessions, rejects = outcome(write(tmp_path / "log", "\n".join(lines)))
    assert (len(sessions), [row["source_line"] for row in rejects]) == (50, [2, 3])


def test_an_object_of_blank_lines_is_read_in_one_go(tmp_path: Path) -> None:
    """Megabytes of them, whose every end could begin an object; reading them again from each would take days."""
    text = f'[\n{json.dumps(ecs())},\n{{"a":' + "\n" * 9_000_000 + json.dumps(ecs())
    sessions, rejects = outcome(write(tmp_path / "log", text))
    assert [row["source_line"] for row in sessions] == [2, 9_000_003]
    assert [row["source_line"] for row in rejects] == [3]
