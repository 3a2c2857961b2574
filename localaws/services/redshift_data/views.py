"""Response documents of the Redshift Data API."""

from __future__ import annotations

import re
from typing import Any

from localaws.server.wire import Document, given
from localaws.services.redshift_data.records import Part, Statement

_TYPES = {
    "VARCHAR": "varchar",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int2",
    "TINYINT": "int2",
    "DOUBLE": "float8",
    "FLOAT": "float4",
    "BOOLEAN": "bool",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "DATE": "date",
    "TIME": "time",
}


def accepted(statement: Statement) -> Document:
    """The response to an accepted statement."""
    return {"Id": statement.id, "CreatedAt": statement.created, **statement.where}


def described(statement: Statement) -> Document:
    """The description of a statement."""
    first = statement.parts[0]
    alone = {} if statement.batch else {"QueryString": first.sql, "ResultRows": first.rows, "ResultSize": -1}
    parts = [_part(statement, number, part) for number, part in enumerate(statement.parts, 1)]
    parameters = [{"name": name, "value": value} for name, value in statement.parameters.items()]
    return given(
        Id=statement.id,
        Status=statement.status,
        Error=statement.error,
        CreatedAt=statement.created,
        UpdatedAt=statement.updated,
        Duration=round((statement.updated - statement.created) * 1e9),
        HasResultSet=any(part.has_rows for part in statement.parts),
        QueryParameters=parameters or None,
        SubStatements=parts if statement.batch else None,
        **alone,
        **statement.where,
    )


def _part(statement: Statement, number: int, part: Part) -> Document:
    return given(
        Id=f"{statement.id}:{number}",
        QueryString=part.sql,
        Status=part.status,
        Error=part.error,
        HasResultSet=part.has_rows,
        ResultRows=part.rows,
        CreatedAt=part.started or statement.created,
        UpdatedAt=part.updated,
        Duration=round((part.updated - (part.started or part.updated)) * 1e9),
    )


def listed(statement: Statement) -> Document:
    """A statement in a list."""
    return given(
        Id=statement.id,
        Status=statement.status,
        StatementName=statement.name,
        QueryString=None if statement.batch else statement.parts[0].sql,
        QueryStrings=[part.sql for part in statement.parts] if statement.batch else None,
        IsBatchStatement=statement.batch,
        CreatedAt=statement.created,
        UpdatedAt=statement.updated,
    )


def field(value: Any) -> Document:
    """A value of a row."""
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def column(name: str, kind: str) -> Document:
    """The metadata of a column."""
    numbers = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    precision, scale = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    return {
        "name": name,
        "label": name,
        "typeName": "numeric" if numbers else _TYPES.get(kind, kind.lower()),
        "precision": precision,
        "scale": scale,
        "nullable": 1,
        "length": 0,
    }
