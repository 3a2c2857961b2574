"""Configuration of the report."""

from __future__ import annotations

from dataclasses import dataclass

from common.detection.alerts.terms import ALERT_SCORE
from common.windows import Windows


@dataclass(frozen=True)
class ReportConfig:
    """Which windows to report on (None: all), how many alerts or incidents, and how to print them."""

    lake_uri: str
    windows: Windows | None
    top: int
    one_per_host: bool
    as_json: bool
    feature_spec_version: str | None
    parameters_path: str | None
    incidents: bool = False
    min_score: float = ALERT_SCORE
    form: str | None = None
