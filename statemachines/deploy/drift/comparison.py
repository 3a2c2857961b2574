"""Comparison of what should be with what is, whatever the order of lists and the form of numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.differences import ABSENT, shown


@dataclass(frozen=True)
class Finding:
    """A property that is not what it should be.

    Attributes:
        kind: what it is a property of.
        name: the name of that.
        place: the property, with its path; empty where all of it is missing or too much.
        wanted: what it should be.
        found: what it is.
        remedy: how it is mended.
    """

    kind: str
    name: str
    place: str
    wanted: Any
    found: Any
    remedy: str

    def __str__(self) -> str:
        head = ": ".join(filter(None, (f"{self.kind} {self.name}", self.place)))
        return f"{head}: {shown(self.found)}, not {shown(self.wanted)}"


def differences(wanted: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, wanted and found value of each place that differs, both in plain form.

    Lists are compared as sets: each item that one side lacks is a difference of its own.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            inner = f"{path}.{key}" if path else key
            yield from differences(wanted.get(key, ABSENT), found.get(key, ABSENT), inner)
    elif isinstance(wanted, list) or isinstance(found, list):
        before, after = _items(wanted), _items(found)
        yield from ((path, before[text], ABSENT) for text in before.keys() - after.keys())
        yield from ((path, ABSENT, after[text]) for text in after.keys() - before.keys())
    elif wanted != found:
        yield path, wanted, found


def plain(value: Any) -> Any:
    """A value without null and empty members, with scalars as text, and without lists around a single item.

    AWS gives back numbers for text, and a list for its only item.
    """
    if isinstance(value, dict):
        members = {str(key): plain(inner) for key, inner in value.items()}
        return {key: inner for key, inner in members.items() if inner not in (None, "", {}, [])}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted((plain(inner) for inner in value), key=_text)
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if value is None else str(value)


def _items(value: Any) -> dict[str, Any]:
    items = value if isinstance(value, list) else [] if value is ABSENT else [value]
    return {_text(item): item for item in items}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
