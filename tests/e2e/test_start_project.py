"""From an empty AWS and a bucket of logs to scored windows, by one command, with the real stages."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.programs import scripts_folder
from common.windows import Windows
from localaws.cli.deployment import deploy
from localaws.cli.process import LocalAws
from tests.e2e.conftest import Command

pytestmark = pytest.mark.slow

BUCKET = "ndr-ingestion-000000000000-us-east-1"
DAYS = Windows.parse("2026-03-03T00:08Z/2026-03-05T00:08Z")
LAST_DAY = Windows.parse("2026-03-04T00:08Z/2026-03-05T00:08Z")


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    folder = tmp_path_factory.mktemp("two-days") / "scenario"
    made = command("ndr-simulate", "--out", folder, "--hosts", "10", "--days", "2", "--intensity", "0.2")
    assert made.returncode == 0, made.stderr
    return folder


def upload(local: LocalAws, scenario: Path) -> None:
    s3 = local.client("s3")
    files = [path for path in (scenario / "fw_paloalto").rglob("*") if path.is_file()]

    def put(path: Path) -> None:
        s3.put_object(Bucket=BUCKET, Key=str(path.relative_to(scenario)), Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, files))


def test_a_bucket_of_logs_becomes_scored_windows(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path, two_days: Path, command: Command
) -> None:
    attempts = ("extractor", "backfill", "inventory", "fg_b", "training", "inference", "join", "features")
    project = {
        "project_name": "young",
        "organisations": ["acme/hq"],
        "settings": {
            "horizons": {"7d": {"days": 1.5, "gap_days": 0}},
            "training": {"min_coverage": 0.0, "promotion": "always", "min_rows": 200},
        },
        "orchestration": {
            "lake_uri": str(tmp_path / "lake"),
            "ingestion_prefix": f"s3://{BUCKET}/fw_paloalto/acme/hq",
            "poll_seconds": 1,
            **{f"{name}_poll_attempts": 3600 for name in attempts},
        },
    }
    path = tmp_path / "project.yaml"
    path.write_text(yaml.safe_dump(project))
    local = start_local_aws(step_bin=scripts_folder(), SFN_WAIT_SCALE="1")  # real stages take real time
    deploy(local, [path], fused=True)

    empty = command("ndr-statemachines", "start-project", path, **local.environment)
    assert json.loads(empty.stdout)["learning"] == "day 0 of 2", empty.stderr

    upload(local, two_days)
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
