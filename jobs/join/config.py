"""What the join stage is told."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig

DESTINATIONS = ("lake", "s3", "redshift")


@dataclass(frozen=True)
class JoinConfig(StageConfig):
    """A run of the join stage; the lake is always written, and first."""

    destination: str = "lake"
