"""Configuration of ndr-calendar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CalendarConfig:
    """A calendar to put in place, a path or an s3:// URI, or None to list the one that is.

    With `preview` nothing is written. `min_score` is that of the reports whose cases it hides. `form` is that of rows.
    """

    lake_uri: str
    put: str | None
    preview: bool
    by: str
    min_score: float
    feature_spec_version: str | None
    form: str
