"""Why a statement fails, in Redshift's words where DuckDB's differ."""

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
    """A statement that fails; the message is what DescribeStatement says under Error."""

    def __init__(self, message: str) -> None:
        super().__init__(message if message.startswith("ERROR: ") else f"ERROR: {message}")


def unsupported(what: str) -> StatementError:
    """The error of something that Redshift can and the local AWS cannot."""
    return StatementError(f"{what} is not supported by the local AWS")


def in_redshifts_words(message: str) -> StatementError:
    """The error of a message of DuckDB."""
    for pattern, words in _WORDS:
        found = pattern.search(message)
        if found:
            return StatementError(words.format(*found.groups()))
    return StatementError(message.partition("\n")[0].partition("Error: ")[2] or message.partition("\n")[0])
