"""What the locks guarantee: every window is processed once, and nothing is lost when its owner dies."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from localaws.cli.process import LocalAws
from tests.statemachines.control_plane import ControlPlane, batch_event, deploy_control_plane, window
from tests.statemachines.windows_of_acme import calls_of, end_lease, index, lock_id, wait_for_call

FIFTEEN = "sfn_ndr_15m_features_inference"
PUBLICATION = "sfn_ndr_prediction_publication"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plane(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    yield from deploy_control_plane(start_local_aws, tmp_path_factory.mktemp("locks"))


@pytest.fixture(autouse=True)
def no_orders(plane: ControlPlane) -> Iterator[None]:
    yield
    for path in (plane.folder / "orders").iterdir():
        path.unlink()


def publication_message(number: int, content: str) -> dict[str, str]:
    start, end = window(number)
    return {
        "project_name": "acme", "mini_batch_id": "b", "batch_start_ts_iso": start, "batch_end_ts_iso": end,
        "content_id": content,
    }  # fmt: skip


def test_one_of_a_hundred_executions_of_an_event_runs_and_the_others_wait_for_it(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 1")
    ended = plane.run_at_once(FIFTEEN, [batch_event(0)] * 100)
    said = Counter(
        json.loads(execution["output"])["status"] if execution["status"] == "SUCCEEDED" else execution["error"]
        for execution in ended
    )
    assert said["SUCCEEDED"] == 1
    assert said["INCLUDED"] + said["DUPLICATE"] == 99
    (fused,), (join,) = calls_of(plane, "ndr-15m", 0), calls_of(plane, "ndr-join", 0)
    assert calls_of(plane, "ndr-inference", 0) == []
    assert "--through join" in fused and "--mini-batch-id batch000" in fused
    assert join.endswith("--staged batch000")


def test_an_event_that_comes_again_later_is_a_duplicate(plane: ControlPlane) -> None:
    assert plane.run(FIFTEEN, batch_event(1))["status"] == "SUCCEEDED"
    again = plane.run(FIFTEEN, batch_event(1))
    output = json.loads(again["output"])
    assert (again["status"], output["status"]) == ("SUCCEEDED", "DUPLICATE")
    assert output["reason"].endswith("was processed already")
    assert len(calls_of(plane, "ndr-15m", 1)) == 1


def test_a_second_batch_of_a_window_is_processed_together_with_the_first(plane: ControlPlane) -> None:
    assert plane.run(FIFTEEN, batch_event(2, "first"))["status"] == "SUCCEEDED"
    assert plane.run(FIFTEEN, batch_event(2, "second"))["status"] == "SUCCEEDED"
    first, both = calls_of(plane, "ndr-15m", 2)
    assert "/first" in first and "/second" not in first
    assert "/first," in both and "/second" in both
    assert len(calls_of(plane, "ndr-join", 2)) == 2, "other contents are another publication"


def test_more_batches_than_fit_into_an_argument_are_handed_over_in_a_file(plane: ControlPlane) -> None:
    folders = [f"a-batch-whose-name-is-quite-long-{number}" for number in range(4)]
    for folder in folders:
        assert plane.run(FIFTEEN, batch_event(10, folder))["status"] == "SUCCEEDED"
    call = calls_of(plane, "ndr-15m", 10)[-1].split()
    given = call[call.index("--input") + 1]
    assert given.startswith("@s3://")
    bucket, _, name = given.removeprefix("@s3://").partition("/")
    listed = plane.aws.client("s3").get_object(Bucket=bucket, Key=name)["Body"].read().decode().splitlines()
    assert [path.rpartition("/")[2] for path in listed] == folders


def test_a_batch_that_arrives_while_its_window_is_processed_waits_and_runs_it_again(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 2")
    first = plane.start(FIFTEEN, batch_event(3, "early"))
    wait_for_call(plane, "ndr-15m", 3, first)
    late = plane.run(FIFTEEN, batch_event(3, "late"))
    assert plane.finish(first)["status"] == late["status"] == "SUCCEEDED"
    assert [path.rpartition("/")[2] for path in json.loads(late["output"])["batches"]] == ["early", "late"]
    lock = plane.item("processing_lock", lock_id=lock_id(3))
    assert lock is not None and "owner" not in lock
    assert len(lock["batches"]) == len(lock["published"]) == 2


def test_batches_that_wait_are_taken_along_by_the_first_that_gets_the_window(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 2")
    first = plane.start(FIFTEEN, batch_event(11, "one"))
    wait_for_call(plane, "ndr-15m", 11, first)
    others = [plane.start(FIFTEEN, batch_event(11, name)) for name in ("two", "three", "four")]
    ended = [plane.finish(execution) for execution in (first, *others)]
    assert sorted(json.loads(execution["output"])["status"] for execution in ended) == [
        "INCLUDED", "INCLUDED", "SUCCEEDED", "SUCCEEDED",
    ]  # fmt: skip
    assert len(calls_of(plane, "ndr-15m", 11)) == 2


def test_who_waits_takes_over_from_an_owner_that_was_stopped_and_stops_what_it_left_running(
    plane: ControlPlane,
) -> None:
    plane.order("ndr-15m", "sleep 20")
    owner = plane.start(FIFTEEN, batch_event(4, "killed"))
    wait_for_call(plane, "ndr-15m", 4, owner)
    other = plane.start(FIFTEEN, batch_event(4, "waiting"))
    plane.aws.client("stepfunctions").stop_execution(executionArn=owner)
    assert plane.finish(owner)["status"] == "ABORTED"
    plane.order("ndr-15m", None)
    end_lease(plane, 4)
    ended = plane.finish(other)
    assert ended["status"] == "SUCCEEDED", ended
    assert len(json.loads(ended["output"])["batches"]) == 2
    sagemaker = plane.aws.client("sagemaker")
    runs = sagemaker.list_pipeline_executions(PipelineName="ndr-15m-streaming-fused")["PipelineExecutionSummaries"]
    ours = [run for run in runs if lock_id(4) in run["PipelineExecutionDescription"]]
    assert sorted(run["PipelineExecutionStatus"] for run in ours) == ["Stopped", "Succeeded"]


def test_a_failed_window_is_released_and_says_which_step_failed_and_why(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "fail table delta_host is locked")
    failed = plane.run(FIFTEEN, batch_event(5))
    assert failed["error"] == "Ndr.PipelineFailed"
    assert "pipeline ndr-15m-streaming-fused, step Streaming15mStep" in failed["cause"]
    assert "table delta_host is locked" in failed["cause"]
    lock = plane.item("processing_lock", lock_id=lock_id(5))
    assert lock is not None and not {"owner", "batches", "published"} & set(lock)
    assert "table delta_host is locked" in index(plane, 5)["batch005"]["failure"]
    plane.order("ndr-15m", None)
    assert plane.run(FIFTEEN, batch_event(5))["status"] == "SUCCEEDED"
    assert "failure" not in index(plane, 5)["batch005"]


def test_an_owner_whose_lease_was_lost_releases_nothing_and_waits(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 2")
    owner = plane.start(FIFTEEN, batch_event(6))
    wait_for_call(plane, "ndr-15m", 6, owner)
    dynamodb = plane.aws.client("dynamodb")
    dynamodb.update_item(
        TableName="processing_lock", Key={"lock_id": {"S": lock_id(6)}}, UpdateExpression="SET #owner = :other",
        ExpressionAttributeNames={"#owner": "owner"}, ExpressionAttributeValues={":other": {"S": "somebody else"}},
    )  # fmt: skip
    while "WaitForWindow" not in plane.visited(owner):
        time.sleep(0.1)
    lock = plane.item("processing_lock", lock_id=lock_id(6))
    assert lock is not None and lock["owner"] == "somebody else" and "batches" not in lock
    path = batch_event(6)["batch_s3_path"].rstrip("/")
    dynamodb.update_item(
        TableName="processing_lock", Key={"lock_id": {"S": lock_id(6)}}, UpdateExpression="SET published = :batches",
        ExpressionAttributeValues={":batches": {"SS": [path]}},
    )  # fmt: skip
    assert '"INCLUDED"' in plane.finish(owner)["output"]
    assert len(calls_of(plane, "ndr-join", 6)) == 0


def test_a_batch_that_fails_its_window_is_set_aside_and_the_others_are_published(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "refuse damaged")
    assert plane.run(FIFTEEN, batch_event(12, "whole"))["status"] == "SUCCEEDED"
    failed = plane.run(FIFTEEN, batch_event(12, "damaged"))
    assert failed["error"] == "Ndr.BatchSetAside" and "damaged is damaged" in failed["cause"]
    assert "damaged is damaged" in index(plane, 12)["damaged"]["set_aside"]
    assert plane.run(FIFTEEN, batch_event(12, "later"))["status"] == "SUCCEEDED"
    assert "damaged" not in calls_of(plane, "ndr-15m", 12)[-1]
    again = plane.run(FIFTEEN, batch_event(12, "damaged"))
    assert again["error"] == "Ndr.BatchSetAside"
    lock = plane.item("processing_lock", lock_id=lock_id(12))
    assert lock is not None and "owner" not in lock
    assert {path.rpartition("/")[2] for path in lock["published"]} == {"whole", "later"}


def test_a_folder_stays_in_the_window_of_its_first_event(plane: ControlPlane) -> None:
    assert plane.run(FIFTEEN, batch_event(15, "moved"))["status"] == "SUCCEEDED"
    again = plane.run(FIFTEEN, batch_event(16, "moved"))
    output = json.loads(again["output"])
    assert output["status"] == "DUPLICATE" and "/".join(window(15)) in output["reason"]
    assert calls_of(plane, "ndr-15m", 16) == []


def test_folders_of_one_name_of_two_organisations_are_two_batches(plane: ControlPlane) -> None:
    for organisation in ("acme/emea", "acme/apac"):
        assert plane.run(FIFTEEN, batch_event(13, "b1", organisation))["status"] == "SUCCEEDED"
    call = calls_of(plane, "ndr-15m", 13)[-1]
    assert "acme/emea/2026/03/10/b1," not in call and "acme/apac/2026/03/10/b1,s3://" in call
    assert "acme/emea/2026/03/10/b1" in call


def test_locks_and_entries_of_the_release_before_are_understood(plane: ControlPlane) -> None:
    """A window that was done kept its owner and its end, and entries had the key of the folder's name."""
    path = batch_event(14, "before")["batch_s3_path"].rstrip("/")
    plane.upload(path)
    dynamodb = plane.aws.client("dynamodb")
    dynamodb.put_item(
        TableName="batch_index",
        Item={
            "project_name": {"S": "acme"}, "batch_key": {"S": f"{window(14)[1]}#before"}, "batch_s3_path": {"S": path},
            "mini_batch_id": {"S": "before"}, "event_ts_iso": {"S": window(14)[1]},
        },
    )  # fmt: skip
    dynamodb.put_item(
        TableName="processing_lock",
        Item={
            "lock_id": {"S": lock_id(14)}, "owner": {"S": "an execution that ended"}, "status": {"S": "SUCCEEDED"},
            "batches": {"SS": [path]}, "expires_at": {"N": str(int(time.time()) + 3600)},
        },
    )  # fmt: skip
    assert plane.run(FIFTEEN, batch_event(14, "before"))["output"].count("INCLUDED") == 1
    assert plane.run(FIFTEEN, batch_event(14, "after"))["status"] == "SUCCEEDED"
    (call,) = calls_of(plane, "ndr-15m", 14)
    assert "/after" in call and call.count("/before") == 1


def test_a_failed_publication_is_retried_and_a_successful_one_suppressed(plane: ControlPlane) -> None:
    plane.order("ndr-join", "fail Redshift is paused")
    failed = plane.run(PUBLICATION, publication_message(7, "c7"))
    assert failed["error"] == "Ndr.PipelineFailed"
    assert "step PredictionFeatureJoinStep" in failed["cause"] and "Redshift is paused" in failed["cause"]
    key = f"{lock_id(7)}#c7"
    lock = plane.item("publication_lock", publication_id=key)
    assert lock is not None and lock["status"] == "FAILED" and "Redshift is paused" in lock["failure_cause"]
    plane.order("ndr-join", None)
    assert plane.run(PUBLICATION, publication_message(7, "c7"))["status"] == "SUCCEEDED"
    again = plane.run(PUBLICATION, publication_message(7, "c7"))
    assert again["status"] == "SUCCEEDED" and '"SUPPRESSED"' in again["output"]
    assert len(calls_of(plane, "ndr-join", 7)) == 2


def test_a_failed_publication_fails_the_window_with_the_reason_from_inside(plane: ControlPlane) -> None:
    plane.order("ndr-join", "fail Redshift is paused")
    failed = plane.run(FIFTEEN, batch_event(8))
    assert failed["error"] == "Ndr.PublicationFailed"
    assert "step PredictionFeatureJoinStep" in failed["cause"] and "Redshift is paused" in failed["cause"]
    lock = plane.item("processing_lock", lock_id=lock_id(8))
    assert lock is not None and "owner" not in lock and len(lock["batches"]) == 1 and "published" not in lock
    assert "Redshift is paused" in index(plane, 8)["batch008"]["failure"]
    plane.order("ndr-join", None)
    assert plane.run(FIFTEEN, batch_event(8))["status"] == "SUCCEEDED"


def test_an_event_on_the_bus_starts_the_machine(plane: ControlPlane) -> None:
    detail = batch_event(9)
    plane.upload(detail["batch_s3_path"])
    plane.aws.client("events").put_events(
        Entries=[
            {
                "EventBusName": "ndr",
                "Source": "producer",
                "DetailType": "NdrBatchCompleted",
                "Detail": json.dumps(detail),
            }
        ]
    )
    deadline = time.monotonic() + 30
    while not calls_of(plane, "ndr-join", 9):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ({"timestamp": "2026-03-10T13:23:11Z"}, "neither batch_s3_path nor s3_key"),
        ({"s3_key": "acme/emea/2026/03/10/abc"}, "no timestamp"),
        ({"s3_key": "acme/emea/abc", "timestamp": "2026-03-10T13:23:11Z"}, "acme/emea/abc"),
        ({"s3_key": "acme/emea/2026/03/10/abc", "timestamp": "yesterday"}, "timestamp yesterday"),
        ({"s3_key": "no/body/2026/03/10/abc", "timestamp": "2026-03-10T13:23:11Z"}, "no#body"),
        ({"s3_key": "acme/emea/2026/03/10/nothing", "timestamp": "2026-03-10T13:23:11Z"}, "has no file"),
        ({"s3_key": "acme/emea/2026/03/10/*", "timestamp": "2026-03-10T13:23:11Z"}, "letters, digits"),
        (
            {"s3_key": "acme/emea/2026/03/10/abc", "bucket": "other", "timestamp": "2026-03-10T13:23:11Z"},
            "is not below s3://ndr-ingestion",
        ),
    ],
)
def test_a_message_that_lacks_something_fails_early_and_says_what(
    plane: ControlPlane, message: dict[str, str], cause: str
) -> None:
    before = len(plane.calls)
    failed = plane.run(FIFTEEN, message)
    assert failed["status"] == "FAILED" and cause in failed["cause"]
    assert len(plane.calls) == before
