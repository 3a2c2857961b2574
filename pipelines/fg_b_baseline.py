"""The pipeline of the monthly baselines."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import Resources, text
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.4xlarge", volume_size_in_gb=200, max_runtime_in_seconds=6 * 3600)


def build_fg_b_baseline_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """A month's baselines of hosts, segments and pairs for each horizon."""
    options = {"--month": text("BaselineMonth"), "--reference-time": text("ReferenceTimeIso")}
    return chain(pipeline_name, session, RESOURCES, StageStep("FGBaselineBuilderStep", "ndr-fg-b", options))
