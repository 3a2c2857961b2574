"""Each check finds what it looks for; most cannot happen but by a fault of another job or of these statements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.c360_warehouse.database import Warehouse, opened
from jobs.c360_warehouse.job import prepare
from jobs.c360_warehouse.statements import statements

pytestmark = pytest.mark.slow

FILES = (("plans", 2), ("logs", 1003))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse with empty tables, of the run R as of 3 January, and a manifest of no rows."""
    folder = tmp_path_factory.mktemp("checks")
    with opened(folder) as warehouse:
        prepare(warehouse, folder)
        for statement in statements("stage_snapshot"):
            if "_new_" in statement.name:
                warehouse.execute(statement.text)
        warehouse.execute(
            "INSERT INTO load_run (run_id, as_of, customers_date) VALUES ('R', '2025-01-03', '2025-01-02')"
        )
        yield warehouse


@pytest.mark.slow
def test_the_tables_of_the_manifest_must_have_its_rows(prepared: Warehouse) -> None:
    prepared.execute(
        """INSERT INTO load_manifest SELECT PARSE_JSON('{"format": 1, "tables": {"customers": {"rows": 0, "files": []},
        "plans": {"rows": 2, "files": []}, "activity_logs": {"rows": 0, "files": [{"name": "it''s"}]}}}')"""
    )
    assert problems(prepared, "160_check_manifest") == ["manifest.json has the file name it's"]
    assert problems(prepared, "510_check_rows") == [
        "plan_history has 0 rows, and none in the manifest",
        "plans has 0 rows, and 2 in the manifest",
    ]
    prepared.execute("""UPDATE load_manifest SET document = PARSE_JSON('{"format": 2}')""")
    assert problems(prepared, "160_check_manifest") == ["manifest.json has format 2, not 1"]
    prepared.execute("DELETE FROM load_manifest")


def test_a_statement_copies_at_most_a_thousand_files(prepared: Warehouse) -> None:
    (for_each,) = (found for found in statements("stage_snapshot") if found.kind == "for_each")
    plans, logs = ({"files": [{"name": f"{name}/{number:04}"} for number in range(count)]} for name, count in FILES)
    document = json.dumps({"tables": {"plans": plans, "logs": logs}})
    prepared.execute(f"INSERT INTO load_manifest SELECT PARSE_JSON('{document}')")
    batches = prepared.execute(for_each.text)
    prepared.execute("DELETE FROM load_manifest")
    assert [(batch["staged_table"], batch["file_names"].count(",") + 1) for batch in batches] == [
        ("staged_logs", 1000),
        ("staged_logs", 3),
        ("staged_plans", 2),
    ]
    assert batches[2]["file_names"] == "'plans/0000', 'plans/0001'"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "table", "rows", "problem"),
    [
        ("160_check_manifest", "load_run (run_id)", "('R2')", "manifest.json has no run or no as-of date"),
        ("520_check_keys", "staged_plans (plan_id)", "('P1'), ('P1'), ('P2')",
         "plans has 1 keys that are null or not unique, like P1"),
        ("520_check_keys", "staged_activity_logs (event_id)", "(NULL)",
         "activity_logs has 1 keys that are null or not unique, like null"),
        ("520_check_keys", "staged_plan_history (customer_id, valid_from)",
         "('C1', '2025-01-01'), ('C1', '2025-01-01')",
         "plan_history has 1 keys that are null or not unique, like C1 2025-01-01 00:00:00"),
        ("530_check_values", "staged_customers (customer_id, business_date)", "('C1', '2025-01-01')",
         "customers.business_date is not that of the manifest in 1 rows, like C1"),
        ("530_check_values", "staged_plans (plan_id, monthly_price)", "('P1', -0.01), ('P2', 0)",
         "plans has a negative price or allowance in 1 rows, like P1"),
        ("530_check_values", "staged_activity_logs (event_id, customer_id, event_type, event_timestamp, business_date, "
         "mb_used)", "('E1', 'C1', 'data_session', '2025-01-01', '2025-01-01', -1)",
         "activity_logs has a negative usage in 1 rows, like E1"),
        ("530_check_values", "staged_activity_logs (event_id, customer_id, event_type, event_timestamp, business_date)",
         "('E1', 'C1', 'login', '2025-01-01', '2025-01-04')",
         "business_date is after the as-of date in 1 rows, like E1"),
        ("530_check_values", "staged_activity_logs (event_id, customer_id, event_type, business_date)",
         "('E1', 'C1', 'login', '2025-01-01')", "activity_logs lacks a customer, type or time in 1 rows, like E1"),
        ("540_check_plan_history", "staged_plan_history (customer_id, valid_from, valid_to)",
         "('C1', '2025-01-01', '2025-01-03'), ('C1', '2025-01-02', NULL)",
         "plan_history has 1 intervals that overlap or do not end after they begin, like C1"),
        ("510_check_customer_versions", "dim_customer (customer_sk, customer_id, valid_from, valid_to)",
         "('S1', 'C1', '2025-01-01', NULL), ('S2', 'C1', '2025-01-02', NULL)",
         "dim_customer has 1 versions that overlap or do not end after they begin, like C1"),
        ("520_check_plan_versions", "dim_plan (plan_sk, plan_id, valid_from, valid_to)",
         "('S1', 'P1', '2025-01-02', '2025-01-02')",
         "dim_plan has 1 versions that overlap or do not end after they begin, like P1"),
        ("530_check_facts", "activity (event_id, customer_id, event_type, event_timestamp, business_date, as_of)",
         "('E1', 'C1', 'login', '2025-01-01', '2025-01-01', '2025-01-01')", "of 1 events, 0 are facts and 0 are not"),
        ("540_check_references", "fact_activity (event_id, customer_sk, customer_id, plan_sk, plan_id, event_type, "
         "event_timestamp, event_date)", "('E1', 'S1', 'C1', 'S1', 'P1', 'login', '2025-01-01', '2025-01-01')",
         "1 facts refer to a version that is not there, like E1"),
        ("550_check_share", "activity (event_id, customer_id, event_type, event_timestamp, business_date, as_of)",
         "('E1', 'C1', 'login', '2025-01-01', '2025-01-01', '2025-01-01')",
         "0 of 1 events are resolved to a customer and a plan, less than the share 0.95"),
        ("560_check_customers", "dim_customer (customer_sk, customer_id, valid_from)", "('S1', 'C1', '2025-01-01')",
         "customer_360 has 0 rows of 1 customers"),
    ],
)  # fmt: skip
def test_a_check_finds_what_it_looks_for(prepared: Warehouse, check: str, table: str, rows: str, problem: str) -> None:
    name = table.partition(" ")[0]
    assert problems(prepared, check) == []
    try:
        prepared.execute(f"INSERT INTO {table} VALUES {rows}")
        assert problem in problems(prepared, check)
    finally:
        prepared.execute(f"DELETE FROM {name}" + (" WHERE as_of IS NULL" if name == "load_run" else ""))


def test_each_check_is_tested() -> None:
    checks = [found.name for folder in ("stage_snapshot", "publish_snapshot") for found in statements(folder)]
    source = Path(__file__).read_text("utf-8")
    assert [name for name in checks if "_check_" in name and f'"{name}"' not in source] == []


def problems(warehouse: Warehouse, check: str) -> list[str]:
    """What the check says of the tables as they are."""
    found = [*statements("stage_snapshot"), *statements("publish_snapshot")]
    (text,) = {statement.text for statement in found if statement.name == check}
    warehouse.execute("DELETE FROM load_problem")
    warehouse.execute(text)
    return [row["problem"] for row in warehouse.execute("SELECT problem FROM load_problem ORDER BY problem")]
