"""What the local database cannot do, so that no statement of a load needs it; a test fails when it can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.errors import WarehouseError
from jobs.c360_warehouse.database import Warehouse, opened

CANNOT = {
    "roles": "CREATE ROLE loader",
    "grants": "GRANT SELECT ON TABLE facts TO ROLE loader",
    "warehouses": "CREATE WAREHOUSE compute",
    "integrations": "CREATE STORAGE INTEGRATION s3 TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE "
    "STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::1:role/c' STORAGE_ALLOWED_LOCATIONS = ('s3://lake/')",
    "tasks": "CREATE TASK load_it WAREHOUSE = compute SCHEDULE = '1 MINUTE' AS SELECT 1",
    "streams": "CREATE STREAM changes ON TABLE facts",
    "procedures": "CREATE PROCEDURE load_it() RETURNS VARCHAR LANGUAGE SQL AS $$BEGIN RETURN 'x'; END$$",
    "scripting": "EXECUTE IMMEDIATE 'SELECT 1'",
    "files as tables": "SELECT $1 FROM @staging/manifest.json",
    "exchange of tables": "ALTER TABLE facts SWAP WITH others",
    "nearest rows": "SELECT f.a FROM facts AS f ASOF JOIN others AS o MATCH_CONDITION (f.a >= o.a)",
    "sequences of a column": "CREATE TABLE numbered (a NUMBER DEFAULT warehouse.numbers.NEXTVAL)",
    "names of formats without quotes": "COPY INTO facts FROM @staging FILES = ('x') "
    "FILE_FORMAT = (FORMAT_NAME = parquet_files)",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("warehouse")
    with opened(folder) as found:
        for text in (
            "CREATE TABLE facts (a NUMBER)",
            "CREATE TABLE others (a NUMBER)",
            "CREATE SEQUENCE numbers",
            f"CREATE STAGE staging URL = 'file://{folder}/'",
            "CREATE FILE FORMAT parquet_files TYPE = PARQUET",
        ):
            found.execute(text)
        (folder / "manifest.json").write_text("{}")
        yield found


@pytest.mark.parametrize("name", CANNOT)
def test_the_local_database_cannot(name: str, warehouse: Warehouse) -> None:
    with pytest.raises((WarehouseError, AssertionError, NotImplementedError)):
        warehouse.execute(CANNOT[name])


def test_the_local_database_cannot_merge_in_a_transaction_that_wrote_before(warehouse: Warehouse) -> None:
    merge = "MERGE INTO facts USING others ON facts.a = others.a WHEN NOT MATCHED THEN INSERT (a) VALUES (others.a)"
    warehouse.execute("BEGIN TRANSACTION")
    try:
        warehouse.execute("DELETE FROM facts")
        with pytest.raises(WarehouseError, match="a single transaction can only write to a single attached database"):
            warehouse.execute(merge)
    finally:
        warehouse.execute("ROLLBACK")


def test_the_local_database_empties_a_table_before_it_reads_what_overwrites_it(warehouse: Warehouse) -> None:
    warehouse.execute("INSERT INTO facts VALUES (1)")
    warehouse.execute("INSERT OVERWRITE INTO facts SELECT a FROM facts")
    assert warehouse.execute("SELECT a FROM facts") == []  # in Snowflake, [{"a": 1}]
