"""Writes to the tracking table, and their conditions, as data: what a builder decides, and a store carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from common.ingestion.keys import Key

Value = str | int | float | bool | list[str]
Item = Mapping[str, Value]

MOST_WRITES = 100
"""Writes in one transaction."""


@dataclass(frozen=True)
class Test:
    """A test of one attribute: it is absent, exists, equals one of the values, or is less than the first of them."""

    attribute: str
    how: Literal["absent", "exists", "equals", "less"]
    values: tuple[Value, ...] = ()


Condition = tuple[tuple[Test, ...], ...]
"""Alternatives; of one of them, all tests hold. Without any, the condition always holds."""


def absent(attribute: str) -> Test:
    """The item, or its attribute, does not exist."""
    return Test(attribute, "absent")


def exists(attribute: str) -> Test:
    """The item has the attribute."""
    return Test(attribute, "exists")


def equals(attribute: str, *values: Value) -> Test:
    """The attribute exists, and has one of the values."""
    return Test(attribute, "equals", values)


def less(attribute: str, value: Value) -> Test:
    """The attribute exists, and is less than the value."""
    return Test(attribute, "less", (value,))


def all_of(*tests: Test) -> Condition:
    """All the tests hold."""
    return (tests,)


NEW = all_of(absent("file_key"))
"""No item with the key exists."""


@dataclass(frozen=True)
class Write:
    """One write, which happens if its condition holds.

    Attributes:
        kind: `check` writes nothing.
        key: the item's key.
        condition: about the item as it is before the write.
        values: all attributes of a `put` item, those that an `update` sets.
        removed: the attributes that an `update` removes.
    """

    kind: Literal["put", "update", "delete", "check"]
    key: Key
    condition: Condition
    values: Item = field(default_factory=dict)
    removed: tuple[str, ...] = ()


def put_new(key: Key, values: Item) -> Write:
    """Puts an item that does not exist yet."""
    return Write("put", key, NEW, values)
