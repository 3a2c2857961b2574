"""What each step's container runs, and that the stage's own command line takes it."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import Any

import click
import pytest

from common.runtime.catalog import STAGES
from common.windows import Windows
from tests.pipelines.resolution import EXECUTION, command_line, step_cases, steps

MODULES = {stage.command: stage.module for stage in STAGES}
WITHOUT_ENGINE = (
    "--project-name acme --feature-spec-version v1 --lake s3://acme-lake/ndr --parameters dynamodb://project_parameters"
)
PROJECT = f"{WITHOUT_ENGINE} --engine spark"
BATCH = f"{PROJECT} --mini-batch-id 00f422eb31da2d93 --window 2026-03-10T13:08:00Z/2026-03-10T13:23:00Z"
INPUT = "--input s3://acme-ingest/acme/hq/2026/03/10/00f422eb31da2d93"
TRAINING = "--window 2026-02-10T00:08:00Z/2026-03-10T00:08:00Z --run-id if-1f0a6a1b2c3d4e5f"
REMEDY = (
    "--missing-windows 20260301T1308Z,20260302T0023Z --backfill-state-machine "
    "arn:aws:states:eu-central-1:123456789012:stateMachine:backfill:live"
)
COMMAND_LINES = {
    "ndr-15m-streaming": {
        "DeltaBuilderStep": f"ndr-delta {BATCH} {INPUT}",
        "FGABuilderStep": f"ndr-fg-a {BATCH}",
        "PairCountsBuilderStep": f"ndr-pair-counts {BATCH}",
        "FGCCorrBuilderStep": f"ndr-fg-c {BATCH} --baseline-month 2026-03",
    },
    "ndr-15m-streaming-fused": {
        "Streaming15mStep": f"ndr-15m {BATCH} {INPUT} --baseline-month 2026-03 --from fg-a --through fg-c"
    },
    "ndr-inference-predictions": {"InferencePredictionsStep": f"ndr-inference {BATCH}"},
    "ndr-prediction-feature-join": {
        "PredictionFeatureJoinStep": f"ndr-join {BATCH} --destination redshift --staged 00f422eb31da2d93"
    },
    "ndr-machine-inventory-unload": {"MachineInventoryUnloadStep": f"ndr-inventory-unload {PROJECT} --month 2026-03"},
    "ndr-fg-b-baseline": {
        "FGBaselineBuilderStep": f"ndr-fg-b {PROJECT} --month 2026-03 --reference-time 2026-03-01T00:00:00Z"
    },
    "ndr-if-training": {
        "TrainingDataVerifierStep": f"ndr-if-training {PROJECT} --stage verify {TRAINING}",
        "MissingFeatureCreationStep": f"ndr-if-training {PROJECT} --stage remediate {TRAINING} {REMEDY}",
        "PostRemediationVerificationStep": f"ndr-if-training {PROJECT} --stage reverify {TRAINING}",
        "IFTrainingStep": f"ndr-if-training {PROJECT} --stage train {TRAINING}",
        "ModelPublishStep": f"ndr-if-training {PROJECT} --stage publish {TRAINING}",
        "ModelAttributesStep": f"ndr-if-training {PROJECT} --stage attributes {TRAINING}",
        "ModelDeployStep": f"ndr-if-training {PROJECT} --stage deploy {TRAINING} --execution {EXECUTION}",
    },
    "ndr-backfill-historical-extractor": {
        "HistoricalWindowsExtractorStep": f"ndr-extractor {PROJECT} --request-id march-outage "
        "--window 2026-03-01T00:08:00Z/2026-03-03T00:08:00Z --input-prefix s3://acme-ingest/acme/hq "
        "--windows-filter 20260301T1308Z,20260302T0023Z --manifest s3://acme-artifacts/backfill/march-outage "
        "--source index"
    },
    "ndr-page": {"PageStep": f"ndr-page {WITHOUT_ENGINE} --out s3://acme-artifacts/page/acme/"},
    "ndr-alerts": {"AlertsStep": f"ndr-alerts {WITHOUT_ENGINE} --deliver soc"},
    "ndr-maintain": {"MaintainStep": f"ndr-maintain {PROJECT}"},
    "ndr-canary": {"CanaryStep": f"ndr-canary {WITHOUT_ENGINE}"},
    "ndr-delta-builder": {"DeltaBuilderStep": f"ndr-delta {BATCH} {INPUT}"},
}

ENGINELESS = ("ndr-page", "ndr-alerts", "ndr-canary")


def parse(step: dict[str, Any]) -> dict[str, Any]:
    """The parameters that the stage's command makes of the step's arguments."""
    command, *arguments = command_line(step)
    main: click.Command = import_module(f"{MODULES[command]}.cli").main
    assert main.name == command
    return main.make_context(command, arguments).params


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_command_line(name: str) -> None:
    lines = {step["Name"]: shlex.join(command_line(step)) for pipeline, step in steps() if pipeline == name}
    assert lines == COMMAND_LINES[name]


@pytest.mark.parametrize(("name", "step"), step_cases())
def test_the_command_takes_the_arguments(name: str, step: dict[str, Any]) -> None:
    taken = parse(step)
    assert taken["project_name"] == "acme"
    assert taken["lake_uri"] == "s3://acme-lake/ndr"
    assert taken.get("engine", "none") == ("none" if name in ENGINELESS else "spark")
    if taken.get("mini_batch_id"):
        assert taken["windows"] == Windows.parse("2026-03-10T13:08Z")


@pytest.mark.parametrize(("name", "step"), step_cases(with_defaults=True))
def test_the_command_takes_the_defaults(name: str, step: dict[str, Any]) -> None:
    assert parse(step).get("engine", "none") == ("none" if name in ENGINELESS else "sail")


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("ndr-15m-streaming-fused", "--baseline-month", "auto"),
        ("ndr-15m-streaming-fused", "--from", "delta"),
        ("ndr-15m-streaming-fused", "--through", "join"),
        ("ndr-prediction-feature-join", "--staged", "none"),
        ("ndr-prediction-feature-join", "--destination", "lake"),
        ("ndr-backfill-historical-extractor", "--windows-filter", "all"),
        ("ndr-backfill-historical-extractor", "--source", "auto"),
        ("ndr-backfill-historical-extractor", "--parameters", "dynamodb://project_parameters"),
        ("ndr-backfill-historical-extractor", "--feature-spec-version", "v1"),
    ],
)
def test_defaults(name: str, option: str, value: str) -> None:
    [step] = [step for pipeline, step in steps(with_defaults=True) if pipeline == name]
    arguments = command_line(step)
    assert arguments[arguments.index(option) + 1] == value
