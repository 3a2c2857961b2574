"""Configuration of ndr-indicators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Place:
    """The lake, who works with it, and the form of the rows that are printed."""

    lake_uri: str
    feature_spec_version: str | None
    form: str


@dataclass(frozen=True)
class ImportConfig:
    """Which files to import, and how; `source` names all of them, `days` are looked back (None: all that are kept)."""

    place: Place
    files: tuple[str, ...]
    source: str | None
    by: str
    restore: bool
    whole: bool
    days: int | None


@dataclass(frozen=True)
class Choice:
    """Which indicators: of a source, naming an address, with these ids; None and empty for any."""

    source: str | None
    address: str | None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkConfig:
    """What to make of the chosen indicators: they end at a time, or, without one, have never been."""

    place: Place
    choice: Choice
    until: datetime | None
    by: str
    note: str
