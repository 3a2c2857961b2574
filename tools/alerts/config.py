"""Configuration of ndr-alerts."""

from __future__ import annotations

from dataclasses import dataclass

from common.windows import Windows


@dataclass(frozen=True)
class AlertsConfig:
    """Which cases to hand over, in which form and where to.

    Without `windows`, those of the last day that is scored. With a `channel`, only what it has not had yet. Without a
    `webhook`, they are printed. `deliver` names a channel of the project's settings, or all of them.
    """

    lake_uri: str
    windows: Windows | None
    form: str
    channel: str | None
    webhook: str | None
    template: str
    secret_file: str | None
    min_score: float
    feature_spec_version: str | None
    parameters_path: str | None
    project_name: str | None = None
    deliver: str | None = None
