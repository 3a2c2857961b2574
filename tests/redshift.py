"""Databases and schemas of one's own in the local Redshift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from common.aws.redshift import run_statements
from common.config.redshift import RedshiftParameters
from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for

ROLE = "IAM_ROLE 'arn:aws:iam::000000000000:role/redshift'"
ENDED = ("FINISHED", "FAILED", "ABORTED")
Query = Callable[[str], list[list[Any]]]


class Database:
    """A database in the local Redshift."""

    def __init__(self, local: LocalAws, database: str) -> None:
        self.client = local.client("redshift-data")
        self.where = {"WorkgroupName": "ndr", "Database": database}

    def finish(self, identifier: str) -> dict[str, Any]:
        """The description of a statement that has ended."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_statement(Id=identifier)
            return found if found["Status"] in ENDED else None

        return dict(wait_for(ended))

    def run(self, sql: str, **members: Any) -> dict[str, Any]:
        """The description of the statement, after it has run."""
        return self.finish(self.client.execute_statement(Sql=sql, **self.where, **members)["Id"])

    def batch(self, *statements: str) -> dict[str, Any]:
        """The description of the statements, after they have run in one transaction."""
        return self.finish(self.client.batch_execute_statement(Sqls=list(statements), **self.where)["Id"])

    def do(self, *statements: str) -> None:
        """Runs statements that succeed."""
        done = self.batch(*statements)
        assert done["Status"] == "FINISHED", done

    def error(self, sql: str) -> str:
        """The error of a statement that fails."""
        done = self.run(sql)
        assert done["Status"] == "FAILED", done
        return str(done["Error"])

    def rows(self, sql: str, **members: Any) -> list[list[Any]]:
        """The rows of a query."""
        done = self.run(sql, **members)
        assert done["Status"] == "FINISHED", done
        found = self.client.get_statement_result(Id=done["Id"])["Records"]
        return [[None if "isNull" in value else next(iter(value.values())) for value in row] for row in found]


@pytest.fixture
def redshift(aws_environment: LocalAws) -> RedshiftParameters:
    """An empty schema of its own in the local Redshift."""
    schema = unique("t").replace("-", "")
    found = RedshiftParameters(database="ndr", iam_role_arn="default", workgroup_name="ndr", schema=schema)
    run_statements(found, [f"CREATE SCHEMA {schema}"])
    return found


@pytest.fixture
def query(aws_environment: LocalAws) -> Query:
    """Gives the rows of a query."""
    return Database(aws_environment, "ndr").rows
