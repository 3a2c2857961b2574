"""Configuration of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from common.errors import ParameterError

WINDOWS = "csv"
LABEL_FORMS = (WINDOWS, "intervals", "ctu13", "unsw-nb15", "cic-ids2017", "lanl", "unraveled")
"""Hosts and windows in CSV, and what `tools.evaluate.labels` reads."""


@dataclass(frozen=True)
class EvaluateConfig:
    """The labels, the predictions, and the outputs.

    Attributes:
        labels_paths: files of labels, or folders of them; of hosts and windows in CSV, one file.
        labels_form: one of `LABEL_FORMS`.
        labels_zone: zone of local times in labels; None = that of the lake's logs, or UTC without a lake.
        lake_uri: lake whose predictions are evaluated; None if `predictions_path` is given.
        predictions_path: CSV with host_ip, window_start and anomaly_score; None if `lake_uri` is given.
        since: first window evaluated; None = the first with predictions.
        until: end of the windows evaluated, exclusive; None = after the last label with `since`, else after the last
            prediction.
        budget: number of alerts that analysts check.
        predictions_out: CSV to write the predictions to.
        figures_out: file to write the report to.
    """

    labels_paths: tuple[Path, ...]
    labels_form: str = WINDOWS
    labels_zone: str | None = None
    lake_uri: str | None = None
    predictions_path: Path | None = None
    since: datetime | None = None
    until: datetime | None = None
    budget: int = 20
    predictions_out: Path | None = None
    figures_out: Path | None = None

    def __post_init__(self) -> None:
        if (self.lake_uri is None) == (self.predictions_path is None):
            raise ParameterError("exactly one source of predictions is needed", "Give either --lake or --predictions")
        if self.labels_form == WINDOWS and len(self.labels_paths) > 1:
            raise ParameterError("labels of hosts and windows are one file", "Give --labels once")
        if not 1 <= self.budget <= 1_000_000:
            raise ParameterError(f"budget = {self.budget} is out of range", "Use 1 to 1000000")
        if self.since and self.until and self.since >= self.until:
            raise ParameterError(
                f"--since {self.since:%Y-%m-%dT%H:%MZ} is not before --until {self.until:%Y-%m-%dT%H:%MZ}",
                "Give an earlier --since",
            )
