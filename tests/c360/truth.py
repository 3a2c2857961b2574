"""The truth of a simulated scenario, and the warehouse as it is, in a form in which they can be compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jobs.c360_warehouse.database import opened

TABLES = ("dim_customer", "dim_plan", "fact_activity", "fact_activity_unresolved", "customer_360", "plan_history")
Rows = list[dict[str, Any]]


def of_scenario(folder: Path, names: Iterable[str] = TABLES) -> dict[str, Rows]:
    """The tables of the folder `truth`."""
    return {name: _comparable(map(json.loads, (folder / "truth" / f"{name}.ndjson").open())) for name in names}


def of_warehouse(database: Path, names: Iterable[str] = TABLES) -> dict[str, Rows]:
    """The tables of a local warehouse."""
    with opened(database, read_only=True) as warehouse:
        return {name: _comparable(warehouse.execute(f"SELECT * FROM {name}")) for name in names}


def _comparable(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows in an order that does not depend on the table's: times as texts, payloads as values."""
    found = [{name: _value(name, value) for name, value in sorted(row.items())} for row in rows]
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def _value(name: str, value: Any) -> Any:
    if name == "payload":
        return json.loads(value) if isinstance(value, str) else value
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return str(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


if __name__ == "__main__":  # for an environment without the local warehouse
    json.dump(of_warehouse(Path(sys.argv[1])), sys.stdout)
