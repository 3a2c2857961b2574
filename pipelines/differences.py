"""What differs between two definitions, whatever the order of their keys, steps and parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHOWN = 160


class Absent:
    """The value of what one side lacks."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()


@dataclass(frozen=True)
class Change:
    """A place that differs, with its values on both sides."""

    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}: {shown(self.old)} -> {shown(self.new)}"


def differences(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """The places that differ, each as deep as possible; parameters and steps are matched by name."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list):
        before, after = by_name(old, new)
        for index in {**before, **after}:
            yield from differences(before.get(index, ABSENT), after.get(index, ABSENT), f"{path}[{index}]")
    elif old != new:
        yield Change(path or "definition", old, new)


def by_name(*lists: list[Any]) -> list[dict[Any, Any]]:
    """The items of each list by their names, if all have one; by their positions otherwise."""
    if all(isinstance(item, dict) and "Name" in item for items in lists for item in items):
        return [{item["Name"]: item for item in items} for items in lists]
    return [dict(enumerate(items)) for items in lists]


def shown(value: Any) -> str:
    """The value on one line, cut where it is long."""
    text = repr(value) if isinstance(value, Absent) else json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
