"""Archives of local files, and what the job makes of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.c360.partitions import read_partition
from common.storage.files import Folder
from jobs.c360_clean.cli import main
from tests.commands import call
from tests.types import Run

DAY = "2025-01-02"
DELIVERED = datetime(2025, 1, 2, 6, 30, 0, 250_000, UTC)
EVENT = {
    "event_id": "e1", "customer_id": "C1", "event_type": "Login", "event_timestamp": "2025-01-02T03:04:05Z",
    "device_type": "iOS", "ip_address": "10.0.0.1", "network_type": "5G", "payload": {},
}  # fmt: skip
CUSTOMER = {
    "customer_id": "C1", "first_name": " Ada ", "last_name": "", "email": " Ada@Example.COM", "phone": "0803 123 4567",
    "gender": "F", "date_of_birth": "1990-02-28", "address": "1 Road", "state": "Lagos", "country": "Nigeria",
    "registration_date": "2024-05-06", "registration_channel": "Web", "plan_id": "P001", "status": "Active",
}  # fmt: skip
HEADER = "plan_id,plan_name,monthly_price,data_allowance_gb,voice_minutes,sms_allowance,roaming_enabled,validity_days"


def lines(*rows: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def events(number: int, **values: Any) -> bytes:
    """So many events, with these values in each."""
    return lines(*(EVENT | {"event_id": f"e{at}"} | values for at in range(number)))


@dataclass(frozen=True)
class Zones:
    """The archive and the clean zone."""

    folder: Path

    def put(self, dataset: str, content: bytes, name: str = "f", day: str = DAY) -> Path:
        path = self.folder / "archive" / dataset / day / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (DELIVERED.timestamp(), DELIVERED.timestamp()))
        return path

    def clean(self, *arguments: object, day: str = DAY) -> Run:
        """Exit code, details of the run report, and stderr."""
        (self.folder / "archive").mkdir(exist_ok=True)
        options = ("--archive", self.folder / "archive", "--clean", self.folder / "clean", "--load-date", day)
        code, output, error = call(main, *map(str, (*options, "--processes", 1, *arguments)))
        report = json.loads(output) if code == 0 else {}
        return code, report | report.get("details", {}), error

    def rows(self, dataset: str, day: str = DAY) -> list[dict[str, Any]]:
        """The rows that readers of the partition see."""
        return self.table(dataset, day).to_pylist()  # type: ignore[no-any-return]

    def table(self, dataset: str, day: str = DAY) -> pa.Table:
        partition = read_partition(Folder(str(self.folder / "clean")), dataset, date.fromisoformat(day))
        assert partition is not None
        return pa.concat_tables([pq.read_table(self.folder / "clean" / name) for name in partition.names])

    def rejects(self, dataset: str, day: str = DAY) -> list[dict[str, Any]]:
        path = self.folder / f"clean/rejects/{dataset}/load_date={day}.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def files(self) -> list[str]:
        """All files of the clean zone, also hidden ones."""
        clean = self.folder / "clean"
        return sorted(str(path.relative_to(clean)) for path in clean.rglob("*") if path.is_file())
