"""Configuration of the report."""

from __future__ import annotations

from dataclasses import dataclass

from common.detection.alerts.terms import ALERT_SCORE
from common.windows import Windows


@dataclass(frozen=True)
class CaseFilter:
    """Which cases to report: those that involve the host, meet the peer, show the behaviour, stand so; None for all."""

    host: str | None = None
    peer: str | None = None
    behaviour: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class ReportConfig:
    """Which windows to report on (None: the last days that are scored), and how to print how many alerts or cases."""

    lake_uri: str
    windows: Windows | None
    top: int
    one_per_host: bool
    as_json: bool
    feature_spec_version: str | None
    parameters_path: str | None
    days: float = 1.0
    cases: bool = False
    only: CaseFilter = CaseFilter()
    min_score: float = ALERT_SCORE
    form: str | None = None
