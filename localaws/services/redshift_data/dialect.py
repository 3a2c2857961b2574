"""Translation of Redshift's SQL to DuckDB's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from common.errors import first_line
from localaws.services.redshift_data.errors import StatementError, unsupported

logging.getLogger("sqlglot").setLevel(logging.ERROR)

# statements about Redshift's storage, rights and locks, which do not exist here
WITHOUT_EFFECT = ("ANALYZE", "VACUUM", "GRANT", "REVOKE", "LOCK", "SET", "COMMENT")
_NOT_ALONE = ("BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT")
# keys are only hints to Redshift's planner and are not enforced
_STORAGE = (
    exp.DistKeyProperty,
    exp.SortKeyProperty,
    exp.DistStyleProperty,
    exp.BackupProperty,
    exp.EncodeColumnConstraint,
    exp.PrimaryKeyColumnConstraint,
    exp.UniqueColumnConstraint,
    exp.PrimaryKey,
    exp.ForeignKey,
    exp.Reference,
)


def parse(sql: str) -> exp.Expression:
    """The single statement of a text, parsed."""
    try:
        found = [item for item in sqlglot.parse(sql, read="redshift") if item is not None]
    except SqlglotError as error:
        first = error.errors[0] if error.errors else {}
        near = first.get("highlight") or first_line(error)
        raise StatementError(f'syntax error at or near "{near}"') from error
    if len(found) != 1:
        raise StatementError(
            "cannot insert multiple commands into a prepared statement" if found else "empty statement"
        )
    statement: exp.Expression = found[0]
    if isinstance(statement, exp.Command) or sql.split(None, 1)[0].upper() in _NOT_ALONE:
        raise unsupported(f"the statement {sql.split(None, 1)[0].upper()}")
    return statement


def placeholders(sql: str) -> set[str]:
    """The names of the :parameters of a statement."""
    return {str(item.this) for item in parse(sql).find_all(exp.Placeholder) if item.this}


def translate(sql: str, parameters: Mapping[str, str]) -> tuple[str, bool]:
    """The statement for DuckDB with parameters inserted, and whether it returns rows."""
    statement = parse(sql)
    for item in list(statement.find_all(exp.Placeholder)):
        item.replace(exp.Literal.string(parameters[str(item.this)]))
    for kind in _STORAGE:
        for item in list(statement.find_all(kind)):
            holder = item.parent if isinstance(item.parent, exp.ColumnConstraint) else item
            holder.pop()
    for kind in list(statement.find_all(exp.DataType)):
        _plain_text(kind)
    try:
        text = statement.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise unsupported(first_line(error)) from error
    return text, isinstance(statement, exp.Query)


def _plain_text(kind: Any) -> None:
    """Removes the length of text types: DuckDB does not check it, and does not know MAX."""
    if kind.is_type(*exp.DataType.TEXT_TYPES):
        kind.set("expressions", [])
