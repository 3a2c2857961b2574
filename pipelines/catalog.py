"""The pipelines: one row each, with the steps that it runs and what they run on.

A pipeline declares the parameters that its options name, and no others; `pipelines.build` makes its definition.
"""

from __future__ import annotations

from common.budgets import STEP_SECONDS
from common.runtime.engine import ENGINES
from pipelines.parameters import Execution, Options, Parameter, Pipeline, Resources, StageStep, choice, time_range

# options of every step, and of those that run on an engine
PROJECT: Options = {
    "--project-name": Parameter("ProjectName"),
    "--feature-spec-version": Parameter("FeatureSpecVersion", "v1"),
    "--lake": Parameter("LakeUri"),
    "--parameters": Parameter("ParametersUri", "dynamodb://project_parameters"),
}
ENGINE: Options = {"--engine": choice("Engine", *ENGINES)}
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


def resources(instance_type: str, volume_size_in_gb: int, work: str, step: int = 0, prefix: str = "") -> Resources:
    """Resources for a step of a work of `common.budgets`."""
    return Resources(instance_type, volume_size_in_gb, STEP_SECONDS[work][step], prefix=prefix)


def options_of(step: StageStep) -> Options:
    """All options that a step gives its command."""
    return {**PROJECT, **(ENGINE if step.has_engine else {}), **step.options}


UPKEEP_SECONDS = 4 * 3600
"""The longest upkeep: what is left then, that of the next day does."""

PROOF_SECONDS = 2 * 3600
"""The longest that a window is copied and scored."""

# a step that only waits for a backfill
WAITING = resources("ml.t3.medium", 10, "training", 1, prefix="Remediation")


DELTA = StageStep("DeltaBuilderStep", "ndr-delta", {**MINI_BATCH, **INPUT})


def training_step(name: str, stage: str, more: Options | None = None, on: Resources | None = None) -> StageStep:
    """One stage of the training command."""
    return StageStep(name, "ndr-if-training", {"--stage": stage, **TRAINING, **(more or {})}, on)


PIPELINES: dict[str, Pipeline] = {
    "ndr-15m-streaming": Pipeline(
        resources("ml.m5.xlarge", 50, "features"),
        (
            DELTA,
            StageStep("FGABuilderStep", "ndr-fg-a", MINI_BATCH),
            StageStep("PairCountsBuilderStep", "ndr-pair-counts", MINI_BATCH),
            StageStep("FGCCorrBuilderStep", "ndr-fg-c", {**MINI_BATCH, **BASELINE_MONTH}),
        ),
    ),
    # the same, predictions and the staged join in one job: one container and one engine to start, instead of six
    "ndr-15m-streaming-fused": Pipeline(
        resources("ml.m5.xlarge", 50, "backfill"),
        (
            StageStep(
                "Streaming15mStep",
                "ndr-15m",
                {
                    **MINI_BATCH,
                    **INPUT,
                    **BASELINE_MONTH,
                    "--from": choice("FirstStage", "delta", "fg-a", "fg-c"),
                    "--through": choice("LastStage", "join", "fg-c"),
                },
            ),
        ),
    ),
    # for ad-hoc runs, backfill and repair
    "ndr-delta-builder": Pipeline(resources("ml.m5.xlarge", 50, "backfill"), (DELTA,)),
    "ndr-inference-predictions": Pipeline(
        resources("ml.m5.large", 30, "inference"), (StageStep("InferencePredictionsStep", "ndr-inference", MINI_BATCH),)
    ),
    "ndr-prediction-feature-join": Pipeline(
        resources("ml.m5.large", 30, "join"),
        (
            StageStep(
                "PredictionFeatureJoinStep",
                "ndr-join",
                {
                    **MINI_BATCH,
                    "--destination": choice("PublicationTarget", "lake", "s3", "redshift"),
                    "--staged": Parameter("StagedJoin", "none"),
                },
            ),
        ),
        rights="redshift",
    ),
    "ndr-machine-inventory-unload": Pipeline(
        resources("ml.m5.large", 30, "inventory"),
        (StageStep("MachineInventoryUnloadStep", "ndr-inventory-unload", {"--month": Parameter("InventoryMonth")}),),
        rights="redshift",
    ),
    "ndr-fg-b-baseline": Pipeline(
        resources("ml.m5.4xlarge", 200, "fg_b"),
        (
            StageStep(
                "FGBaselineBuilderStep",
                "ndr-fg-b",
                {"--month": Parameter("BaselineMonth"), "--reference-time": Parameter("ReferenceTimeIso")},
            ),
        ),
    ),
    "ndr-if-training": Pipeline(
        resources("ml.m5.2xlarge", 100, "training"),
        (
            training_step("TrainingDataVerifierStep", "verify"),
            training_step("MissingFeatureCreationStep", "remediate", REMEDY, WAITING),
            training_step("PostRemediationVerificationStep", "reverify"),
            training_step("IFTrainingStep", "train"),
            training_step("ModelPublishStep", "publish"),
            training_step("ModelAttributesStep", "attributes"),
            training_step("ModelDeployStep", "deploy", {"--execution": Execution()}),
        ),
        rights="training",
    ),
    # what people get of a published window
    "ndr-page": Pipeline(
        resources("ml.m5.large", 30, "handover"),
        (StageStep("PageStep", "ndr-page", {"--out": Parameter("PageUri")}, has_engine=False),),
        rights="handover",
    ),
    "ndr-alerts": Pipeline(
        resources("ml.m5.large", 30, "handover"),
        (StageStep("AlertsStep", "ndr-alerts", {"--deliver": Parameter("Channel", "all")}, has_engine=False),),
        rights="handover",
    ),
    "ndr-maintain": Pipeline(
        Resources("ml.m5.large", 30, UPKEEP_SECONDS), (StageStep("MaintainStep", "ndr-maintain", {}),)
    ),
    "ndr-canary": Pipeline(
        Resources("ml.m5.xlarge", 100, PROOF_SECONDS), (StageStep("CanaryStep", "ndr-canary", {}, has_engine=False),)
    ),
    "ndr-backfill-historical-extractor": Pipeline(
        resources("ml.m5.large", 30, "extractor"),
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
        rights="extractor",
    ),
}
