from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.c360_warehouse.cli import main
from tests.commands import call, error_lines
from tests.jobs.c360_warehouse.snapshots import Snapshot, customer, day, event


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with two customers, of which the first has two address ranges, and one event."""
    folder = tmp_path_factory.mktemp("c360")
    (folder / "staging").mkdir()
    snapshot = Snapshot(day(2), [customer(ip_ranges="10.0.0.0/24,10.1.0.0/24"), customer("C2")], events=[event()])
    code, output, _ = call(
        main, "run", "--staging", snapshot.write(folder / "staging"), "--database", folder / "warehouse"
    )
    assert code == 0
    report = json.loads(output)
    assert report["details"]["rows"] == {
        "dim_customer": 2,
        "dim_plan": 1,
        "fact_activity": 1,
        "fact_activity_unresolved": 0,
        "customer_360": 2,
    }
    assert (report["details"]["as_of"], report["details"]["unresolved"]) == ("2025-01-02", {})
    return folder / "warehouse"


@pytest.mark.slow
def test_a_query_prints_an_array_of_objects(database: Path) -> None:
    sql = (
        "SELECT customer_id, valid_from, valid_to, COUNT(*) OVER () AS customers, 1.5::NUMBER(3, 1) AS price "
        "FROM dim_customer ORDER BY customer_id LIMIT 1"
    )
    code, output, _ = call(main, "query", "--database", database, "--json", sql)
    assert (code, json.loads(output)) == (
        0,
        [{"customer_id": "C1", "valid_from": "2024-12-01", "valid_to": None, "customers": 2, "price": 1.5}],
    )
    assert call(main, "query", "--database", database, "--json", "SELECT 1 AS a WHERE FALSE")[1] == "[]\n"


@pytest.mark.parametrize("sql", ["DELETE FROM dim_customer", "SELECT nothing FROM dim_customer", "SELEKT 1"])
def test_a_query_changes_nothing_and_its_failure_is_one_line(sql: str, database: Path) -> None:
    code, _, error = call(main, "query", "--database", database, "--json", sql)
    assert code == 1
    (line,) = error_lines(error)
    assert line.startswith(f"error: the statement {sql!r} fails: ")
    assert line.endswith(
        ". Correct it; SHOW TABLES and DESCRIBE TABLE <name> say what is there, and nothing can be changed"
    )


def test_the_remedy_for_a_query_that_fails_works(database: Path) -> None:
    tables = json.loads(call(main, "query", "--database", database, "--json", "SHOW TABLES")[1])
    assert {"DIM_CUSTOMER", "FACT_ACTIVITY"} <= {table["name"] for table in tables}
    columns = json.loads(call(main, "query", "--database", database, "--json", "DESCRIBE TABLE dim_plan")[1])
    assert columns[0]["name"] == "PLAN_SK"


@pytest.mark.parametrize("name", ["ranges.csv", "ranges.parquet"])
def test_the_ranges_of_current_customers_are_exported(name: str, database: Path, tmp_path: Path) -> None:
    code, output, _ = call(main, "export-ranges", "--database", database, "--out", tmp_path / name)
    assert (code, output) == (0, "ranges written: 2\n")
    path = tmp_path / name
    rows = pq.read_table(path).to_pylist() if path.suffix == ".parquet" else list(csv.DictReader(path.open()))
    assert rows == [
        {"ip_range": "10.0.0.0/24", "customer_id": "C1", "plan_id": "P1", "region": "Lagos"},
        {"ip_range": "10.1.0.0/24", "customer_id": "C1", "plan_id": "P1", "region": "Lagos"},
    ]


def test_ranges_of_another_format_are_refused(database: Path, tmp_path: Path) -> None:
    code, _, error = call(main, "export-ranges", "--database", database, "--out", tmp_path / "ranges.txt")
    assert (code, error_lines(error)) == (
        1,
        [f"error: {tmp_path / 'ranges.txt'} is neither .csv nor .parquet. Name a file of one of these formats"],
    )


def test_render_writes_the_scripts_and_warns_of_example_values(tmp_path: Path) -> None:
    code, output, error = call(main, "render", "--out", tmp_path, "--staging", "s3://lake/staging/")
    names = ["1_account.sql", "2_tables.sql", "3_procedures.sql", "4_tasks.sql"]
    assert (code, output.split()) == (0, [str(tmp_path / name) for name in names])
    assert "URL = 's3://lake/staging/'" in (tmp_path / "2_tables.sql").read_text()
    assert error_lines(error) == [
        "warning: arn:aws:iam::123456789012:role/c360-snowflake is an example: give --aws-role-arn"
    ]
