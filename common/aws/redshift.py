"""Redshift statements through the Data API: start, wait, report failures."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from common.aws.clients import aws_errors, client
from common.config.redshift import RedshiftParameters, check_identifier
from common.contracts.types import Column
from common.errors import RedshiftError, one_line
from common.retries import polled

MOST_STATEMENTS = 40
FIRST_PAUSE_SECONDS = 0.05
RUNNING = frozenset({"SUBMITTED", "PICKED", "STARTED"})
PLAIN_TEXT = re.compile(r"[^\\\x00-\x1f\x7f]*")
TEXT_BYTES, LONG_TEXT_BYTES = 256, 65_535
SQL_TYPES = {
    "string": f"VARCHAR({TEXT_BYTES})",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE PRECISION",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


def run_statements(redshift: RedshiftParameters, statements: Sequence[str], token: str | None = None) -> None:
    """Runs the statements in order in one transaction: all take effect, or none.

    Args:
        redshift: the connection.
        statements: 1 to 40 statements.
        token: at most 64 characters; repeated calls with the same token, within hours, run the statements once.

    Raises:
        RedshiftError: a statement failed, or the project's timeout passed.
        AwsError: the Data API refused a call or cannot be reached.
    """
    if not 1 <= len(statements) <= MOST_STATEMENTS:
        raise RedshiftError(f"a transaction cannot have {len(statements)} statements", f"Give 1 to {MOST_STATEMENTS}")
    api = client("redshift-data")
    arguments = _target(redshift) | ({"ClientToken": token} if token else {})
    with aws_errors(f"Redshift ({_place(redshift)}) did not accept {_shown(statements[0])}"):
        if len(statements) == 1:
            started = api.execute_statement(Sql=statements[0], **arguments)
        else:
            started = api.batch_execute_statement(Sqls=list(statements), **arguments)
    _await(api, redshift, started["Id"], statements)


def _await(api: Any, redshift: RedshiftParameters, statement_id: str, statements: Sequence[str]) -> None:
    def ended() -> dict[str, Any] | None:
        with aws_errors(f"Redshift ({_place(redshift)}) did not report the status of statement {statement_id}"):
            found: dict[str, Any] = api.describe_statement(Id=statement_id)
        return None if found["Status"] in RUNNING else found

    found = polled(
        f"Redshift ({_place(redshift)}) to finish {_shown(statements[0])}",
        ended,
        first_pause_seconds=FIRST_PAUSE_SECONDS,
        longest_pause_seconds=redshift.poll_seconds,
        seconds=redshift.statement_timeout_seconds,
    )
    if found is None:
        with aws_errors(f"statement {statement_id} could not be cancelled"):
            api.cancel_statement(Id=statement_id)
        raise RedshiftError(
            f"Redshift ({_place(redshift)}) did not finish {_shown(statements[0])} within "
            f"{redshift.statement_timeout_seconds:g} s; statement {statement_id} was cancelled",
            "Run again, or raise redshift.statement_timeout_seconds",
        )
    if found["Status"] != "FINISHED":
        raise _failure(redshift, found, statements)


def _failure(redshift: RedshiftParameters, found: dict[str, Any], statements: Sequence[str]) -> RedshiftError:
    """The error of the first failed statement, with Redshift's message."""
    parts = found.get("SubStatements") or []
    failed = next((number for number, part in enumerate(parts) if part.get("Error")), 0)
    message = (parts[failed].get("Error") if parts else None) or found.get("Error") or found["Status"]
    return RedshiftError(
        f"{_shown(statements[min(failed, len(statements) - 1)])} failed in Redshift ({_place(redshift)}): "
        f"{one_line(message)}",
        "The transaction was rolled back; correct the cause and run again",
    )


def _target(redshift: RedshiftParameters) -> dict[str, str]:
    given = {
        "WorkgroupName": redshift.workgroup_name,
        "ClusterIdentifier": redshift.cluster_identifier,
        "SecretArn": redshift.secret_arn,
        "DbUser": redshift.db_user,
    }
    return {"Database": redshift.database} | {name: value for name, value in given.items() if value}


def _place(redshift: RedshiftParameters) -> str:
    return f"{redshift.workgroup_name or redshift.cluster_identifier}, database {redshift.database}"


def _shown(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= 80 else f"{words[:80]}..."


def identifier(name: str) -> str:
    """The quoted name.

    Raises:
        ParameterError: it is not a plain SQL identifier.
    """
    check_identifier(name, "name in SQL")
    return f'"{name}"'


def literal(text: str) -> str:
    """The text as an SQL literal.

    Raises:
        RedshiftError: it contains a backslash or a control character, which databases interpret differently.
    """
    if not PLAIN_TEXT.fullmatch(text):
        raise RedshiftError(f"{text!r} cannot be an SQL literal", "Remove backslashes and control characters")
    return "'" + text.replace("'", "''") + "'"


def credentials(redshift: RedshiftParameters) -> str:
    """The authorization clause of COPY and UNLOAD."""
    return "IAM_ROLE default" if redshift.iam_role_arn == "default" else f"IAM_ROLE {literal(redshift.iam_role_arn)}"


def columns_ddl(columns: Sequence[Column], long_texts: Collection[str] = ()) -> str:
    """The column list of a CREATE TABLE in Redshift; times are UTC in a TIMESTAMP without zone."""
    declared = []
    for column in columns:
        kind = f"VARCHAR({LONG_TEXT_BYTES})" if column.name in long_texts else SQL_TYPES[column.type]
        declared.append(f"{identifier(column.name)} {kind}{'' if column.nullable else ' NOT NULL'}")
    return ", ".join(declared)
