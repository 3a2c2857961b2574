"""The pipelines: one row each, with the steps that it runs and what they run on.

A pipeline declares the parameters that its options name, and no others; `pipelines.build` makes its definition.
"""

from __future__ import annotations

from common.runtime.engine import ENGINES
from pipelines.parameters import Execution, Options, Parameter, Pipeline, Resources, StageStep, choice, time_range

# options of every step
PROJECT: Options = {
    "--project-name": Parameter("ProjectName"),
    "--feature-spec-version": Parameter("FeatureSpecVersion", "v1"),
    "--lake": Parameter("LakeUri"),
    "--parameters": Parameter("ParametersUri", "dynamodb://project_parameters"),
    "--engine": choice("Engine", *ENGINES),
}
MINI_BATCH: Options = {
    "--mini-batch-id": Parameter("MiniBatchId"),
    "--window": time_range("BatchStartTsIso", "BatchEndTsIso"),
}
INPUT: Options = {"--input": Parameter("BatchS3Path")}
BASELINE_MONTH: Options = {"--baseline-month": Parameter("BaselineMonth", "auto")}
TRAINING: Options = {
    "--window": time_range("TrainingStartTsIso", "TrainingEndTsIso"),
    "--run-id": Parameter("TrainingRunId"),
}
REMEDY: Options = {
    "--missing-windows": Parameter("MissingWindows", "auto"),
    "--backfill-state-machine": Parameter("BackfillStateMachineArn"),
}

FEATURES = Resources("ml.m5.xlarge", volume_size_in_gb=50, max_runtime_in_hours=1)
SMALL = Resources("ml.m5.large", volume_size_in_gb=30, max_runtime_in_hours=0.5)

DELTA = StageStep("DeltaBuilderStep", "ndr-delta", {**MINI_BATCH, **INPUT})


def training_step(name: str, stage: str, more: Options | None = None) -> StageStep:
    """One stage of the training command."""
    return StageStep(name, "ndr-if-training", {"--stage": stage, **TRAINING, **(more or {})})


PIPELINES: dict[str, Pipeline] = {
    "ndr-15m-streaming": Pipeline(
        FEATURES,
        (
            DELTA,
            StageStep("FGABuilderStep", "ndr-fg-a", MINI_BATCH),
            StageStep("PairCountsBuilderStep", "ndr-pair-counts", MINI_BATCH),
            StageStep("FGCCorrBuilderStep", "ndr-fg-c", {**MINI_BATCH, **BASELINE_MONTH}),
        ),
    ),
    # the same in one job: one container and one engine to start, instead of four
    "ndr-15m-streaming-fused": Pipeline(
        FEATURES,
        (
            StageStep(
                "Streaming15mStep",
                "ndr-15m",
                {**MINI_BATCH, **INPUT, **BASELINE_MONTH, "--from": choice("FirstStage", "delta", "fg-a", "fg-c")},
            ),
        ),
    ),
    # for ad-hoc runs, backfill and repair
    "ndr-delta-builder": Pipeline(FEATURES, (DELTA,)),
    "ndr-inference-predictions": Pipeline(SMALL, (StageStep("InferencePredictionsStep", "ndr-inference", MINI_BATCH),)),
    "ndr-prediction-feature-join": Pipeline(
        SMALL,
        (
            StageStep(
                "PredictionFeatureJoinStep",
                "ndr-join",
                {**MINI_BATCH, "--destination": choice("PublicationTarget", "lake", "s3", "redshift")},
            ),
        ),
    ),
    "ndr-machine-inventory-unload": Pipeline(
        Resources("ml.m5.large", volume_size_in_gb=30, max_runtime_in_hours=1),
        (StageStep("MachineInventoryUnloadStep", "ndr-inventory-unload", {"--month": Parameter("InventoryMonth")}),),
    ),
    "ndr-fg-b-baseline": Pipeline(
        Resources("ml.m5.4xlarge", volume_size_in_gb=200, max_runtime_in_hours=6),
        (
            StageStep(
                "FGBaselineBuilderStep",
                "ndr-fg-b",
                {"--month": Parameter("BaselineMonth"), "--reference-time": Parameter("ReferenceTimeIso")},
            ),
        ),
    ),
    "ndr-if-training": Pipeline(
        # the second step waits for the backfill that it starts
        Resources("ml.m5.2xlarge", volume_size_in_gb=100, max_runtime_in_hours=24),
        (
            training_step("TrainingDataVerifierStep", "verify"),
            training_step("MissingFeatureCreationStep", "remediate", REMEDY),
            training_step("PostRemediationVerificationStep", "reverify"),
            training_step("IFTrainingStep", "train"),
            training_step("ModelPublishStep", "publish"),
            training_step("ModelAttributesStep", "attributes"),
            training_step("ModelDeployStep", "deploy", {"--execution": Execution()}),
        ),
    ),
    "ndr-backfill-historical-extractor": Pipeline(
        Resources("ml.m5.large", volume_size_in_gb=30, max_runtime_in_hours=2),
        (
            StageStep(
                "HistoricalWindowsExtractorStep",
                "ndr-extractor",
                {
                    "--request-id": Parameter("RequestId"),
                    "--window": time_range("RangeStartTsIso", "RangeEndTsIso"),
                    "--input-prefix": Parameter("InputPrefix"),
                    "--windows-filter": Parameter("WindowsFilter", "all"),
                    "--manifest": Parameter("ManifestUri"),
                    "--source": choice("CandidateSource", "auto", "index", "listing"),
                },
            ),
        ),
    ),
}
