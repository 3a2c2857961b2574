"""A project whose jobs run as tasks: windows are published, bad batches set aside, tasks of former owners stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.statemachines.control_plane import ControlPlane, batch_event, deploy_control_plane, window
from tests.statemachines.windows_of_acme import calls_of, index, lock_id, wait_for_call

FIFTEEN = "sfn_ndr_15m_features_inference"
TASKS = ("Runner=tasks", "TaskSubnets=subnet-0f3a", "TaskSecurityGroups=sg-0f3a")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plane(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    short = {"inventory_poll_attempts": 4}
    yield from deploy_control_plane(start_local_aws, tmp_path_factory.mktemp("tasks"), short, TASKS)


@pytest.fixture(autouse=True)
def no_orders(plane: ControlPlane) -> Iterator[None]:
    yield
    for path in (plane.folder / "orders").iterdir():
        path.unlink()


def tasks(plane: ControlPlane, family: str) -> list[dict[str, Any]]:
    """All tasks of a family."""
    ecs = plane.aws.client("ecs")
    found = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster="ndr", family=family, desiredStatus=status)["taskArns"]
    ]
    return list(ecs.describe_tasks(cluster="ndr", tasks=found)["tasks"]) if found else []


def group_of(number: int) -> str:
    """The group of the tasks that work on a window."""
    return f"ndr-{sha256(lock_id(number).encode()).hexdigest()[:32]}"


def test_a_window_is_published_by_two_tasks(plane: ControlPlane) -> None:
    execution = plane.start(FIFTEEN, batch_event(0))
    assert plane.finish(execution)["status"] == "SUCCEEDED"
    (fused,), (join,) = calls_of(plane, "ndr-15m", 0), calls_of(plane, "ndr-join", 0)
    assert "--through join" in fused and join.endswith("--staged batch000")
    assert "RunFeaturesTask" in plane.visited(execution)
    of_window = [
        task for family in ("ndr-15m", "ndr-join") for task in tasks(plane, family) if task["group"] == group_of(0)
    ]
    assert [task["containers"][0]["exitCode"] for task in of_window] == [0, 0]
    sagemaker = plane.aws.client("sagemaker")
    for pipeline in ("ndr-15m-streaming-fused", "ndr-prediction-feature-join"):
        assert sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"] == []
    lock = plane.item("processing_lock", lock_id=lock_id(0))
    assert lock is not None and not {"owner", "pipeline", "task"} & set(lock)


def test_a_batch_that_fails_its_task_is_set_aside_and_the_others_are_published(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "refuse damaged")
    assert plane.run(FIFTEEN, batch_event(1, "whole"))["status"] == "SUCCEEDED"
    failed = plane.run(FIFTEEN, batch_event(1, "damaged"))
    assert failed["error"] == "Ndr.BatchSetAside"
    reason = index(plane, 1)["damaged"]["set_aside"]
    assert reason.startswith("task ndr-15m exited with 1: error: damaged is damaged, log stream ndr/ndr-15m/")
    lock = plane.item("processing_lock", lock_id=lock_id(1))
    assert lock is not None and "owner" not in lock
    assert [path.rpartition("/")[2] for path in lock["published"]] == ["whole"]


def test_a_failed_publication_names_its_task(plane: ControlPlane) -> None:
    plane.order("ndr-join", "fail Redshift is paused")
    failed = plane.run(FIFTEEN, batch_event(2))
    assert failed["error"] == "Ndr.PublicationFailed"
    wanted = "publication: task ndr-join exited with 1: error: Redshift is paused, log stream ndr/ndr-join/"
    assert failed["cause"].startswith(wanted)
    plane.order("ndr-join", None)
    assert plane.run(FIFTEEN, batch_event(2))["status"] == "SUCCEEDED"


def test_the_next_owner_stops_the_task_that_a_former_one_left_running(plane: ControlPlane) -> None:
    """The end of an execution stops its task as a rule; here the task of one that vanished is still there."""
    plane.order("ndr-15m", "sleep 120")
    left = _left_running(plane, 3)
    plane.aws.client("dynamodb").put_item(
        TableName="processing_lock",
        Item={
            "lock_id": {"S": lock_id(3)}, "owner": {"S": "an execution that vanished"}, "run_count": {"N": "1"},
            "expires_at": {"N": str(int(time.time()) - 1)}, "pipeline": {"S": "ndr-15m-streaming-fused"},
            "task": {"S": "ndr-15m"}, "described": {"S": lock_id(3)},
        },
    )  # fmt: skip
    other = _left_running(plane, 4)
    plane.order("ndr-15m", None)
    assert plane.run(FIFTEEN, batch_event(3))["status"] == "SUCCEEDED"
    found = {task["taskArn"]: task for task in tasks(plane, "ndr-15m")}
    assert found[left]["stoppedReason"] == "another execution took the window over"
    assert found[other]["lastStatus"] == "RUNNING"
    plane.aws.client("ecs").stop_task(cluster="ndr", task=other)


def _left_running(plane: ControlPlane, number: int) -> str:
    """The ARN of a task that works on a window, as a machine starts it."""
    command = ["--window", "/".join(window(number))]
    started = plane.aws.client("ecs").run_task(
        cluster="ndr",
        taskDefinition="ndr-15m",
        group=group_of(number),
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0f3a"]}},
        overrides={"containerOverrides": [{"name": "ndr-15m", "command": command}]},
    )
    wait_for_call(plane, "ndr-15m", number, "")
    return str(started["tasks"][0]["taskArn"])


def test_an_execution_that_is_stopped_stops_its_task(plane: ControlPlane) -> None:
    plane.order("ndr-15m", "sleep 120")
    execution = plane.start(FIFTEEN, batch_event(5))
    wait_for_call(plane, "ndr-15m", 5, execution)
    plane.aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert plane.finish(execution)["status"] == "ABORTED"
    deadline = time.monotonic() + 120
    while (task := _task_of(plane, 5))["lastStatus"] != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert task["stoppedReason"] == "The execution has ended"


def _task_of(plane: ControlPlane, number: int) -> dict[str, Any]:
    """The one task of the features of a window."""
    (task,) = (task for task in tasks(plane, "ndr-15m") if task["group"] == group_of(number))
    return task


def test_a_task_that_takes_too_long_is_stopped(plane: ControlPlane) -> None:
    plane.order("ndr-inventory-unload", "sleep 120")
    failed = plane.run("sfn_ndr_monthly_fg_b_baselines", {"project_name": "acme", "month": "2026-03"})
    assert failed["error"] == "Ndr.TaskFailed"
    assert failed["cause"] == "task ndr-inventory-unload was not finished in 4 s, and is stopped"
    (task,) = tasks(plane, "ndr-inventory-unload")
    assert (task["lastStatus"], task["stoppedReason"]) == ("STOPPED", "The execution has ended")


def test_a_backfill_runs_as_tasks(plane: ControlPlane) -> None:
    start, end = window(0)[0], window(2)[1]
    message = {"project_name": "acme", "start_ts_iso": start, "end_ts_iso": end, "request_id": "as-tasks"}
    done = json.loads(plane.run("sfn_ndr_backfill_reprocessing", message)["output"])
    assert done["status"] == "SUCCEEDED" and done["failed"] == []
    (delta,) = [call for call in plane.calls if call.startswith("ndr-delta ")]
    assert "--input @s3://" in delta
    assert "--from fg-a --through fg-c" in [call for call in plane.calls if call.startswith("ndr-15m ")][-1]
