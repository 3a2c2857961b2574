"""Response documents of the SageMaker API."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from localaws.server.wire import Document, given
from localaws.services.sagemaker.records import ExecutionRecord, PipelineRecord, Records, StepRecord


def by_time(items: Iterable[Any], request: Document, default: str, time_of: Callable[[Any], float]) -> list[Any]:
    """Items sorted by time as requested; `default` is Ascending or Descending."""
    ascending = sorted(items, key=time_of)
    return ascending if (request.get("SortOrder") or default) == "Ascending" else ascending[::-1]


def pipeline(record: PipelineRecord, records: Records) -> Document:
    """The description of a pipeline."""
    return given(
        PipelineArn=record.arn,
        PipelineName=record.name,
        PipelineDisplayName=record.display_name,
        PipelineDefinition=records.definitions[record.definition],
        PipelineDescription=record.description,
        RoleArn=record.role_arn,
        PipelineStatus="Active",
        CreationTime=record.created,
        LastModifiedTime=record.modified,
        LastRunTime=record.last_run,
        ParallelismConfiguration=record.parallelism,
    )


def pipeline_summary(record: PipelineRecord) -> Document:
    """A pipeline in a list."""
    return given(
        PipelineArn=record.arn,
        PipelineName=record.name,
        PipelineDisplayName=record.display_name,
        PipelineDescription=record.description,
        RoleArn=record.role_arn,
        CreationTime=record.created,
        LastModifiedTime=record.modified,
        LastExecutionTime=record.last_run,
    )


def execution(record: ExecutionRecord) -> Document:
    """The description of an execution."""
    return given(
        PipelineArn=record.pipeline_arn,
        PipelineExecutionArn=record.arn,
        PipelineExecutionDisplayName=record.display_name,
        PipelineExecutionStatus=record.status,
        PipelineExecutionDescription=record.description,
        FailureReason=record.failure_reason,
        CreationTime=record.created,
        LastModifiedTime=record.modified,
    )


def execution_summary(record: ExecutionRecord) -> Document:
    """An execution in a list."""
    return given(
        PipelineExecutionArn=record.arn,
        StartTime=record.created,
        PipelineExecutionStatus=record.status,
        PipelineExecutionDescription=record.description,
        PipelineExecutionDisplayName=record.display_name,
        PipelineExecutionFailureReason=record.failure_reason,
    )


def step(record: StepRecord) -> Document:
    """A step of an execution."""
    return given(
        StepName=record.name,
        StartTime=record.start,
        EndTime=record.end,
        StepStatus=record.status,
        FailureReason=record.failure_reason,
        AttemptCount=1,
        Metadata={"ProcessingJob": {"Arn": record.job_arn}},
    )
