"""Clean zones for tests, and what is read of the staging zone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.c360.datasets import DATASETS
from common.c360.manifest import ParquetFile, SnapshotManifest, read_manifest
from common.c360.partitions import Partition, publish
from common.c360.zones import load_folder
from common.storage.files import Folder
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.job import run
from tests.conftest import ENGINE

DAY = date(2026, 3, 1)
Row = dict[str, Any]
DEFAULTS: Mapping[str, Row] = {
    "customers": {"plan_id": "P1", "registration_date": None, "status": "active"},
    "plans": {"plan_name": "Basic"},
    "activity_logs": {"customer_id": "C1", "event_type": "login"},
}


def day(number: int) -> date:
    """The day of that number; the first is 1."""
    return DAY + timedelta(days=number - 1)


def moment(number: int, hour: float = 0) -> datetime:
    """A time of the day of that number, in UTC."""
    return datetime.combine(day(number), datetime.min.time(), UTC) + timedelta(hours=hour)


def change(event_id: str, when: datetime, old: str | None, new: str | None, **others: Any) -> Row:
    """A `plan_changed` event of C1."""
    row = {"event_id": event_id, "event_timestamp": when, "event_type": "plan_changed"}
    return row | {"old_plan_id": old, "new_plan_id": new} | others


def deliver(clean: Path, dataset: str, number: int, *files: Sequence[Row], at: float = 30) -> None:
    """Replaces the partition of a day: each file is delivered an hour after the one before, the first at `at` hours."""
    schema = DATASETS[dataset].arrow
    folder = clean / load_folder(dataset, day(number))
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for place, rows in enumerate(files):
        source = {"source_file": f"{day(number)}/file-{place}", "file_time": moment(number, at + place)}
        full = [
            dict.fromkeys(schema.names)
            | DEFAULTS[dataset]
            | source
            | {"source_line": line, "row_hash": hashed(row)}
            | row
            for line, row in enumerate(rows, 1)
        ]
        table = pa.Table.from_pylist(full, schema)
        content = pa.BufferOutputStream()
        pq.write_table(table, content)
        data = content.getvalue().to_pybytes()
        digest = hashlib.sha256(data).hexdigest()
        (folder / f"part-{digest}.parquet").write_bytes(data)
        parts.append(ParquetFile(f"part-{digest}.parquet", len(table), len(data), digest))
    publish(Folder(str(clean)), Partition(dataset, day(number), tuple(parts), ()))


def hashed(row: Row) -> str:
    """The hash of a row as its source wrote it."""
    return hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()


def stage(zones: Path, number: int, **options: Any) -> None:
    """Runs the job as of a day, from `clean` to `staging`."""
    run(StagingConfig(str(zones / "clean"), str(zones / "staging"), day(number), ENGINE, **options))


def manifest_of(zones: Path) -> SnapshotManifest:
    """The manifest that is published."""
    place = zones / "staging/manifest.json"
    return read_manifest(place.read_bytes(), str(place))


def table(zones: Path, name: str) -> list[Row]:
    """The rows of a published table in the order of their first columns, after checking its files."""
    return rows_of(zones / "staging", manifest_of(zones), name)


def rows_of(staging: Path, manifest: SnapshotManifest, name: str) -> list[Row]:
    """The rows of a table of a snapshot in order, after checking its files."""
    found: list[Row] = []
    for file in manifest.tables[name].files:
        content = (staging / file.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
        assert len(rows) == file.rows
        found += rows
    assert len(found) == manifest.tables[name].rows
    return sorted(found, key=lambda row: [str(value) for value in row.values()])
