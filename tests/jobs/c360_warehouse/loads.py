"""Loads of snapshots into a local warehouse, and what it holds then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.c360_warehouse.config import LoadConfig
from jobs.c360_warehouse.database import opened
from jobs.c360_warehouse.job import TABLES, run
from tests.jobs.c360_warehouse.snapshots import Snapshot

Rows = list[dict[str, Any]]


def load(folder: Path, *snapshots: Snapshot, least_resolved_share: float = 0.0, reload: bool = False) -> Path:
    """The folder of the database, after the snapshots are published and loaded one after another."""
    staging = folder / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    for snapshot in snapshots:
        run(LoadConfig(str(snapshot.write(staging)), folder / "warehouse", least_resolved_share, reload))
    return folder / "warehouse"


def ask(folder: Path, sql: str) -> Rows:
    """The rows of a query."""
    with opened(folder / "warehouse", read_only=True) as warehouse:
        return warehouse.execute(sql)


def contents(folder: Path) -> dict[str, Rows]:
    """The rows of each table, sorted."""
    with opened(folder / "warehouse", read_only=True) as warehouse:
        return in_order({table: warehouse.execute(f"SELECT * FROM {table}") for table in TABLES})


def in_order(tables: dict[str, Rows]) -> dict[str, Rows]:
    """The tables with their rows sorted, whatever the order of their columns."""
    return {
        name: sorted(({column: row[column] for column in sorted(row)} for row in rows), key=repr)
        for name, rows in tables.items()
    }
