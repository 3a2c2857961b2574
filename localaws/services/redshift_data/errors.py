"""Errors of statements, with DuckDB's messages translated to Redshift's."""

from __future__ import annotations

import re

_WORDS = (
    (re.compile(r"Table with name (\S+) does not exist"), 'relation "{}" does not exist'),
    (re.compile(r'Table with name "([^"]+)" already exists'), 'Relation "{}" already exists'),
    (re.compile(r'Referenced column "([^"]+)" not found'), 'column "{}" does not exist'),
    (re.compile(r'column with name "?([^"\s]+)"? does not exist', re.IGNORECASE), 'column "{}" does not exist'),
    (re.compile(r'syntax error at or near "([^"]*)"'), 'syntax error at or near "{}"'),
    (re.compile(r'Schema with name "?([^"\s!]+)"? does not exist'), 'schema "{}" does not exist'),
)


class StatementError(Exception):
    """A failed statement; DescribeStatement returns the message as Error."""

    def __init__(self, message: str) -> None:
        super().__init__(message if message.startswith("ERROR: ") else f"ERROR: {message}")


def unsupported(what: str) -> StatementError:
    """The error for a feature of Redshift that the local AWS lacks."""
    return StatementError(f"{what} is not supported by the local AWS")


def as_redshift_error(message: str) -> StatementError:
    """The error for a message of DuckDB, in Redshift's wording if known."""
    for pattern, words in _WORDS:
        found = pattern.search(message)
        if found:
            return StatementError(words.format(*found.groups()))
    return StatementError(message.partition("\n")[0].partition("Error: ")[2] or message.partition("\n")[0])
