"""The pipeline of a model's life: verified data, training, publication, deployment."""

from __future__ import annotations

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.parameters import Options, Resources, text, time_range
from pipelines.steps import StageStep, chain

# the second step waits for the backfill that it starts
RESOURCES = Resources(instance_type="ml.m5.2xlarge", volume_size_in_gb=100, max_runtime_in_seconds=24 * 3600)
RUN: Options = {
    "--window": time_range("TrainingStartTsIso", "TrainingEndTsIso"),
    "--run-id": text("TrainingRunId"),
}
REMEDY: Options = {
    "--missing-windows": text("MissingWindows", "auto"),
    "--backfill-state-machine": text("BackfillStateMachineArn"),
}


def build_if_training_pipeline(pipeline_name: str, session: PipelineSession) -> Pipeline:
    """A verified, trained, published and deployed model, its missing features made first."""
    return chain(
        pipeline_name,
        session,
        RESOURCES,
        training_step("TrainingDataVerifierStep", "verify"),
        training_step("MissingFeatureCreationStep", "remediate", REMEDY),
        training_step("PostRemediationVerificationStep", "reverify"),
        training_step("IFTrainingStep", "train"),
        training_step("ModelPublishStep", "publish"),
        training_step("ModelAttributesStep", "attributes"),
        training_step("ModelDeployStep", "deploy"),
    )


def training_step(name: str, stage: str, more: Options | None = None) -> StageStep:
    """One stage of the training command."""
    return StageStep(name, "ndr-if-training", {"--stage": stage, **RUN, **(more or {})})
