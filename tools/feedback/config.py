"""Configuration of feedback."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedbackConfig:
    """What feedback is told: an incident and the verdict on it, a mark to take away, or neither, to list all marks.

    An allow rule (verdict `false` or `expected`) holds for `days`, for the host or its segment, for the incident's
    strongest peer or any. `min_score` is that of the report in which the incident was seen.
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
    feature_spec_version: str
