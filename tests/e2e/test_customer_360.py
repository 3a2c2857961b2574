"""Customer 360 as deployed to a local AWS: delivered, sorted, backfilled, run again, paused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from common.c360.zones import original_name
from common.runtime.programs import scripts_folder
from localaws.cli.process import LocalAws
from statemachines.cli import main
from tests.e2e.conftest import Command
from tests.localaws.running import lead_to
from tools.c360_demo.zones import DeployedZones

pytestmark = pytest.mark.slow
FIRST, SECOND, EMPTY = date(2026, 3, 1), date(2026, 3, 2), date(2026, 2, 1)


@pytest.fixture(scope="module")
def local(start_local_aws: Callable[..., LocalAws]) -> LocalAws:
    return start_local_aws(scripts_folder(), SFN_WAIT_SCALE="0.05")


@pytest.fixture(autouse=True)
def _led_there(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(local, monkeypatch)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    folder = tmp_path_factory.mktemp("c360") / "scenario"
    made = command("c360-simulate", "--out", folder, "--days", "2", "--customers", "100")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def zones(local: LocalAws, tmp_path_factory: pytest.TempPathFactory, command: Command) -> DeployedZones:
    outputs = tmp_path_factory.mktemp("stack") / "outputs.json"
    words = ("deploy", "--customer-360", "--set", "Customer360ScheduleState=DISABLED", "--outputs", outputs)
    done = command("ndr-statemachines", *words, **local.environment)
    assert done.returncode == 0, done.stderr
    return DeployedZones(json.loads(outputs.read_text()))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def ran(*words: str) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


def manifest(local: LocalAws, zones: DeployedZones) -> dict[str, Any]:
    found = local.client("s3").get_object(Bucket=zones.bucket, Key="staging/manifest.json")["Body"].read()
    parsed: dict[str, Any] = json.loads(found)
    return parsed


def test_days_are_delivered_backfilled_and_run_again(local: LocalAws, zones: DeployedZones, scenario: Path) -> None:
    for day in (FIRST, SECOND):
        zones.deliver(scenario / f"day={day}" / "raw")
    refused = {
        entry["file"] for entry in map(json.loads, (scenario / "truth/rejected.ndjson").open()) if not entry["line"]
    }
    assert {Path(reason["file"]).name for reason in zones.refused_files()} == {
        original_name(Path(name).name) for name in refused
    }
    done = [json.loads(line) for line in ran("backfill", "customer-360", f"{FIRST}/{SECOND}").splitlines()]
    assert [(entry["day"], entry["as_of"]) for entry in done] == [(str(day), str(day)) for day in (FIRST, SECOND)]
    published = manifest(local, zones)
    assert published["as_of"] == str(SECOND)

    # as the schedule starts it, the morning after: the same files are the same snapshot
    assert zones.run_scheduled(SECOND)["run_id"] == published["run_id"]
    assert ran("rerun", "customer-360", "--job", "b", "--as-of", str(FIRST)).startswith(
        "customer-360, job b, 2026-03-01: "
    )
    assert manifest(local, zones)["as_of"] == str(FIRST)

    before = len(local.client("stepfunctions").list_executions(stateMachineArn=arn())["executions"])
    failed = run("backfill", "customer-360", f"{EMPTY}/2026-02-03")
    assert failed.exit_code == 1
    assert "Correct the cause, then: ndr-statemachines backfill customer-360 2026-02-01/2026-02-03" in failed.output
    after = len(local.client("stepfunctions").list_executions(stateMachineArn=arn())["executions"])
    assert after - before == 1  # the second day was not begun


def arn() -> str:
    return "arn:aws:states:us-east-1:000000000000:stateMachine:sfn_customer_360"


def test_a_schedule_is_paused_moved_and_resumed_without_a_deployment(local: LocalAws, zones: DeployedZones) -> None:
    scheduler = local.client("scheduler")
    name = zones.outputs["Customer360ScheduleName"]
    target = scheduler.get_schedule(Name=name)["Target"]
    assert ran("schedules", "resume", "customer-360") == "customer-360: ENABLED, cron(0 2 * * ? *)\n"
    assert ran("schedules", "set", "customer-360", "30 3 * * ? *") == "customer-360: ENABLED, cron(30 3 * * ? *)\n"
    assert ran("schedules", "pause", "customer-360") == "customer-360: DISABLED, cron(30 3 * * ? *)\n"
    listed = {row["name"]: row for row in map(json.loads, ran("schedules", "list", "--format", "ndjson").splitlines())}
    assert (listed["customer-360"]["state"], listed["customer-360"]["target"]) == ("DISABLED", "sfn_customer_360")
    assert "ingestion-sweep" in listed
    found = scheduler.get_schedule(Name=name)
    assert (found["Target"], found["ScheduleExpressionTimezone"]) == (target, "UTC")
    ran("deploy", "--customer-360")
    assert scheduler.get_schedule(Name=name)["ScheduleExpression"] == "cron(30 3 * * ? *)"
    other = run("schedules", "pause", "other")
    assert other.exit_code == 1
    assert "there is no schedule ndr-other" in other.output
