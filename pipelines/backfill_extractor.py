"""The pipeline that looks up the windows of a backfill."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import Resources, choice, text, time_range
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.large", volume_size_in_gb=30, max_runtime_in_seconds=2 * 3600)


def build_backfill_historical_extractor_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """The manifest of a backfill: the windows of a range that have a batch, and the gaps."""
    options = {
        "--request-id": text("RequestId"),
        "--window": time_range("RangeStartTsIso", "RangeEndTsIso"),
        "--input-prefix": text("InputPrefix"),
        "--windows-filter": text("WindowsFilter", "all"),
        "--manifest": text("ManifestUri"),
        "--source": choice("CandidateSource", "auto", "index", "listing"),
    }
    return chain(
        pipeline_name, session, RESOURCES, StageStep("HistoricalWindowsExtractorStep", "ndr-extractor", options)
    )
