from __future__ import annotations

import re

import pytest

from common.c360.datasets import CUSTOMERS, PLANS, STAGING
from common.contracts.types import Column
from jobs.c360_warehouse.statements import SQL, Statement, statements

TYPES = {
    "string": "VARCHAR",
    "long": "NUMBER(38, 0)",
    "double": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP_NTZ(6)",
    "date": "DATE",
    "decimal(12,2)": "NUMBER(12, 2)",
}
BASE = {
    "customers": "customer_snapshots",
    "plans": "plan_snapshots",
    "activity_logs": "activity",
    "plan_history": "plan_history",
}


def columns(folder: str, table: str) -> dict[str, str]:
    """The columns of a table with their types, as its statement declares them."""
    (text,) = {
        found.text for found in statements(folder) if re.search(rf"TABLE (IF NOT EXISTS )?{table} \(", found.text)
    }
    return dict(re.findall(r"^    (\w+) (.+?),?$", text, re.MULTILINE))


def declared(found: tuple[Column, ...], with_nulls: bool) -> dict[str, str]:
    return {
        column.name: TYPES[column.type] + ("" if column.nullable or not with_nulls else " NOT NULL") for column in found
    }


@pytest.mark.parametrize("table", STAGING)
def test_the_tables_have_the_columns_of_a_snapshot(table: str) -> None:
    assert columns("stage_snapshot", f"staged_{table}") == declared(STAGING[table], with_nulls=False)
    as_of = {} if table == "plan_history" else {"as_of": "DATE NOT NULL"}
    assert columns("tables", BASE[table]) == declared(STAGING[table], with_nulls=True) | as_of


@pytest.mark.parametrize(("table", "dataset"), [("dim_customer", CUSTOMERS), ("dim_plan", PLANS)])
def test_all_columns_of_a_dimension_are_tracked(table: str, dataset: object) -> None:
    names = {column.name for column in (CUSTOMERS if dataset is CUSTOMERS else PLANS).columns}
    assert set(columns("tables", table)) == names | {f"{table.removeprefix('dim_')}_sk", "valid_from", "valid_to"}
    (text,) = (found.text for found in statements("publish_snapshot") if f"INTO {table} (" in found.text)
    before, after = re.search(r"starts AS \((.*?)EXCEPT(.*?)\n\)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    assert all(f" {name}," in before and f" s.{name}," in after for name in names)


def test_a_file_is_one_statement_with_a_number_of_its_own() -> None:
    for folder in (path for path in SQL.iterdir() if path.is_dir()):
        found = statements(folder.name)
        numbers = [statement.name.partition("_")[0] for statement in found]
        assert found and numbers == sorted(set(numbers)), folder
        assert not [statement.name for statement in found if ";" in statement.text.replace("'; '", "")], folder


def test_the_name_of_a_file_says_what_its_result_means() -> None:
    names = ("180_return_if_loaded", "170_fail_if_problems", "410_for_each_batch", "420_copy_batch", "110_no_problem")
    assert [Statement(name, "").kind for name in names] == ["return_if", "fail_if", "for_each", "copy", "run"]
