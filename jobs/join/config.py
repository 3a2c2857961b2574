"""Configuration of the join stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig

DESTINATIONS = ("lake", "s3", "redshift")


@dataclass(frozen=True)
class JoinConfig(StageConfig):
    """A run of the join stage; it always writes the lake first."""

    destination: str = "lake"
