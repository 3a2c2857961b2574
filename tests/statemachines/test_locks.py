"""What the locks guarantee: every window is processed once, and nothing is lost when its owner dies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from localaws.cli.process import LocalAws
from tests.statemachines.control_plane import ControlPlane, batch_event, deploy_control_plane, window

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


def lock_id(number: int) -> str:
    return "acme#v1#" + "#".join(window(number))


def calls_of(plane: ControlPlane, command: str, number: int) -> list[str]:
    return [call for call in plane.calls if call.startswith(f"{command} ") and "/".join(window(number)) in call]


def publication_message(number: int, content: str) -> dict[str, str]:
    start, end = window(number)
    return {
        "project_name": "acme", "mini_batch_id": "b", "batch_start_ts_iso": start, "batch_end_ts_iso": end,
        "content_id": content,
    }  # fmt: skip


def test_one_of_a_hundred_executions_of_an_event_runs_and_the_others_are_duplicates(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 1")
    ended = plane.run_at_once(FIFTEEN, [batch_event(0)] * 100)
    assert Counter(execution["status"] for execution in ended) == {"SUCCEEDED": 1, "FAILED": 99}
    assert {execution.get("error") for execution in ended} == {None, "Ndr.DuplicateMiniBatch"}
    for command in ("ndr-15m", "ndr-inference", "ndr-join"):
        assert len(calls_of(plane, command, 0)) == 1, command


def test_an_event_that_comes_again_later_is_a_duplicate(plane: ControlPlane) -> None:
    assert plane.run(FIFTEEN, batch_event(1))["status"] == "SUCCEEDED"
    again = plane.run(FIFTEEN, batch_event(1))
    assert (again["status"], again["error"]) == ("FAILED", "Ndr.DuplicateMiniBatch")
    assert "was processed already" in again["cause"]
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


def test_a_batch_that_arrives_while_its_window_is_processed_is_taken_along(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 2")
    first = plane.start(FIFTEEN, batch_event(3, "early"))
    while not calls_of(plane, "ndr-15m", 3):
        time.sleep(0.05)
    late = plane.run(FIFTEEN, batch_event(3, "late"))
    assert late["status"] == "SUCCEEDED" and '"HANDED_OVER"' in late["output"]
    assert plane.finish(first)["status"] == "SUCCEEDED"
    assert "TakeOverPendingBatches" in plane.visited(first)
    assert "/early," in calls_of(plane, "ndr-15m", 3)[-1] and "/late" in calls_of(plane, "ndr-15m", 3)[-1]
    lock = plane.item("processing_lock", lock_id=lock_id(3))
    assert lock is not None and lock["status"] == "SUCCEEDED" and len(lock["batches"]) == 2


def test_a_window_whose_owner_was_killed_runs_again_after_the_lease(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 3")
    owner = plane.start(FIFTEEN, batch_event(4))
    while not calls_of(plane, "ndr-15m", 4):
        time.sleep(0.05)
    plane.aws.client("stepfunctions").stop_execution(executionArn=owner)
    assert plane.finish(owner)["status"] == "ABORTED"
    plane.order("ndr-15m", None)
    early = plane.run(FIFTEEN, batch_event(4))
    assert early["error"] == "Ndr.DuplicateMiniBatch", "the lease still holds"
    plane.aws.client("dynamodb").update_item(
        TableName="processing_lock", Key={"lock_id": {"S": lock_id(4)}}, UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )  # fmt: skip
    assert plane.run(FIFTEEN, batch_event(4))["status"] == "SUCCEEDED"


def test_a_failed_window_is_released_and_says_which_step_failed_and_why(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "fail table delta_host is locked")
    failed = plane.run(FIFTEEN, batch_event(5))
    assert failed["error"] == "Ndr.PipelineFailed"
    assert "pipeline ndr-15m-streaming-fused, step Streaming15mStep" in failed["cause"]
    assert "table delta_host is locked" in failed["cause"]
    assert plane.item("processing_lock", lock_id=lock_id(5)) is None
    plane.order("ndr-15m", None)
    assert plane.run(FIFTEEN, batch_event(5))["status"] == "SUCCEEDED"


def test_the_owner_alone_releases_a_lock(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 2")
    owner = plane.start(FIFTEEN, batch_event(6))
    while not calls_of(plane, "ndr-15m", 6):
        time.sleep(0.05)
    plane.aws.client("dynamodb").update_item(
        TableName="processing_lock", Key={"lock_id": {"S": lock_id(6)}}, UpdateExpression="SET #owner = :other",
        ExpressionAttributeNames={"#owner": "owner"}, ExpressionAttributeValues={":other": {"S": "somebody else"}},
    )  # fmt: skip
    ended = plane.finish(owner)
    assert ended["error"] == "Ndr.LeaseLost"
    lock = plane.item("processing_lock", lock_id=lock_id(6))
    assert lock is not None and (lock["owner"], lock["status"]) == ("somebody else", "RUNNING")


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
    assert plane.item("processing_lock", lock_id=lock_id(8)) is None


def test_an_event_on_the_bus_starts_the_machine(plane: ControlPlane) -> None:
    import json

    detail = batch_event(9)
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
    ],
)
def test_a_message_that_lacks_something_fails_early_and_says_what(
    plane: ControlPlane, message: dict[str, str], cause: str
) -> None:
    before = len(plane.calls)
    failed = plane.run(FIFTEEN, message)
    assert failed["status"] == "FAILED" and cause in failed["cause"]
    assert len(plane.calls) == before
