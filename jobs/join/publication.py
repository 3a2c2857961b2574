"""Publication of joined predictions besides the lake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from common.config.project import redshift_of, staging_location
from common.runtime.context import StageRun
from jobs.join.config import JoinConfig
from jobs.join.to_s3 import publication_prefix, publish_to_s3, publish_triage_to_s3
from jobs.join.triage import current_triage

Publish = Callable[[pa.Table], dict[str, Any]]
"""Publishes sorted rows of `prediction_join`; returns the details for the run report."""


def publisher(config: JoinConfig, stage: StageRun) -> Publish | None:
    """The function that publishes rows, and how alerts stand, at the destination; None for the lake itself.

    Raises:
        ParameterError: the project parameters lack the destination.
    """
    project, name = stage.project, config.project_name
    if config.destination == "s3":
        prefix = publication_prefix(project, name)

        def to_s3(rows: pa.Table) -> dict[str, Any]:
            triage = current_triage(stage.lake, name, config.windows)
            published = publish_to_s3(prefix, rows, config.windows)
            publish_triage_to_s3(prefix, triage)
            return {"prefix": prefix, "windows": published, "triage": triage.counts()}

        return to_s3
    if config.destination == "redshift":
        from jobs.join.to_redshift import publish_to_redshift, publish_triage_to_redshift  # boto3 takes a while

        redshift = redshift_of(project, name)
        staging = staging_location(project, name, stage.lake.uri, "_publication")
        table = stage.lake.table("prediction_join")
        target = f"{redshift.schema_name}.{redshift.publication_table}"

        def to_redshift(rows: pa.Table) -> dict[str, Any]:
            triage = current_triage(stage.lake, name, config.windows)
            published = publish_to_redshift(redshift, staging, rows, table)
            publish_triage_to_redshift(redshift, staging, triage)
            return {"table": target, "rows": published, "triage": triage.counts()}

        return to_redshift
    return None
