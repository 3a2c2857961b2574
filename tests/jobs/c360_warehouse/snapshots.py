"""Staging snapshots made by hand, with the documents that the jobs share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.c360.datasets import STAGING
from common.c360.manifest import NAME, ParquetFile, SnapshotManifest, StagedTable, manifest_json
from common.c360.zones import run_folder
from common.contracts.types import arrow_schema

Row = Mapping[str, Any]


def day(number: int) -> date:
    """A day of January 2025."""
    return date(2025, 1, number)


def moment(number: int, hour: int = 12) -> datetime:
    """An hour of a day of January 2025."""
    return datetime(2025, 1, number, hour, tzinfo=UTC)


def customer(customer_id: str = "C1", **others: Any) -> Row:
    """A customer since 1 December 2024."""
    return {
        "customer_id": customer_id,
        "first_name": "Ada",
        "state": "Lagos",
        "country": "NG",
        "registration_date": date(2024, 12, 1),
        "plan_id": "P1",
        "status": "active",
    } | others


def plan(plan_id: str = "P1", **others: Any) -> Row:
    """A plan of 10.00 NGN."""
    return {
        "plan_id": plan_id,
        "plan_name": f"Plan {plan_id}",
        "monthly_price": Decimal("10.00"),
        "currency": "NGN",
    } | others


def event(event_id: str = "E1", **others: Any) -> Row:
    """A data session of C1, at noon of 1 January."""
    return {
        "event_id": event_id,
        "customer_id": "C1",
        "event_type": "data_session",
        "event_timestamp": moment(1),
        "plan_id": "P1",
        "mb_used": 1.5,
        "payload": '{"mb_used": 1.5}',
    } | others


def in_force(customer_id: str = "C1", plan_id: str | None = "P1", **others: Any) -> Row:
    """An interval of the plan history, from December on."""
    start = datetime(2024, 12, 1, tzinfo=UTC)
    return {
        "customer_id": customer_id,
        "plan_id": plan_id,
        "valid_from": start,
        "valid_to": None,
        "source": "registration",
        "is_conflict": False,
    } | others


@dataclass(frozen=True)
class Snapshot:
    """What a run of c360-staging publishes; by default the customers and plans are those of the as-of date."""

    as_of: date
    customers: Sequence[Row] = (customer(),)
    plans: Sequence[Row] = (plan(),)
    events: Sequence[Row] = ()
    plan_history: Sequence[Row] | None = None
    customers_date: date | None = None
    plans_date: date | None = None
    files: int = 1
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """Another one for another snapshot."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    @property
    def tables(self) -> dict[str, tuple[date | None, list[dict[str, Any]]]]:
        """The business date and the rows of each table."""
        at, plans_at = self.customers_date or self.as_of, self.plans_date or self.as_of
        history = self.plan_history
        if history is None:
            history = [in_force(row["customer_id"], row["plan_id"]) for row in self.customers]
        return {
            "customers": (at, [{"business_date": at, **row} for row in self.customers]),
            "plans": (plans_at, [{"business_date": plans_at, **row} for row in self.plans]),
            "activity_logs": (None, [{"business_date": row["event_timestamp"].date(), **row} for row in self.events]),
            "plan_history": (None, [dict(row) for row in history]),
        }

    def write(self, staging: Path) -> Path:
        """The folder, with the files and the manifest."""
        tables = {name: self._table(staging, name, at, rows) for name, (at, rows) in self.tables.items()}
        manifest = SnapshotManifest(self.run_id, self.as_of, tables)
        (staging / NAME).write_bytes(manifest_json(manifest))
        return staging

    def _table(self, staging: Path, name: str, at: date | None, rows: list[dict[str, Any]]) -> StagedTable:
        schema = pa.schema([field.with_nullable(True) for field in arrow_schema(STAGING[name])])
        files = []
        for part in range(self.files):
            path = f"{run_folder(name, self.run_id)}/part-{part:05}-of-{self.files}.parquet"
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            own = rows[part :: self.files]
            pq.write_table(pa.Table.from_pylist(own, schema), staging / path)
            content = (staging / path).read_bytes()
            files.append(ParquetFile(path, len(own), len(content), hashlib.sha256(content).hexdigest()))
        return StagedTable(self.overrides.get(name, len(rows)), tuple(files), at)
