"""The pipeline that publishes a window's predictions."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import MINI_BATCH, Resources, choice
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.large", volume_size_in_gb=30, max_runtime_in_seconds=1800)


def build_prediction_feature_join_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """Predictions beside the features that an analyst looks at first, in the lake, S3 or Redshift."""
    destination = choice("PublicationTarget", "lake", "s3", "redshift")
    step = StageStep("PredictionFeatureJoinStep", "ndr-join", {**MINI_BATCH, "--destination": destination})
    return chain(pipeline_name, session, RESOURCES, step)
