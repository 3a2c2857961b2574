"""Backfill: every window of a request lands once, a bounded number at a time; the event accounts for all of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.statemachines.control_plane import INGESTION, ControlPlane, batch_event, deploy_control_plane, window

BACKFILL, LIVE = "sfn_ndr_backfill_reprocessing", "sfn_ndr_15m_features_inference"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plane(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    # a short lease, so that nobody waits long for a window that another execution keeps
    polls = {"features_poll_attempts": 30, "inference_poll_attempts": 15, "join_poll_attempts": 15}
    orchestration = {**polls, "extractor_poll_attempts": 600, "backfill_poll_attempts": 40, "lock_lease_seconds": 60}
    for plane in deploy_control_plane(start_local_aws, tmp_path_factory.mktemp("backfill"), orchestration):
        s3 = plane.aws.client("s3")
        for number in range(97):
            if number != 50:
                event = batch_event(number)
                key = event["batch_s3_path"].removeprefix(f"s3://{INGESTION}/")
                s3.put_object(Bucket=INGESTION, Key=f"{key}part-00000.csv", Body=b"x")
                stamp = json.dumps({"event_ts_iso": event["timestamp"]})
                s3.put_object(Bucket=INGESTION, Key=f"{key}_BATCH.json", Body=stamp.encode())
        sqs, events = plane.aws.client("sqs"), plane.aws.client("events")
        queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="heard", EventBusName="ndr", EventPattern='{"detail-type": ["NdrBackfillReconciled"]}')
        events.put_targets(Rule="heard", EventBusName="ndr", Targets=[{"Id": "heard", "Arn": arn}])
        yield plane


def heard(plane: ControlPlane) -> dict[str, Any]:
    sqs = plane.aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="heard")["QueueUrl"]
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return dict(json.loads(message["Body"])["detail"])


def request(first: int, last: int, **more: Any) -> dict[str, Any]:
    return {"project_name": "acme", "start_ts_iso": window(first)[0], "end_ts_iso": window(last)[1], **more}


def starts(plane: ControlPlane, command: str) -> Counter[str]:
    calls = [call.split() for call in plane.calls if call.startswith(f"{command} ")]
    return Counter(call[call.index("--window") + 1].split("/")[0] for call in calls)


def key(number: int) -> str:
    return window(number)[0].replace("-", "").replace(":", "")[:13] + "Z"


def span(first: int, last: int) -> str:
    return f"{key(first)}/{key(last + 1)}"


def lock_id(number: int) -> str:
    return "acme#v1#" + "#".join(window(number))


def test_a_day_is_two_jobs_and_the_event_accounts_for_all_ranges(plane: ControlPlane) -> None:
    """50 windows of a day, those after a gap, of which another execution has one, and the first of the next day."""
    plane.aws.client("dynamodb").put_item(
        TableName="processing_lock",
        Item={
            "lock_id": {"S": lock_id(60)}, "owner": {"S": "a live run"},
            "expires_at": {"N": str(int(time.time()) + 3600)},
        },
    )  # fmt: skip
    ended = plane.run(BACKFILL, request(0, 96, request_id="all", parallelism=4), seconds=300)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    detail = heard(plane)
    assert detail["skipped"] == [
        {"range": span(51, 95), "reason": "another execution works on a window of the range"},
        {"range": span(50, 50), "reason": "no batch"},
    ]
    assert detail["failed"] == [] and detail["unaccounted"] == 0 and detail["status"] == "SUCCEEDED"
    assert sorted(detail["done"]) == [span(0, 49), span(96, 96)]
    for command in ("ndr-delta", "ndr-15m"):
        assert starts(plane, command) == {window(0)[0]: 1, window(96)[0]: 1}
    assert json.loads(ended["output"]) == detail
    assert [len(given) for given in inputs(plane, "ndr-delta", 0, 49)] == [50]
    locks = [plane.item("processing_lock", lock_id=lock_id(number)) or {} for number in (*range(50), 96)]
    assert all("owner" not in lock and len(lock["batches"]) == 1 for lock in locks)
    assert "batches" not in (plane.item("processing_lock", lock_id=lock_id(70)) or {})


def test_deltas_come_before_features_which_are_not_computed_with_them_again(plane: ControlPlane) -> None:
    plane.run(BACKFILL, request(10, 17, request_id="order"), seconds=120)
    heard(plane)
    calls = [call.split() for call in plane.calls if "/".join((window(10)[0], window(17)[1])) in call]
    stages = [call for call in calls if call[0] != "ndr-extractor"]
    assert [call[0] for call in stages] == ["ndr-delta", "ndr-15m"]
    assert stages[1][stages[1].index("--from") + 1] == "fg-a"


def inputs(plane: ControlPlane, command: str, first: int, last: int | None = None) -> list[list[str]]:
    """The batches of each step of a command on these windows, by the names of their folders."""
    bounds = "/".join((window(first)[0], window(first if last is None else last)[1]))
    calls = [call.split() for call in plane.calls if call.startswith(f"{command} ") and bounds in call]
    given = [call[call.index("--input") + 1] for call in calls]
    return [[path.rstrip("/").rpartition("/")[2] for path in paths_of(plane, entry)] for entry in given]


def paths_of(plane: ControlPlane, entry: str) -> list[str]:
    if not entry.startswith("@"):
        return entry.split(",")
    bucket, _, name = entry.removeprefix("@s3://").partition("/")
    body = plane.aws.client("s3").get_object(Bucket=bucket, Key=name)["Body"].read().decode()
    return [line.partition("\t")[2] for line in body.splitlines()]


def test_a_live_batch_that_arrives_during_a_backfill_waits_and_runs_the_window_with_what_the_backfill_found(
    plane: ControlPlane,
) -> None:
    """The backfill swallowed such a batch: its execution ended as handed over, and nobody took it along."""
    before = len(inputs(plane, "ndr-15m", 30))
    plane.order("ndr-15m", "sleep 2")
    backfill = plane.start(BACKFILL, request(30, 30, request_id="meanwhile"))
    while len(inputs(plane, "ndr-15m", 30)) == before:
        time.sleep(0.05)
    live = plane.start(LIVE, batch_event(30, "live"))
    assert plane.finish(backfill)["status"] == "SUCCEEDED"
    heard(plane)
    ended = plane.finish(live)
    plane.order("ndr-15m", None)
    assert ended["status"] == "SUCCEEDED", ended
    assert inputs(plane, "ndr-15m", 30)[before:] == [["batch030"], ["batch030", "live"]]
    lock = plane.item("processing_lock", lock_id=lock_id(30))
    assert lock is not None and "owner" not in lock
    assert len(lock["batches"]) == len(lock["published"]) == 2


def test_a_backfill_runs_with_the_batches_of_the_window_when_it_gets_its_lock(plane: ControlPlane) -> None:
    """It ran with the list of its manifest, and took out of the tables what had come since."""
    deltas, features = len(inputs(plane, "ndr-delta", 31)), len(inputs(plane, "ndr-15m", 31))
    plane.order("ndr-delta", "sleep 2")
    backfill = plane.start(BACKFILL, request(31, 31, request_id="since"))
    while len(inputs(plane, "ndr-delta", 31)) == deltas:
        time.sleep(0.05)
    live = plane.start(LIVE, batch_event(31, "since"))
    ended = plane.finish(backfill)
    heard(plane)
    plane.order("ndr-delta", None)
    assert ended["status"] == "SUCCEEDED", ended
    finished = plane.finish(live)
    assert finished["status"] == "SUCCEEDED", finished.get("cause")
    assert inputs(plane, "ndr-delta", 31)[deltas:] == [["batch031"]]
    assert inputs(plane, "ndr-15m", 31)[features:] == [["batch031", "since"]] * 2


def test_a_failed_window_is_listed_with_its_reason_and_the_others_are_done(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "fail disk is full")
    ended = plane.run(BACKFILL, request(20, 21, request_id="broken"), seconds=120)
    plane.order("ndr-15m", None)
    assert ended["status"] == "FAILED"
    assert "none of 2 windows was done" in ended["cause"] and "disk is full" in ended["cause"]
    detail = heard(plane)
    assert [entry["range"] for entry in detail["failed"]] == [span(20, 21)]
    assert all("step Streaming15mStep" in entry["reason"] for entry in detail["failed"])
    again = plane.run(BACKFILL, request(20, 21, request_id="again", windows=[key(21)]), seconds=120)
    assert json.loads(again["output"])["done"] == [span(21, 21)]


def test_a_range_without_batches_is_all_skipped(plane: ControlPlane) -> None:
    ended = plane.run(BACKFILL, request(50, 50, request_id="empty"), seconds=60)
    assert json.loads(ended["output"])["skipped"] == [{"range": span(50, 50), "reason": "no batch"}]


def test_more_windows_than_fit_into_an_argument_are_handed_over_in_a_file(plane: ControlPlane) -> None:
    wanted = [key(number) for number in range(70, 92)]
    ended = plane.run(BACKFILL, request(65, 95, request_id="many", windows=wanted), seconds=120)
    assert json.loads(ended["output"])["done"] == [span(70, 91)]
    call = next(call for call in plane.calls if call.startswith("ndr-extractor ") and "--request-id many" in call)
    assert call.split()[call.split().index("--windows-filter") + 1].startswith("@s3://")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"project_name": None}, "no project_name"),
        ({"start_ts_iso": None}, "no start_ts_iso"),
        ({"end_ts_iso": "tomorrow"}, "end_ts_iso tomorrow"),
        ({"end_ts_iso": "2020-01-01T00:08:00Z"}, "not before"),
        ({"parallelism": 0}, "parallelism"),
        ({"first_stage": "fg-b"}, "first_stage"),
        ({"end_ts_iso": "2027-01-01T00:08:00Z"}, "windows, but a backfill may have at most 9600: split the range"),
        ({"request_id": "a/b"}, "request_id"),
        ({"project_name": "nobody"}, "project parameters of nobody"),
    ],
)
def test_a_request_that_makes_no_sense_fails_early(plane: ControlPlane, change: dict[str, Any], cause: str) -> None:
    message = {name: value for name, value in {**request(0, 1), **change}.items() if value is not None}
    ended = plane.run(BACKFILL, message)
    assert ended["error"] == "Ndr.InvalidInput" and cause in ended["cause"]
