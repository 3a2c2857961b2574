"""What the machine of ingestion says in the table, to the job, to the detection and in its alert."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.statemachines.machines.cases import cases
from tests.statemachines.machines.jsonata_engines import NOW
from tests.statemachines.machines.samples import FILE_KEYS, INGESTION, MESSAGES
from tests.statemachines.machines.walker import Walk

MESSAGE = MESSAGES[INGESTION]


def way(name: str) -> Walk:
    return cases(INGESTION)[name][1]


def marked(found: Walk, state: str) -> list[list[str]]:
    """The keys of the files that a state marks, one list for each transaction."""
    return [
        [entry["Update"]["Key"]["file_key"]["S"] for entry in given["TransactItems"]]
        for given in found.arguments.get(state, [])
    ]


@pytest.mark.slow
def test_a_manifest_passes_the_drawn_states() -> None:
    drawn = ["UpdateStatusProcessing", "StartGlueJob", "UpdateStatusCompleted"]
    assert [state for state in way("usual").states if state in drawn] == drawn
    assert way("usual").output == {"status": "SUCCEEDED", "manifest_id": "0f3a", "job_run_id": "jr_1"}


@pytest.mark.slow
def test_the_record_changes_only_at_its_attempt() -> None:
    (given,) = way("usual").arguments["UpdateStatusProcessing"]
    assert given["Key"] == {"date_prefix": {"S": "2026-03-10"}, "file_key": {"S": "MANIFEST#0f3a"}}
    assert given["ConditionExpression"] == (
        "attempt = :attempt AND (#status = :manifested OR (#status = :processing AND execution_arn = :execution))"
    )
    assert given["ExpressionAttributeValues"][":attempt"] == {"N": "1"}
    assert way("other-attempt").states == ["UpdateStatusProcessing", "ManifestNotToBeProcessed"]


def test_the_job_gets_the_manifest() -> None:
    (given,) = way("usual").arguments["StartGlueJob"]
    assert given["Arguments"] == {
        "--MANIFEST_PATH": MESSAGE["manifest_path"],
        "--MANIFEST_BUCKET": "ndr-manifests",
        "--OUTPUT_BUCKET": "ndr-parquet",
    }


@pytest.mark.parametrize(("case", "sizes"), [("one-file", [1]), ("usual", [2]), ("many-files", [100, 100, 50])])
def test_the_files_follow_a_hundred_at_a_time(case: str, sizes: list[int]) -> None:
    for state in ("MarkFilesProcessing", "MarkFilesCompleted"):
        chunks = marked(way(case), state)
        assert [len(chunk) for chunk in chunks] == sizes
        assert len({key for chunk in chunks for key in chunk}) == sum(sizes)
    assert marked(way("usual"), "MarkFilesProcessing") == [FILE_KEYS]
    write = way("usual").arguments["MarkFilesCompleted"][0]["TransactItems"][0]["Update"]
    assert write["ExpressionAttributeValues"][":status"] == {"S": "completed"}
    assert write["ConditionExpression"] == "manifest_id = :manifest"


def test_only_what_is_completed_is_forgotten_after_its_days() -> None:
    until = {"N": str(NOW // 1000 + 400 * 86_400)}
    found = way("usual")
    (record,) = found.arguments["UpdateStatusCompleted"]
    assert ", expires_at = :until REMOVE" in record["UpdateExpression"]
    file = found.arguments["MarkFilesCompleted"][0]["TransactItems"][0]["Update"]
    assert file["UpdateExpression"] == "SET #status = :status, updated_at = :now, expires_at = :until"
    assert [given["ExpressionAttributeValues"][":until"] for given in (record, file)] == [until, until]
    assert "expires_at" not in json.dumps([found.arguments["MarkFilesProcessing"], way("job-fails").arguments])


@pytest.mark.parametrize("state", ["Completed", "Failed"])
def test_files_come_to_their_final_state_before_their_manifest(state: str) -> None:
    states = way({"Completed": "many-files", "Failed": "job-fails"}[state]).states
    marking = [number for number, name in enumerate(states) if name == f"MarkFiles{state}"]
    assert len(marking) == 3
    assert max(marking) < states.index(f"UpdateStatus{state}")


@pytest.mark.parametrize("state", ["MarkFilesCompleted", "UpdateStatusCompleted"])
def test_what_cannot_be_marked_once_the_job_is_done_is_left_to_the_sweep(state: str) -> None:
    found = way(f"{state}-catch-0")
    assert (found.status, found.states[-2:]) == ("SUCCEEDED", [state, "MarkedBySweep"])
    assert (found.output["status"], found.output["job_run_id"]) == ("SUCCEEDED", "jr_1")
    assert "could not be marked as completed" in found.output["not_marked"]


def test_a_manifest_that_was_left_for_later_already_is_not_failed() -> None:
    found = way("LeaveForSweep-catch-0")
    assert (found.status, found.output["status"]) == ("SUCCEEDED", "LEFT_FOR_SWEEP")
    assert not marked(found, "MarkFilesFailed")


def test_files_that_were_marked_in_part_are_all_marked_as_failed() -> None:
    found = way("many-files-half-taken-up")
    tried = marked(found, "MarkFilesProcessing")
    assert len(tried) == 1 + 6  # the second transaction is tried five times more
    assert [key for chunk in tried[:2] for key in chunk] == [f"{n:03}.ndjson#{n:016x}" for n in range(200)]
    assert [len(chunk) for chunk in marked(found, "MarkFilesFailed")] == [100, 100, 50]


def test_a_busy_job_leaves_the_manifest_for_the_next_attempt() -> None:
    found = way("busy-for-ever")
    assert len(found.arguments["StartGlueJob"]) == 4  # the first, and three more
    (given,) = found.arguments["LeaveForSweep"]
    values = given["ExpressionAttributeValues"]
    assert (values[":manifested"], values[":next"]) == ({"S": "manifested"}, {"N": "2"})
    assert (found.status, found.output["status"]) == ("SUCCEEDED", "LEFT_FOR_SWEEP")
    assert marked(found, "MarkFilesWaiting") == [FILE_KEYS]
    assert way("busy-for-a-while").output["job_run_id"] == "jr_2"


def alert(found: Walk) -> dict[str, Any]:
    (given,) = found.arguments["SendFailureAlert"]
    message: dict[str, Any] = json.loads(given["Message"])
    return message


def test_a_failed_job_is_marked_and_said_with_what_to_type() -> None:
    found = way("job-fails")
    cause = "job ndr-ndjson-to-parquet, run jr_1, ended as FAILED: 2 of 10 records are rejected"
    (given,) = found.arguments["UpdateStatusFailed"]
    assert given["ExpressionAttributeValues"][":error"] == {"S": cause}
    assert [len(chunk) for chunk in marked(found, "MarkFilesFailed")] == [100, 100, 50]
    assert (found.status, found.error, found.cause) == ("FAILED", "Ndr.IngestionJobFailed", cause)
    said = alert(found)
    assert (said["manifest_id"], said["cause"]) == ("0f3a", cause)
    assert said["what_to_do"] == "Correct the cause, then: ndr-ingestion reprocess 0f3a"


def test_a_job_that_does_not_start_is_said_so() -> None:
    cause = "job ndr-ndjson-to-parquet could not be started: Glue.EntityNotFoundException: no job"
    assert alert(way("job-missing"))["cause"] == cause


def test_files_that_cannot_be_marked_do_not_hide_why_the_manifest_failed() -> None:
    assert alert(way("MarkFilesFailed-catch-0"))["cause"].startswith("job ndr-ndjson-to-parquet, run jr_1, ")


def test_a_routed_manifest_becomes_a_batch_before_it_is_completed() -> None:
    found = way("routed-two-parts")
    folder = "fw_paloalto/acme/emea/2026/03/10/0f3a"
    copies = [(given["CopySource"], given["Key"]) for given in found.arguments["CopyParquetToBatch"]]
    names = [f"0f3a-0000{part}-of-00002.parquet" for part in (1, 2)]
    assert copies == [(f"ndr-parquet/merged-parquet-2026-03-10/{name}", f"{folder}/{name}") for name in names]
    (event,) = found.arguments["EmitBatchCompletedEvent"][0]["Entries"]
    assert event["DetailType"] == "NdrBatchCompleted"
    assert event["Detail"] == {
        "batch_s3_path": f"s3://ndr-ingestion/{folder}/",
        "timestamp": MESSAGE["timestamp"],
    }
    assert found.states.index("MarkBatchAnnounced") < found.states.index("UpdateStatusCompleted")


@pytest.mark.parametrize("case", ["usual", "routed-before", "routed-no-rows"])
def test_no_batch_is_announced_without_a_route_twice_or_empty(case: str) -> None:
    found = way(case)
    assert found.status == "SUCCEEDED"
    assert "EmitBatchCompletedEvent" not in found.arguments
