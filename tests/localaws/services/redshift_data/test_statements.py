"""The Redshift Data API: statements, transactions, results."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.services.redshift_data.redshift import Redshift
from tests.localaws.services.stepfunctions.machines import machine
from tests.redshift import ROLE

pytestmark = pytest.mark.slow


def test_values_have_their_types(redshift: Redshift) -> None:
    redshift.do(
        "CREATE TABLE public.t (i BIGINT NOT NULL ENCODE az64, d DECIMAL(10,2), f DOUBLE PRECISION, b BOOLEAN, "
        "s VARCHAR(MAX), at TIMESTAMP, PRIMARY KEY (i)) DISTSTYLE KEY DISTKEY (i) COMPOUND SORTKEY (at)",
        "INSERT INTO t VALUES (1, 2.5, 0.5, TRUE, 'x', '2026-03-10 13:08:00'), (1, NULL, NULL, NULL, NULL, NULL)",
    )
    done = redshift.run("SELECT i, d, f, b, s, at, 7 / 2 AS Half FROM t ORDER BY d")
    assert (done["HasResultSet"], done["ResultRows"]) == (True, 2)
    result = redshift.client.get_statement_result(Id=done["Id"])
    assert [column["name"] for column in result["ColumnMetadata"]] == ["i", "d", "f", "b", "s", "at", "half"]
    assert [column["typeName"] for column in result["ColumnMetadata"]] == [
        "int8",
        "numeric",
        "float8",
        "bool",
        "varchar",
        "timestamp",
        "int4",
    ]
    assert result["Records"][0] == [
        {"longValue": 1},
        {"stringValue": "2.50"},
        {"doubleValue": 0.5},
        {"booleanValue": True},
        {"stringValue": "x"},
        {"stringValue": "2026-03-10 13:08:00"},
        {"longValue": 3},
    ]
    assert result["Records"][1][1:6] == [{"isNull": True}] * 5
    assert result["TotalNumRows"] == 2


def test_parameters_are_filled_in_and_checked(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT, s VARCHAR(10))", "INSERT INTO t VALUES (1, 'it''s'), (2, 'b')")
    given = [{"name": "s", "value": "it's"}, {"name": "i", "value": "1"}]
    assert redshift.rows("SELECT i FROM t WHERE s = :s AND i = :i AND i::int > 0", Parameters=given) == [[1]]
    for parameters, problem in ([], "missing parameters: s"), ([*given[:1], given[1]], "unused parameters: i"):
        with pytest.raises(ClientError, match=problem):
            redshift.run("SELECT i FROM t WHERE s = :s", **({"Parameters": parameters} if parameters else {}))


def test_a_batch_is_one_transaction(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT)")
    done = redshift.batch("INSERT INTO t VALUES (1)", "INSERT INTO nowhere VALUES (1)", "INSERT INTO t VALUES (2)")
    assert done["Status"] == "FAILED"
    assert done["Error"] == 'ERROR: relation "nowhere" does not exist'
    assert [part["Status"] for part in done["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert redshift.rows("SELECT count(*) FROM t") == [[0]]
    done = redshift.batch("INSERT INTO t VALUES (1)", "SELECT i FROM t", "DELETE FROM t")
    assert [part["ResultRows"] for part in done["SubStatements"]] == [1, 1, 1]
    result = redshift.client.get_statement_result(Id=f"{done['Id']}:2")
    assert result["Records"] == [[{"longValue": 1}]]


def test_temporary_tables_live_in_their_batch(redshift: Redshift) -> None:
    redshift.do("CREATE TEMP TABLE stage (i INT)", "INSERT INTO stage VALUES (1)")
    assert redshift.error("SELECT * FROM stage") == 'ERROR: relation "stage" does not exist'


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM nowhere", 'ERROR: relation "nowhere" does not exist'),
        ("SELECT nothing FROM (SELECT 1 AS i) AS t", 'ERROR: column "nothing" does not exist'),
        ("SELECT 1; SELECT 2", "ERROR: cannot insert multiple commands into a prepared statement"),
        ("SELEC 1", "ERROR: syntax error at or near"),
        ("CALL procedure()", "ERROR: the statement CALL is not supported by the local AWS"),
        ("BEGIN", "ERROR: the statement BEGIN is not supported by the local AWS"),
        ("UNLOAD ('SELECT 1') TO 's3://b/' FORMAT PARQUET", "ERROR: IAM_ROLE is missing"),
        (f"UNLOAD ('SELECT 1') TO 's3://b/' {ROLE} FORMAT JSON", "ERROR: FORMAT JSON is not supported"),
        (
            f"UNLOAD ('SELECT 1') TO 's3://b/' {ROLE} FORMAT CSV PARTITION BY (a)",
            "ERROR: the option PARTITION BY is not supported",
        ),
        (f"COPY t FROM 's3://b/' {ROLE} FORMAT AS PARQUET MAXERROR 5", "ERROR: the option MAXERROR is not supported"),
    ],
)
def test_errors_are_those_of_redshift(redshift: Redshift, sql: str, error: str) -> None:
    assert redshift.error(sql).startswith(error)


def test_a_token_runs_once(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT)")
    calls = [
        redshift.client.execute_statement(Sql="INSERT INTO t VALUES (1)", ClientToken="once", **redshift.where)["Id"]
        for _ in range(3)
    ]
    assert len(set(calls)) == 1
    redshift.finish(calls[0])
    assert redshift.rows("SELECT count(*) FROM t") == [[1]]


def test_results_come_in_pages(redshift: Redshift) -> None:
    done = redshift.run("SELECT i FROM generate_series(1, 2500) AS t(i)")
    pages = list(redshift.client.get_paginator("get_statement_result").paginate(Id=done["Id"]))
    assert [len(page["Records"]) for page in pages] == [1000, 1000, 500]
    assert pages[2]["Records"][-1] == [{"longValue": 2500}]


def test_a_statement_can_be_cancelled(redshift: Redshift) -> None:
    endless = "SELECT count(*) FROM generate_series(1, 10000000) AS a(i), generate_series(1, 10000000) AS b(j)"
    running = redshift.client.execute_statement(Sql=endless, **redshift.where)["Id"]
    waiting = redshift.client.execute_statement(Sql="SELECT 1", **redshift.where)["Id"]
    wait_for(lambda: redshift.client.describe_statement(Id=running)["Status"] == "STARTED")
    assert redshift.client.describe_statement(Id=waiting)["Status"] == "SUBMITTED"
    assert redshift.client.cancel_statement(Id=running)["Status"] is True
    assert redshift.finish(running)["Status"] == "ABORTED"
    assert redshift.finish(waiting)["Status"] == "FINISHED"
    with pytest.raises(ClientError, match="Could not cancel"):
        redshift.client.cancel_statement(Id=running)


def test_statements_are_listed(redshift: Redshift) -> None:
    name = unique("statement")
    redshift.run("SELECT 1", StatementName=name)
    listed = redshift.client.list_statements(StatementName=name)["Statements"]
    assert [(item["QueryString"], item["Status"]) for item in listed] == [("SELECT 1", "FINISHED")]


@pytest.mark.parametrize(
    "where", [{}, {"ClusterIdentifier": "ccc", "WorkgroupName": "www", "Database": "d"}, {"WorkgroupName": "www"}]
)
def test_a_place_is_required(redshift: Redshift, where: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        redshift.client.execute_statement(Sql="SELECT 1", **where)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_a_state_runs_a_statement(local_aws: LocalAws, redshift: Redshift) -> None:
    sdk = "arn:aws:states:::aws-sdk:redshiftdata:"
    tested = machine(
        local_aws,
        {
            "A": {
                "Type": "Task",
                "Resource": f"{sdk}executeStatement",
                "Arguments": {**redshift.where, "Sql": "SELECT 1"},
            },
            "W": {"Type": "Wait", "Seconds": 25},
            "B": {
                "Type": "Task",
                "Resource": f"{sdk}describeStatement",
                "Arguments": {"Id": "{% $states.input.Id %}"},
                "Output": "{% $states.result.Status %}",
            },
        },
    )
    assert tested.output() == "FINISHED"


def test_statements_and_tables_survive_a_kill(start_local_aws: Any) -> None:
    local: LocalAws = start_local_aws()
    redshift = Redshift(local)
    redshift.do("CREATE TABLE t (i INT)", "INSERT INTO t VALUES (7)")
    done = redshift.run("SELECT i FROM t")
    endless = "SELECT count(*) FROM generate_series(1, 10000000) AS a(i), generate_series(1, 10000000) AS b(j)"
    running = redshift.client.execute_statement(Sql=endless, **redshift.where)["Id"]
    wait_for(lambda: redshift.client.describe_statement(Id=running)["Status"] == "STARTED")
    pid = local.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    local.start()
    assert redshift.rows("SELECT i FROM t") == [[7]]
    assert redshift.client.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 7}]]
    ended = redshift.finish(running)
    assert (ended["Status"], ended["Error"]) == ("FAILED", "ERROR: the local AWS was stopped")
