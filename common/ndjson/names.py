"""Names of columns: those of records, told apart where a reader that ignores case would mix them up."""

from __future__ import annotations

from collections.abc import Collection, Iterable

EMPTY = "_empty"
"""The column of values whose name is empty."""


def distinct(names: Iterable[str], taken: Collection[str] = ()) -> tuple[str, ...]:
    """The name of a column for each name of one record.

    A name that another one before it has, or one of those taken, in whatever case, gets the suffix `__2`, `__3`, ...
    """
    used = {name.lower() for name in taken}
    found = []
    for name in names:
        column = base = name or EMPTY
        number = 1
        while column.lower() in used:
            number += 1
            column = f"{base}__{number}"
        used.add(column.lower())
        found.append(column)
    return tuple(found)


class Columns:
    """Names of columns in the order of their first sight; names that differ in case are one, spelled as first seen."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: dict[str, str] = {}
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Adds those of the names that are new."""
        for name in names:
            self._names.setdefault(name.lower(), name)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._names.values())

    def has_all(self, names: Iterable[str]) -> bool:
        """Whether none of the names is new."""
        return all(name.lower() in self._names for name in names)
