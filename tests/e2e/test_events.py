"""From a bucket of logs to scored windows by events and schedules alone: nobody starts a machine or a stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.programs import scripts_folder
from common.windows import Windows
from localaws.cli.deployment import deploy
from localaws.cli.process import LocalAws
from statemachines.deploy.schedules import changed
from tests.e2e.young import batches_of, project_file, upload
from tests.localaws.running import wait_for

pytestmark = pytest.mark.slow

BUCKET = "firewall-logs"
HISTORY = Windows.parse("2026-03-03T09:08Z/2026-03-03T13:08Z")
"""Was there before the stack."""
LEARNING = Windows.parse("2026-03-03T13:08Z/2026-03-03T13:23Z")
SCORED = Windows.parse("2026-03-03T13:23Z/2026-03-03T13:38Z")
SECONDS = 600.0


class Project:
    """The young project on a local AWS, and what became of the machines that events and schedules started."""

    def __init__(self, local: LocalAws, scenario: Path) -> None:
        self.local, self._scenario = local, scenario
        self._states = local.client("stepfunctions")
        self._batches = dict(
            zip(Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z"), batches_of(scenario), strict=True)
        )

    def upload(self, windows: Windows) -> None:
        """Puts the batches of the windows into the bucket, without the objects that complete them."""
        upload(self.local, BUCKET, self._scenario, [self._batches[window] for window in windows])

    def complete(self, window: Windows) -> dict[str, Any]:
        """The output of the 15-minute machine, which S3 started for the batch of the window."""
        self.upload(window)
        folder = self._batches[window].relative_to(self._scenario)
        return self._started_by(
            "sfn_ndr_15m_features_inference",
            lambda: self.local.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/_SUCCESS", Body=b""),
        )

    def fire(self, schedule: str, machine: str, moment: str) -> dict[str, Any]:
        """The output of the machine that a schedule of the project started as if it were that time."""
        scheduler = self.local.client("scheduler")
        expression = f"at({moment})"
        return self._started_by(
            machine, lambda: changed(scheduler, "ndr", f"young-{schedule}", ScheduleExpression=expression)
        )

    def schedules(self) -> dict[str, str]:
        """The state of each schedule of the project."""
        found = self.local.client("scheduler").list_schedules(NamePrefix="ndr-young-")["Schedules"]
        return {one["Name"].removeprefix("ndr-young-"): one["State"] for one in found}

    def _started_by(self, machine: str, event: Callable[[], Any]) -> dict[str, Any]:
        known = set(self._executions(machine))
        event()
        (arn,) = wait_for(lambda: set(self._executions(machine)) - known, SECONDS, pause=0.5)
        described = wait_for(lambda: self._ended(arn), SECONDS, pause=0.5)
        assert described["status"] == "SUCCEEDED", described
        output: dict[str, Any] = json.loads(described["output"])
        return output

    def _executions(self, machine: str) -> list[str]:
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine}"
        return [one["executionArn"] for one in self._states.list_executions(stateMachineArn=arn)["executions"]]

    def _ended(self, arn: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self._states.describe_execution(executionArn=arn)
        return None if found["status"] == "RUNNING" else found


def test_a_bucket_of_logs_and_its_events_become_scored_windows(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path, logs: Path
) -> None:
    local = start_local_aws(step_bin=scripts_folder(), SFN_WAIT_SCALE="1")  # real stages take real time
    project = Project(local, logs)
    s3 = local.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    project.upload(HISTORY)
    on: dict[str, Any] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=on)
    path = project_file(tmp_path, BUCKET, horizon=29)
    deploy(local, [path], parameters=[f"LogBuckets=arn:aws:s3:::{BUCKET}", "SchedulesState=ENABLED"])
    names = ("monthly-baselines", "training", "maintenance", "canary", "grow")
    assert project.schedules() == dict.fromkeys(names, "ENABLED")

    lake = Lake(str(tmp_path / "lake"), load_spec("v1"))
    first = project.complete(LEARNING)
    assert (first["status"], first["batch_end_ts_iso"]) == ("SUCCEEDED", "2026-03-03T13:23:00Z")
    assert not lake.exists("prediction_join")

    grown = project.fire("grow", "sfn_ndr_start_project", "2026-03-04T02:30:00")
    assert (grown["status"], grown["days"], grown["learning"]) == ("SUCCEEDED", 1, "day 1 of 29")
    assert project.schedules()["grow"] == "ENABLED"

    monthly = project.fire("monthly-baselines", "sfn_ndr_monthly_fg_b_baselines", "2026-04-01T00:30:00")
    assert (monthly["status"], monthly["month"]) == ("SUCCEEDED", "2026-04")

    last = project.complete(SCORED)
    assert (last["status"], last["publication"]["status"]) == ("SUCCEEDED", "SUCCEEDED")
    published = lake.arrow("prediction_join", windows=SCORED)
    assert published.num_rows > 0
