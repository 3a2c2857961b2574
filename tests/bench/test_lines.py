"""Log lines of the benchmark say what the sessions say that they are made of."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.lines import PANOS_COLUMNS, write_lines
from bench.reference_logs import sessions_of
from bench.sessions import write_sessions
from bench.workload import Network
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.logs import ReadOptions, read_files
from common.windows import Windows

WINDOW = Windows.parse("2026-03-10T13:08Z")
N = 2_000
MORE = {"log_ts", "url_category", "app_category", "app_risk", "src_country", "dst_country", "device_name",
        "virtual_system"}  # fmt: skip
"""What lines say and the sessions do not."""


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    write_sessions(folder, Network(60), WINDOW, N)
    return folder


@pytest.fixture(scope="module", params=["csv", "json"])
def lines(request: pytest.FixtureRequest, sessions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    write_lines(sessions, folder, request.param)
    return folder


def test_the_reader_finds_the_same_sessions(sessions: Path, lines: Path) -> None:
    paths = [str(path) for path in lines.iterdir()]
    batches = [batch.sessions for batch in read_files(paths, ReadOptions(), 1)]
    names = [field.name for field in arrow_schema(SESSION_COLUMNS) if field.name not in MORE]
    found = pa.Table.from_batches(batches).select(names).sort_by("sequence_number")
    expected = pq.read_table(sessions).select(names)
    assert found.cast(expected.schema).equals(expected)


def test_duckdb_finds_the_same_sessions(sessions: Path, lines: Path) -> None:
    shared = (
        "event_type, subtype, epoch_us(start_ts), epoch_us(end_ts), duration_s, src_ip, dst_ip, dst_port, protocol, "
        "bytes_sent, bytes_received, packets_received, action, session_end_reason, app, session_id, device_serial, "
        "sequence_number, repeat_count"
    )
    connection = duckdb.connect()
    queries = (f"({sessions_of(lines)})", f"read_parquet('{sessions}/*.parquet')")
    found, expected = (connection.sql(f"SELECT {shared} FROM {query} ORDER BY ALL").fetchall() for query in queries)
    assert len(found) == N
    assert found == expected


def test_a_line_has_the_columns_of_its_release(sessions: Path, tmp_path: Path) -> None:
    write_lines(sessions, tmp_path, "csv")
    lines = (tmp_path / "part-00000.csv").read_text().splitlines()
    assert {line.count(",") for line in lines} == {PANOS_COLUMNS - 1}


def test_sessions_of_several_windows_end_in_them_and_are_told_apart(tmp_path: Path) -> None:
    two = Windows(WINDOW.start, WINDOW.end + (WINDOW.end - WINDOW.start))
    write_sessions(tmp_path, Network(60), two, 50)
    rows = [pq.read_table(path) for path in sorted(tmp_path.iterdir())]
    for window, part in zip(two, rows, strict=True):
        assert all(window.start <= end < window.end for end in part["end_ts"].to_pylist())
    assert pa.concat_tables(rows)["sequence_number"].to_pylist() == list(range(7_000_000_000, 7_000_000_100))
