"""The statements of the warehouse: the files of `snowflake/`, one statement each, in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SQL = Path(__file__).with_name("snowflake")
WITH_FAILURE = ("stage_snapshot", "publish_snapshot")
"""Procedures whose failure is logged, by the statements of `failure`."""
PROCEDURES = (*WITH_FAILURE, "finish_load", "reload")
"""Each is the statements of its folder; the first three are a load, in this order."""

Kind = Literal["run", "return_if", "fail_if", "for_each", "copy"]
_NAME = re.compile(r"\d+_(?P<kind>return_if|fail_if|for_each|copy)?")


@dataclass(frozen=True)
class Statement:
    """A statement: the name of its file, and its text without a semicolon.

    Its kind is in its name. The procedure returns, or fails, with the value of a `return_if` or `fail_if` that is not
    null. A `copy` is executed for each row of the `for_each` before it, with the row's values in place of `{column}`.
    """

    name: str
    text: str

    @property
    def kind(self) -> Kind:
        """What its result means."""
        found = _NAME.match(self.name)
        return found["kind"] or "run" if found else "run"  # type: ignore[return-value]

    def filled(self, values: dict[str, str]) -> str:
        """The text with values in place of `{name}`."""
        text = self.text
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def statements(folder: str) -> tuple[Statement, ...]:
    """The statements of a folder of `snowflake/`."""
    return tuple(Statement(path.stem, path.read_text("utf-8").strip()) for path in sorted((SQL / folder).glob("*.sql")))


def declared_columns(folder: str) -> Iterator[tuple[str, str]]:
    """Table and column of each column that a statement of a folder of `snowflake/` declares, in lower case."""
    from sqlglot import exp, parse_one

    for statement in statements(folder):
        for table in parse_one(statement.text, dialect="snowflake").find_all(exp.Schema):
            yield from ((table.this.name.lower(), column.name.lower()) for column in table.expressions)
