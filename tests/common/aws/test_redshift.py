"""Statements in Redshift: literals, names, transactions, failures, time limits."""

from __future__ import annotations

import uuid

import pytest

from common.aws.redshift import columns_ddl, credentials, identifier, literal, run_statements
from common.config.redshift import RedshiftParameters
from common.contracts.types import Column
from common.errors import AwsError, ParameterError, RedshiftError
from tests.redshift import Query

pytestmark = pytest.mark.slow


@pytest.fixture
def table(redshift: RedshiftParameters) -> str:
    run_statements(redshift, [f"CREATE TABLE {redshift.schema_name}.names (name VARCHAR(64))"])
    return f"{redshift.schema_name}.names"


def test_texts_are_quoted_and_control_characters_refused() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("SELECT 'a'") == "'SELECT ''a'''"
    for text in ("a\\", "a\nb", "a\0", "\x1b"):
        with pytest.raises(RedshiftError, match="cannot be an SQL literal"):
            literal(text)


def test_names_are_quoted_and_checked() -> None:
    assert identifier("machine_inventory") == '"machine_inventory"'
    for name in ('a"b', "a b", "a;b", "", "1a", "a.b"):
        with pytest.raises(ParameterError):
            identifier(name)


def test_columns_are_declared_with_their_types() -> None:
    columns = (Column("a", "string", ""), Column("b", "string", "", null_when="unknown"), Column("c", "timestamp", ""))
    expected = '"a" VARCHAR(65535) NOT NULL, "b" VARCHAR(256), "c" TIMESTAMP NOT NULL'
    assert columns_ddl(columns, ["a"]) == expected


def test_the_role_of_the_project_gives_access_to_s3() -> None:
    role = "arn:aws:iam::123456789012:role/exchange"
    own, default = (
        RedshiftParameters(database="ndr", iam_role_arn=one, workgroup_name="ndr") for one in (role, "default")
    )
    assert credentials(own) == f"IAM_ROLE '{role}'"
    assert credentials(default) == "IAM_ROLE default"


def test_statements_take_effect_together(redshift: RedshiftParameters, table: str, query: Query) -> None:
    run_statements(redshift, [f"INSERT INTO {table} VALUES ('a')", f"INSERT INTO {table} VALUES ('it''s')"])
    run_statements(redshift, [f"DELETE FROM {table} WHERE name = 'a'"])
    assert query(f"SELECT name FROM {table}") == [["it's"]]


def test_a_failure_names_the_statement_and_undoes_the_others(
    redshift: RedshiftParameters, table: str, query: Query
) -> None:
    with pytest.raises(RedshiftError, match=r"INSERT INTO no_such_table.*failed in Redshift \(ndr, database ndr\)"):
        run_statements(redshift, [f"INSERT INTO {table} VALUES ('a')", "INSERT INTO no_such_table VALUES (1)"])
    assert query(f"SELECT name FROM {table}") == []
    with pytest.raises(RedshiftError, match="SELECT FROM WHERE"):
        run_statements(redshift, ["SELECT FROM WHERE"])


def test_a_token_runs_the_statements_once(redshift: RedshiftParameters, table: str, query: Query) -> None:
    statements, token = [f"INSERT INTO {table} VALUES ('a')", f"INSERT INTO {table} VALUES ('b')"], uuid.uuid4().hex
    run_statements(redshift, statements, token)
    run_statements(redshift, statements, token)
    assert query(f"SELECT count(*) FROM {table}") == [[2]]


def test_a_statement_that_takes_too_long_is_cancelled(redshift: RedshiftParameters, table: str, query: Query) -> None:
    run_statements(redshift, [f"INSERT INTO {table} VALUES {', '.join(['(1)'] * 100)}"])
    product = " CROSS JOIN ".join(f"{table} AS t{number}" for number in range(6))  # 10^12 rows
    hasty = redshift.model_copy(update={"statement_timeout_seconds": 0.5, "poll_seconds": 0.1})
    problem = r"did not finish DELETE .* within 0\.5 s; statement [0-9a-f-]+ was cancelled"
    with pytest.raises(RedshiftError, match=problem):
        total = "CAST(SUM(LENGTH(t0.name || t3.name || t5.name)) AS VARCHAR)"
        run_statements(hasty, [f"DELETE FROM {table} WHERE name IN (SELECT {total} FROM {product})"])
    assert query(f"SELECT count(*) FROM {table}") == [[100]]


def test_a_transaction_has_a_limit_of_statements(redshift: RedshiftParameters) -> None:
    with pytest.raises(RedshiftError, match="41 statements"):
        run_statements(redshift, ["SELECT 1"] * 41)


def test_a_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("common.aws.clients.CALL_ATTEMPTS", 1)
    with pytest.raises(AwsError, match=r"ndr, database dev.*SELECT 1.*127\.0\.0\.1:9"):
        run_statements(RedshiftParameters(database="dev", iam_role_arn="default", workgroup_name="ndr"), ["SELECT 1"])
