"""What starts machines but the event of a batch, and what the monthly and the training machine hand to pipelines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import wait_for
from tests.statemachines.control_plane import INGESTION, ControlPlane, deploy_control_plane

LIVE = "sfn_ndr_15m_features_inference"
MONTHLY = "sfn_ndr_monthly_fg_b_baselines"
TRAINING = "sfn_ndr_training_orchestrator"
STAGES = ["verify", "remediate", "reverify", "train", "publish", "attributes", "deploy"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plane(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    yield from deploy_control_plane(start_local_aws, tmp_path_factory.mktemp("monthly"))


@pytest.fixture(autouse=True)
def clean(plane: ControlPlane) -> Iterator[None]:
    (plane.folder / "calls").unlink(missing_ok=True)
    yield
    for path in (plane.folder / "orders").iterdir():
        path.unlink()


def options(call: str) -> dict[str, str]:
    words = call.split()[1:]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_object_that_completes_a_batch_is_enough(plane: ControlPlane) -> None:
    s3, folder = plane.aws.client("s3"), "acme/emea/2026/03/10/by-object"
    batch = f"s3://{INGESTION}/{folder}"
    plane.upload(batch)
    s3.put_object(Bucket=INGESTION, Key=f"{folder}/_BATCH.json", Body=b'{"event_ts_iso": "2026-03-10T13:23:11Z"}')
    assert plane.calls == []
    s3.put_object(Bucket=INGESTION, Key=f"{folder}/_SUCCESS", Body=b"")
    listed = {"stateMachineArn": plane.machine(LIVE).rpartition(":")[0]}
    states = plane.aws.client("stepfunctions")
    (execution,) = wait_for(lambda: states.list_executions(**listed)["executions"])
    output = json.loads(plane.finish(execution["executionArn"])["output"])
    assert (output["status"], output["batches"]) == ("SUCCEEDED", [batch])
    assert output["batch_end_ts_iso"] == "2026-03-10T13:23:00Z"  # not that of the upload
    features = next(call for call in plane.calls if call.startswith("ndr-15m "))
    assert options(features)["--input"] == batch


def test_inventory_then_baselines_of_the_scheduled_month(plane: ControlPlane) -> None:
    ended = plane.run(MONTHLY, {"project_name": "acme", "time": "2026-04-01T00:30:00Z"})
    assert json.loads(ended["output"]) == {"status": "SUCCEEDED", "project_name": "acme", "month": "2026-04"}
    inventory, baselines = plane.calls
    assert inventory.startswith("ndr-inventory-unload ") and options(inventory)["--month"] == "2026-04"
    assert baselines.startswith("ndr-fg-b ") and options(baselines)["--month"] == "2026-04"
    assert options(baselines)["--reference-time"] == "2026-04-01T00:00:00Z"


def test_a_failed_inventory_stops_the_month(plane: ControlPlane) -> None:
    plane.order("ndr-inventory-unload", "fail relation machine_inventory does not exist")
    ended = plane.run(MONTHLY, {"project_name": "acme", "month": "2026-04"})
    assert ended["error"] == "Ndr.PipelineFailed"
    assert "pipeline ndr-machine-inventory-unload, step MachineInventoryUnloadStep" in ended["cause"]
    assert "relation machine_inventory does not exist" in ended["cause"]
    assert len(plane.calls) == 1


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({"time": "2026-07-15T09:01:00Z"}, "2026-03-15T08:53:00Z", "2026-06-15T08:53:00Z"),
        ({"time": "2026-02-01T00:08:00Z"}, "2025-10-01T00:08:00Z", "2026-01-01T00:08:00Z"),
        (
            {"training_start_ts_iso": "2026-03-03T00:08:00Z", "training_end_ts_iso": "2026-03-10T00:20:00Z"},
            "2026-03-03T00:08:00Z",
            "2026-03-10T00:08:00Z",
        ),
    ],
)
def test_training_runs_its_stages_in_order_on_the_same_window_and_run(
    plane: ControlPlane, given: dict[str, str], start: str, end: str
) -> None:
    ended = plane.run(TRAINING, {"project_name": "acme", **given})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    calls = [options(call) for call in plane.calls]
    assert [call["--stage"] for call in calls] == STAGES
    assert {call["--window"] for call in calls} == {f"{start}/{end}"}
    assert len({call["--run-id"] for call in calls}) == 1
    remediate = calls[1]
    assert remediate["--missing-windows"] == "auto"
    assert remediate["--backfill-state-machine"] == plane.machine("sfn_ndr_backfill_reprocessing")


def test_training_again_on_the_same_window_is_the_same_run(plane: ControlPlane) -> None:
    message = {"project_name": "acme", "time": "2026-07-15T09:01:00Z"}
    for _ in range(2):
        plane.run(TRAINING, message)
    assert len({options(call)["--run-id"] for call in plane.calls}) == 1


def test_a_failed_stage_is_named_and_the_later_ones_do_not_run(plane: ControlPlane) -> None:
    plane.order("ndr-if-training", "fail 3 windows are still missing")
    ended = plane.run(TRAINING, {"project_name": "acme", "time": "2026-07-15T09:01:00Z"})
    assert "pipeline ndr-if-training, step TrainingDataVerifierStep" in ended["cause"]
    assert "3 windows are still missing" in ended["cause"]
    assert len(plane.calls) == 1


@pytest.mark.parametrize(
    ("machine", "message", "cause"),
    [
        (MONTHLY, {}, "no project_name"),
        (MONTHLY, {"project_name": "acme", "month": "April"}, "month April"),
        (TRAINING, {"project_name": "acme", "training_start_ts_iso": "2026-03-03T00:08:00Z"}, "only one of"),
        (TRAINING, {"project_name": "acme", "time": "noon"}, "time of the message is not a time"),
        (TRAINING, {"project_name": "nobody"}, "project parameters of nobody"),
    ],
)
def test_a_message_that_makes_no_sense_fails_early(
    plane: ControlPlane, machine: str, message: dict[str, Any], cause: str
) -> None:
    ended = plane.run(machine, message)
    assert ended["error"] == "Ndr.InvalidInput" and cause in ended["cause"]
    assert plane.calls == []
