"""A schema of one's own in the local Redshift, and queries of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.redshift import run_statements
from common.config.redshift import RedshiftParameters
from localaws.cli.process import LocalAws

Query = Callable[[str], list[list[Any]]]


@pytest.fixture
def redshift(aws_environment: LocalAws) -> RedshiftParameters:
    """A schema of its own in the local Redshift, empty."""
    schema = f"t{uuid.uuid4().hex[:12]}"
    found = RedshiftParameters(database="ndr", iam_role_arn="default", workgroup_name="ndr", schema=schema)
    run_statements(found, [f"CREATE SCHEMA {schema}"])
    return found


@pytest.fixture
def query(aws_environment: LocalAws) -> Query:
    """The rows of a query."""
    api = aws_environment.client("redshift-data")

    def rows(sql: str) -> list[list[Any]]:
        started = api.execute_statement(Sql=sql, Database="ndr", WorkgroupName="ndr")
        while (found := api.describe_statement(Id=started["Id"]))["Status"] not in ("FINISHED", "FAILED"):
            pass
        assert found["Status"] == "FINISHED", found
        records = api.get_statement_result(Id=started["Id"])["Records"]
        return [[None if "isNull" in value else next(iter(value.values())) for value in record] for record in records]

    return rows
