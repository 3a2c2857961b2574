"""What the demo is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoConfig:
    """Where logs come from and results go; without logs, traffic is simulated.

    `train_days` and `score_days` are of the days that the logs cover, training first, scoring last. The local AWS keeps
    its files in `aws_home` and listens on `aws_port` of this machine.
    """

    inputs: tuple[str, ...]
    lake: Path
    scenario: Path
    aws_home: Path
    aws_port: int
    engine: str
    train_days: float | None
    score_days: float | None
    top: int
    log_time_zone: str | None
