"""The types that declare columns and tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "decimal(12,2)": pa.decimal128(12, 2),
}

DELTA_TYPES = {"int": "integer"}
"""Types that Delta names in another way."""

NUMBERS = frozenset({"int", "long", "double", "decimal(12,2)"})


@dataclass(frozen=True)
class Column:
    """A column: its name, Spark type, meaning and unit, and when it is null ("": never)."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    null_when: str = ""

    def __post_init__(self) -> None:
        if self.type not in ARROW_TYPES:
            raise ValueError(f"column {self.name}: unknown type {self.type!r}")

    @property
    def nullable(self) -> bool:
        """Whether it can be null."""
        return bool(self.null_when)

    @property
    def comment(self) -> str:
        """The meaning, the unit in brackets and the null rule: `bytes sent by the initiator [bytes]; never null`."""
        unit = f" [{self.unit}]" if self.unit else ""
        rule = f"null when {self.null_when}" if self.null_when else "never null"
        return f"{self.meaning}{unit}; {rule}"

    @property
    def arrow(self) -> pa.Field:
        """The column as an Arrow field."""
        return pa.field(self.name, ARROW_TYPES[self.type], self.nullable)

    @property
    def delta(self) -> Field:
        """The column as a Delta field, which can be null, with the comment."""
        named = PrimitiveType(DELTA_TYPES.get(self.type, self.type))
        return Field(self.name, named, metadata={"comment": self.comment})


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of the columns, in their order."""
    return pa.schema([column.arrow for column in columns])


def ddl(columns: Iterable[Column]) -> str:
    """The Spark DDL string of the columns, in their order, for `mapInArrow` and the like."""
    return ", ".join(f"`{column.name}` {column.type}" for column in columns)


@dataclass(frozen=True)
class Table:
    """A table of the lake: its path below the lake, what one row is, its columns, partitions and key.

    The partition columns are among the columns; the values of the key columns identify a row. Texts and times come
    first, then numbers, each in the order of declaration: only the former have statistics in the Delta log, see
    `indexed`.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    partitions: tuple[str, ...]
    key: tuple[str, ...]

    def __post_init__(self) -> None:
        ordered = sorted(self.columns, key=lambda column: column.type in NUMBERS)
        object.__setattr__(self, "columns", tuple(ordered))
        names = self.column_names
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column is declared twice")
        if missing := {*self.partitions, *self.key} - set(names):
            raise ValueError(f"table {self.name}: not declared: {sorted(missing)}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def indexed(self) -> int:
        """The number of leading columns for which the Delta log keeps statistics.

        None of them is a number: Sail reads the value of a column that is constant in a file from the JSON of these
        statistics, with an error of one unit in the last place.
        """
        return sum(column.type not in NUMBERS and column.name not in self.partitions for column in self.columns)

    @property
    def ddl(self) -> str:
        """The Spark DDL string of the table."""
        return ddl(self.columns)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the table."""
        return arrow_schema(self.columns)

    @property
    def delta(self) -> Schema:
        """The schema with which the table is created: a comment on each column, partition columns last.

        All columns are nullable there: the jobs check what must not be null, since engines enforce it differently.
        """
        ordered = sorted(self.columns, key=lambda column: column.name in self.partitions)
        return Schema([column.delta for column in ordered])
