"""Configuration of the validation."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import ParameterError


@dataclass(frozen=True)
class ValidationConfig:
    """Where the zones are, and what a valid file is.

    Attributes:
        zones_uri: normal URI of the folder of `raw`, `archive` and `rejected`.
        max_bad_ratio: share of the rows of a valid file, between 0 and 1, that may be broken or without a key.
        alerts_topic_arn: SNS topic that is told of rejected files.
    """

    zones_uri: str
    max_bad_ratio: float = 0.05
    alerts_topic_arn: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.max_bad_ratio <= 1:
            raise ParameterError(f"--max-bad-ratio {self.max_bad_ratio} is no share", "Give one from 0 to 1")
