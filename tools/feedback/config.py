"""Configuration of ndr-feedback."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SuppressionConfig:
    """An incident with its verdict, a mark to delete, or neither, to list all marks.

    The verdicts `false` and `expected` suppress for `days`, for the host or its segment, and for the incident's
    strongest peer or any. `min_score` is that of the report that listed the incident. `form` is that of the rows.
    """

    lake_uri: str
    incident: str | None
    verdict: str | None
    reason: str
    days: float
    scope: str
    any_peer: bool
    remove: str | None
    min_score: float
    feature_spec_version: str | None
    form: str
