"""Writes small log files, reads them with the detected format, and knows the session that most of them hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.logs import ParsedBatch, ReadOptions, find_logs, read_files

START = datetime(2026, 3, 3, 8, 9, 31, tzinfo=UTC)
Rows = list[dict[str, Any]]


def parse(path: Path, data: str | pa.Table, **options: Any) -> tuple[Rows, Rows, list[ParsedBatch]]:
    """Sessions, rejects and batches of a file whose format is detected."""
    file = path / "flows"
    if isinstance(data, str):
        file.write_bytes(data.encode())
    else:
        pq.write_table(data, file)
    given = ReadOptions(**options)
    batches = list(read_files(find_logs([str(file)], given).paths, given))
    return (
        [row for batch in batches for row in batch.sessions.to_pylist()],
        [reject for batch in batches for reject in batch.rejects.to_pylist()],
        batches,
    )


def one(path: Path, data: str | pa.Table, **options: Any) -> dict[str, Any]:
    (row,), rejects, _ = parse(path, data, **options)
    assert rejects == []
    return row


def reason(path: Path, data: str, **options: Any) -> str:
    rows, (reject,), _ = parse(path, data, **options)
    assert rows == []
    return str(reject["reason"])


def others(batches: list[ParsedBatch]) -> dict[str, int]:
    return {kind: number for batch in batches for kind, number in batch.others.items()}


def is_the_session(row: dict[str, Any], *, received: bool = True) -> bool:
    """Whether the row is the session of 43 s from 10.1.4.20 to 198.51.100.7."""
    endpoints = (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"], row["protocol"])
    assert endpoints == ("10.1.4.20", 51514, "198.51.100.7", 443, "tcp")
    assert (row["bytes_sent"], row["packets_sent"]) == (1870, 15)
    assert (row["bytes_received"], row["packets_received"]) == ((7250, 16) if received else (None, None))
    return (row["start_ts"] - START, row["duration_s"]) == (timedelta(0), 43.0)
