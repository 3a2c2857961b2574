"""Loads a snapshot into the local warehouse, with the statements of Snowflake's procedures and in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.c360.manifest import NAME as MANIFEST
from common.c360.manifest import read_manifest
from common.errors import NdrError, WarehouseError
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.storage.places import place
from common.storage.plain_paths import plain_path, temporary_base
from jobs.c360_warehouse.config import LoadConfig
from jobs.c360_warehouse.database import Warehouse, opened
from jobs.c360_warehouse.statements import declared_columns, statements

STAGE = "c360-warehouse"
TABLES = ("dim_customer", "dim_plan", "fact_activity", "fact_activity_unresolved", "customer_360")
Fetch = Callable[[str], None]


def run(config: LoadConfig) -> None:
    """Loads the published snapshot, unless it is loaded, and prints the run report.

    Raises:
        InputError: there is no snapshot.
        WarehouseError: the snapshot is refused, and the warehouse is as it was; or another process has it open.
    """
    report = RunReport(STAGE)
    content = Folder(config.staging_uri).read(MANIFEST)
    manifest = read_manifest(content, f"{config.staging_uri}/{MANIFEST}")
    with opened(config.database) as warehouse, _staged(config.staging_uri, content) as (folder, fetch):
        prepare(warehouse, folder, config.least_resolved_share)
        before = _rows(warehouse)
        if config.reload:
            warehouse.execute(statements("reload")[0].text)
        try:
            outcomes = [_called(name, warehouse, fetch, report) for name in ("stage_snapshot", "publish_snapshot")]
        finally:
            _called("finish_load", warehouse, fetch, report)
        after = _rows(warehouse)
        report.details |= {
            "run": manifest.run_id,
            "as_of": str(manifest.as_of),
            "outcome": outcomes[0] or "loaded",
            "rows_before": before,
            "unresolved": _unresolved(warehouse),
        }
    report.rows_in = 0 if outcomes[0] else sum(table.rows for table in manifest.tables.values())
    report.rows_out = sum(after.values())
    report.details["rows"] = after
    report.show()


def prepare(warehouse: Warehouse, staging: Path, least_resolved_share: float = 0.95) -> None:
    """Makes the tables that are not there, and a stage that reads the local folder.

    Raises:
        WarehouseError: a table that was there lacks a column.
    """
    warehouse.execute(f"CREATE OR REPLACE STAGE staging URL = 'file://{staging}/'")
    for statement in statements("tables"):
        warehouse.execute(statement.filled({"least_resolved_share": str(least_resolved_share)}))
    found = warehouse.execute("SELECT table_name, column_name FROM information_schema.columns")
    there = {(row["table_name"].lower(), row["column_name"].lower()) for row in found}
    for table, column in declared_columns("tables"):
        if (table, column) not in there:
            raise WarehouseError(
                f"table {table} lacks column {column}: an earlier release has made it",
                "Load the snapshots of all days into a new --database; c360-staging --as-of makes each again",
            )


def call(name: str, warehouse: Warehouse, fetch: Fetch) -> str | None:
    """What a procedure returns early, or None: executes its statements in order.

    Raises:
        WarehouseError: a statement fails, or refuses the snapshot; both are logged.
    """
    try:
        return _executed(name, warehouse, fetch)
    except NdrError as error:
        if name != "finish_load":
            for statement in statements("failure"):
                bound = {"reason": error.problem} if ":reason" in statement.text else None
                warehouse.execute(statement.text, bound)
        raise


def _executed(name: str, warehouse: Warehouse, fetch: Fetch) -> str | None:
    batches: list[dict[str, Any]] = []
    for statement in statements(name):
        match statement.kind:
            case "return_if":
                outcome: str | None = warehouse.value(statement.text)
                if outcome is not None:
                    return outcome
            case "fail_if":
                reason = warehouse.value(statement.text)
                if reason is not None:
                    raise WarehouseError(str(reason), "The warehouse is as it was; see load_log")
            case "for_each":
                batches = warehouse.execute(statement.text)
            case "copy":
                for batch in batches:
                    fetch(batch["file_names"])
                    warehouse.execute(statement.filled(batch))
            case "run":
                warehouse.execute(statement.text)
    return None


def _called(name: str, warehouse: Warehouse, fetch: Fetch, report: RunReport) -> str | None:
    with report.step(name):
        return call(name, warehouse, fetch)


@contextmanager
def _staged(uri: str, manifest: bytes) -> Iterator[tuple[Path, Fetch]]:
    """The local folder of a snapshot, and what brings files there: those of S3 are copied when they are needed."""
    if not uri.startswith("s3://"):
        yield Path(plain_path(uri)), lambda names: None
        return
    with place(temporary_base(), STAGE) as folder:
        (folder / MANIFEST).write_bytes(manifest)

        def fetch(names: str) -> None:
            for name in names.strip("'").split("', '"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(Folder(uri).read(name))

        yield folder, fetch


def _rows(warehouse: Warehouse) -> dict[str, int]:
    return {table: warehouse.value(f"SELECT COUNT(*) AS row_count FROM {table}") for table in TABLES}


def _unresolved(warehouse: Warehouse) -> dict[str, int]:
    rows = warehouse.execute(
        "SELECT reason, COUNT(*) AS row_count FROM fact_activity_unresolved GROUP BY reason ORDER BY reason"
    )
    return {row["reason"]: row["row_count"] for row in rows}
