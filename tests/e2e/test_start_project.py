"""From an empty AWS and a bucket of logs to scored windows, by one command, with the real stages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.programs import scripts_folder
from common.windows import Windows
from localaws.cli.deployment import deploy
from localaws.cli.process import LocalAws
from tests.e2e.conftest import Command
from tests.e2e.young import batches_of, project_file, simulated, upload

pytestmark = [pytest.mark.slow, pytest.mark.long]  # test_events.py comes by another way to the same

BUCKET = "ndr-ingestion-000000000000-us-east-1"
DAYS = Windows.parse("2026-03-03T00:08Z/2026-03-05T00:08Z")
LAST_DAY = Windows.parse("2026-03-04T00:08Z/2026-03-05T00:08Z")


def test_a_bucket_of_logs_becomes_scored_windows(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path, command: Command
) -> None:
    scenario = simulated(tmp_path / "scenario", command, days=2)
    path = project_file(tmp_path, BUCKET, horizon=1.5)
    local = start_local_aws(step_bin=scripts_folder(), SFN_WAIT_SCALE="1")  # real stages take real time
    deploy(local, [path], fused=True)

    empty = command("ndr-statemachines", "start-project", path, **local.environment)
    assert json.loads(empty.stdout)["learning"] == "day 0 of 2", empty.stderr

    upload(local, BUCKET, scenario, batches_of(scenario))
    done = command("ndr-statemachines", "start-project", path, **local.environment)
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert (output["status"], output["days"], output["learning"]) == ("SUCCEEDED", 2, "")
    assert "young: building the windows\n" in done.stderr and "young: scoring the last day\n" in done.stderr

    lake = Lake(str(tmp_path / "lake"), load_spec("v1"))
    built = lake.arrow("fg_c", windows=DAYS)
    scored = lake.arrow("prediction_join", windows=DAYS)
    assert len(set(built["window"].to_pylist())) == len(DAYS)
    assert set(scored["window"].to_pylist()) == {window.key for window in LAST_DAY}
    schedules = {one["Name"]: one["State"] for one in local.client("scheduler").list_schedules()["Schedules"]}
    assert [schedules[f"ndr-young-{name}"] for name in ("monthly-baselines", "training", "grow")] == [
        "ENABLED",
        "ENABLED",
        "DISABLED",
    ]

    pipelines = local.client("sagemaker").list_pipeline_executions(PipelineName="ndr-delta-builder")
    assert len(pipelines["PipelineExecutionSummaries"]) == 2  # one for each day

    again = command("ndr-statemachines", "start-project", path, **local.environment)
    assert json.loads(again.stdout)["status"] == "SUCCEEDED", again.stderr
    assert "building the windows" not in again.stderr
