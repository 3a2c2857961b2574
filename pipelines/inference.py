"""The pipeline of a window's predictions."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import MINI_BATCH, Resources
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.large", volume_size_in_gb=30, max_runtime_in_seconds=1800)


def build_inference_predictions_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """Scores of every host in a window, with the project's current model."""
    step = StageStep("InferencePredictionsStep", "ndr-inference", MINI_BATCH)
    return chain(pipeline_name, session, RESOURCES, step)
