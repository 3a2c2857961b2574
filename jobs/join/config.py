"""Configuration of the join stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig

DESTINATIONS = ("lake", "s3", "redshift")


@dataclass(frozen=True)
class JoinConfig(StageConfig):
    """A run of the join stage, which always writes the lake first; and the id that its rows are staged under."""

    destination: str = "lake"
    staged: str | None = None
