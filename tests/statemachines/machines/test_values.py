"""What the machines pass on: windows, months, batches, locks, targets."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta

from common.windows import closed_window
from tests.statemachines.machines.cases import passed, walked
from tests.statemachines.machines.samples import (
    BATCH,
    CUSTOMER_360,
    DEFINITIONS,
    INGESTION,
    ITEMS,
    LIVE,
    LOCK,
    MESSAGES,
    MONTHLY,
    ORCHESTRATION,
    PUBLICATION,
    TRAINING,
)
from tests.statemachines.machines.situations import MANY_WINDOWS


def with_orchestration(**settings: Any) -> dict[str, Any]:
    """What the table of project parameters answers with other settings; none for those that are missing."""
    changed = {name: value for name, value in {**ORCHESTRATION, **settings}.items() if value is not None}
    return {"Item": {**ITEMS["project_parameters"], "orchestration": {"S": json.dumps(changed)}}}


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-02T06:30:00Z",
        "2026-03-31T06:30:00Z",
        "2024-03-31T00:07:59Z",
        "2026-01-15T00:08:00Z",
        "2026-07-31T12:00:00Z",
        "2024-06-30T23:59:59Z",
        "2026-03-29T01:30:00+02:00",
        "2026-01-01T00:00:00Z",
    ],
)
def test_training_takes_the_three_months_that_end_a_month_before(moment: str) -> None:
    given = passed(walked(TRAINING, {"project_name": "acme", "time": moment}), "StartTrainingPipeline")
    event = datetime.fromisoformat(moment).astimezone(datetime.fromisoformat("2026-01-01T00:00:00Z").tzinfo)
    expected = [closed_window(event - relativedelta(months=months)).end for months in (4, 1)]
    assert [datetime.fromisoformat(given[f"Training{end}TsIso"]) for end in ("Start", "End")] == expected


def test_training_takes_days_where_the_project_says_so() -> None:
    parameters = with_orchestration(training_days=10, training_gap_days=2)
    way = walked(TRAINING, MESSAGES[TRAINING], LoadProjectParametersFromDynamo=parameters)
    given = passed(way, "StartTrainingPipeline")
    # 2026-03-02T06:30Z, two days and then ten before, at the last bound of a window
    assert (given["TrainingStartTsIso"], given["TrainingEndTsIso"]) == ("2026-02-18T06:23:00Z", "2026-02-28T06:23:00Z")


def test_training_takes_what_the_message_says() -> None:
    asked = {"training_start_ts_iso": "2026-01-01T00:08:00Z", "training_end_ts_iso": "2026-02-01T00:10:00Z"}
    more = {"run_id": "mine", "missing_windows": ["20260101T0008Z", "20260101T0023Z"]}
    given = passed(walked(TRAINING, {**MESSAGES[TRAINING], **asked, **more}), "StartTrainingPipeline")
    assert (given["TrainingStartTsIso"], given["TrainingEndTsIso"]) == ("2026-01-01T00:08:00Z", "2026-02-01T00:08:00Z")
    assert (given["TrainingRunId"], given["MissingWindows"]) == ("mine", "20260101T0008Z,20260101T0023Z")


def test_more_missing_windows_than_fit_into_an_argument_are_handed_over_in_an_object() -> None:
    # 17 names of 14 characters and 16 commas have 254 characters
    for count, written in (17, False), (18, True):
        windows = MANY_WINDOWS[:count]
        way = walked(TRAINING, {**MESSAGES[TRAINING], "missing_windows": windows})
        given = passed(way, "StartTrainingPipeline")["MissingWindows"]
        calls = way.arguments.get("WriteMissingWindows", [])
        assert bool(calls) is written
        if written:
            assert calls[0]["Body"] == "\n".join(windows)
            assert given == f"@s3://{calls[0]['Bucket']}/{calls[0]['Key']}"
        else:
            assert given == ",".join(windows)


def test_the_run_of_the_same_training_has_the_same_name() -> None:
    times = ("2026-03-02T06:30:00Z", "2026-03-02T06:31:00Z", "2026-03-02T06:45:00Z")
    runs = [walked(TRAINING, {"project_name": "acme", "time": moment}) for moment in times]
    first, same, later = (passed(run, "StartTrainingPipeline")["TrainingRunId"] for run in runs)
    assert first == same != later
    assert re.fullmatch("if-[0-9a-f]{16}", first)


@pytest.mark.parametrize(
    ("more", "month", "reference"),
    [
        ({}, "2026-03", "2026-03-01T00:00:00Z"),
        ({"month": "2026-02"}, "2026-02", "2026-02-01T00:00:00Z"),
        ({"reference_ts_iso": "2026-02-14T00:08:00Z"}, "2026-03", "2026-02-14T00:08:00Z"),
        ({"time": "2025-12-01T00:30:00Z"}, "2025-12", "2025-12-01T00:00:00Z"),
    ],
)
def test_baselines_are_those_of_the_month(more: dict[str, str], month: str, reference: str) -> None:
    way = walked(MONTHLY, {**MESSAGES[MONTHLY], **more})
    assert passed(way, "StartMachineInventoryRefresh")["InventoryMonth"] == month
    given = passed(way, "StartFGBBaselinePipeline")
    assert (given["BaselineMonth"], given["ReferenceTimeIso"]) == (month, reference)


def test_without_a_time_the_month_is_that_of_the_start() -> None:
    way = walked(MONTHLY, {"project_name": "acme"})
    assert passed(way, "StartMachineInventoryRefresh")["InventoryMonth"] == "2026-03"


@pytest.mark.parametrize("paths", [[BATCH], [f"{BATCH}b", BATCH, f"{BATCH}a", f"{BATCH}b"]])
def test_all_batches_of_the_window_are_taken_once_and_in_order(paths: list[str]) -> None:
    listed = {"Items": [{"batch_s3_path": {"S": path}} for path in paths]}
    way = walked(LIVE, MESSAGES[LIVE], ListMiniBatchesOfWindow=listed)
    wanted = sorted(set(paths))
    assert passed(way, "Start15mFeaturesPipeline")["BatchS3Path"] == ",".join(wanted)
    release = way.arguments["ReleaseMiniBatchLockOnSuccess"][0]["ExpressionAttributeValues"]
    assert (release[":batches"]["SS"], way.output["batches"]) == (wanted, wanted)
    content = f"{hashlib.sha256(','.join(wanted).encode()).hexdigest()}-1"
    assert way.arguments["StartPredictionPublicationWorkflow"][0]["Input"]["content_id"] == content


def test_each_run_of_a_window_is_a_publication_of_its_own() -> None:
    old = {"Attributes": {"run_count": {"N": "4"}}}
    names = {
        walked(LIVE, MESSAGES[LIVE], AcquireMiniBatchLock=answer)
        .arguments["StartPredictionPublicationWorkflow"][0]["Input"]["content_id"]
        .rpartition("-")[2]
        for answer in ({}, old)
    }
    assert names == {"1", "5"}


def test_the_lock_is_that_of_the_window_and_ends_by_itself() -> None:
    lock = walked(LIVE, MESSAGES[LIVE]).arguments["AcquireMiniBatchLock"][0]
    assert lock["Key"] == {"lock_id": {"S": LOCK}}
    values = lock["ExpressionAttributeValues"]
    assert int(values[":until"]["N"]) - int(values[":now"]["N"]) == ORCHESTRATION["lock_lease_seconds"]


def test_the_publication_is_named_after_window_and_content() -> None:
    way = walked(PUBLICATION, MESSAGES[PUBLICATION])
    assert way.output["publication_id"] == f"{LOCK}#c1"
    without = {name: value for name, value in MESSAGES[PUBLICATION].items() if name != "content_id"}
    assert walked(PUBLICATION, without).output["publication_id"] == f"{LOCK}#unknown"


@pytest.mark.parametrize(
    ("asked", "setting", "target"), [("s3", "redshift", "s3"), (None, "redshift", "redshift"), (None, "lake", "lake")]
)
def test_the_target_is_asked_for_or_that_of_the_project(asked: str | None, setting: str, target: str) -> None:
    message = {**MESSAGES[PUBLICATION], **({"publication_target": asked} if asked else {})}
    parameters = with_orchestration(publication_target=setting)
    way = walked(PUBLICATION, message, LoadProjectParametersFromDynamo=parameters)
    assert passed(way, "StartPredictionJoinPipeline")["PublicationTarget"] == target


@pytest.mark.parametrize("machine", [machine for machine in DEFINITIONS if machine not in (INGESTION, CUSTOMER_360)])
def test_missing_parameters_are_listed(machine: str) -> None:
    parameters = with_orchestration(lake_uri=None, poll_seconds=None)
    way = walked(machine, MESSAGES[machine], LoadProjectParametersFromDynamo=parameters)
    assert way.error == "Ndr.InvalidInput"
    assert "acme (project_parameters#v1 in the table project_parameters) lack lake_uri, poll_seconds:" in way.cause
