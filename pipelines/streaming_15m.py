"""The pipelines of a window's features: in four steps, in one, and its slices alone."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import MINI_BATCH, Options, Resources, text
from pipelines.steps import StageStep, chain

RESOURCES = Resources(instance_type="ml.m5.xlarge", volume_size_in_gb=50, max_runtime_in_seconds=3600)
INPUT: Options = {"--input": text("BatchS3Path")}
BASELINE_MONTH: Options = {"--baseline-month": text("BaselineMonth", "auto")}
DELTA_STEP = StageStep("DeltaBuilderStep", "ndr-delta", {**MINI_BATCH, **INPUT})


def build_15m_streaming_pipeline(pipeline_name: str, session: PipelineSession, fused: bool = False) -> Pipeline:
    """Slices, features, pair counts and deviations of a window.

    Fused, all four are made in one job, which starts one container and one engine instead of four.
    """
    if fused:
        step = StageStep("Streaming15mStep", "ndr-15m", {**MINI_BATCH, **INPUT, **BASELINE_MONTH})
        return chain(pipeline_name, session, RESOURCES, step)
    return chain(
        pipeline_name,
        session,
        RESOURCES,
        DELTA_STEP,
        StageStep("FGABuilderStep", "ndr-fg-a", MINI_BATCH),
        StageStep("PairCountsBuilderStep", "ndr-pair-counts", MINI_BATCH),
        StageStep("FGCCorrBuilderStep", "ndr-fg-c", {**MINI_BATCH, **BASELINE_MONTH}),
    )


def build_delta_builder_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """The slices of a window alone, for ad-hoc and repair runs."""
    return chain(pipeline_name, session, RESOURCES, DELTA_STEP)
