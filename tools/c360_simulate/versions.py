"""Versions of an entity over the days of the snapshots, each with a key that anybody can compute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from tools.c360_simulate.people import Record

Snapshots = Mapping[date, Mapping[str, Record]]
"""The rows of a dataset by business date and key."""


@dataclass(frozen=True)
class Version:
    """The values of an entity from a day to another, exclusive; without an end, they are current."""

    key: str
    values: Record
    valid_from: date
    valid_to: date | None = None

    @property
    def surrogate(self) -> str:
        """SHA-256 of the key and the first day, in hex."""
        return hashlib.sha256(f"{self.key}|{self.valid_from}".encode()).hexdigest()

    def holds(self, day: date) -> bool:
        """Whether the version is valid on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


Versions = Mapping[str, list[Version]]
FirstDay = Callable[[Record, date], date]
"""From when the first version of an entity is valid, by its values and the day of its first snapshot."""


def midnight(day: date) -> datetime:
    """The start of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def versions_of(snapshots: Snapshots, first_day: FirstDay) -> Versions:
    """The versions of each entity: one ends where its values change, or where a snapshot lacks it."""
    days = sorted(snapshots)
    keys = sorted({key for rows in snapshots.values() for key in rows})
    return {key: _versions(key, {day: snapshots[day].get(key) for day in days}, first_day) for key in keys}


def at(versions: Iterable[Version], day: date) -> Version | None:
    """The version that is valid on a day, None if there is none."""
    return next((version for version in versions if version.holds(day)), None)


def _versions(key: str, rows: Mapping[date, Record | None], first_day: FirstDay) -> list[Version]:
    found: list[Version] = []
    former: Record | None = None
    for day, row in rows.items():
        if row != former:
            if former is not None:
                found[-1] = replace(found[-1], valid_to=day)
            if row is not None:
                found.append(Version(key, row, day if found else first_day(row, day)))
        former = row
    return found
