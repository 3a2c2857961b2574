"""Configuration of the job that builds a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StagingConfig:
    """What to read and where to publish it; locations are normal URIs (`common.storage.filesystems.normal_uri`).

    Attributes:
        as_of: the last day whose files count.
        in_glue: whether the session of the Glue job is the engine's.
        accept_shrink: whether a snapshot may have far fewer customers or plans than the accepted one before it.
        force: whether a snapshot that is published already is built again.
    """

    clean_uri: str
    staging_uri: str
    as_of: date
    engine: str = "sail"
    in_glue: bool = False
    accept_shrink: bool = False
    force: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether a location is in S3."""
        return self.clean_uri.startswith("s3://") or self.staging_uri.startswith("s3://")
