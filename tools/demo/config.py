"""Configuration of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoConfig:
    """The logs, the lake and the local AWS; without `inputs`, traffic is simulated.

    Training uses `train_days`, followed by `score_days` at the end of the logs. The local AWS stores its files in
    `aws_home` and listens on `aws_port` of this machine, or on one that is free.
    """

    inputs: tuple[str, ...]
    lake: Path
    scenario: Path
    aws_home: Path
    aws_port: int | None
    engine: str
    train_days: float | None
    score_days: float | None
    top: int
    log_time_zone: str | None
