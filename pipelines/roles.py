"""The roles of pipelines and of their jobs, which the stack names by what they may do."""

from __future__ import annotations

from pipelines.catalog import PIPELINES

OF_PIPELINES = "-pipelines"


def role_of_jobs(role_arn: str, pipeline: str) -> str:
    """The role of a pipeline's jobs, beside that of the pipelines of a stack; a role of one's own is that of all."""
    if not role_arn.endswith(OF_PIPELINES):
        return role_arn
    return f"{role_arn.removesuffix(OF_PIPELINES)}-{PIPELINES[pipeline].rights}-steps"
