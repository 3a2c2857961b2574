"""The smallest real runs of machines, jobs, functions, rules and schedules; each can be done again and again.

A run is true if it succeeds, and ends early once a role is refused what is looked for.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from statemachines.deploy.schedules import changed
from tests.commands import command_line
from tests.e2e.ingestion import lines
from tests.localaws.running import unique
from tests.permissions.world import EXTERNAL_ID, INGESTION, LAKE, REGISTRY, TAG, Refused, World
from tests.statemachines.control_plane import window
from tools.c360_demo.zones import TIME

DAY = date(2026, 3, 1)
BATCHES = Path("fw_paloalto/acme/hq")
_numbers: Iterator[int] = itertools.count(1)


def simulated(world: World) -> None:
    """Simulates what runs take: a day of logs, and a day of deliveries."""
    for command, *words in (
        ("ndr-simulate", "--days", "1", "--hosts", "10", "--intensity", "0.2", "--no-attacks"),
        ("c360-simulate", "--days", "1", "--customers", "100"),
    ):
        out = world.folder / command
        done = subprocess.run(
            command_line(command, "--out", str(out), *words), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def batch(world: World, refused: Refused) -> bool:
    """A batch of logs is completed, which a rule tells the 15-minute machine."""
    key = _uploaded(world, next(_numbers))
    before = world.executions("sfn_ndr_15m_features_inference")
    world.aws.client("s3").put_object(Bucket=INGESTION, Key=f"{key}/_SUCCESS", Body=b"")
    return world.ended("sfn_ndr_15m_features_inference", before, refused)


def publication(world: World, refused: Refused) -> bool:
    """A window is published, and handed over."""
    start, end = window(next(_numbers))
    message = {"project_name": "local", "mini_batch_id": unique("b"), "batch_start_ts_iso": start}
    return world.execution("sfn_ndr_prediction_publication", {**message, "batch_end_ts_iso": end}, refused)


def handover(world: World, refused: Refused) -> bool:
    """The page of the latest window."""
    return world.execution("sfn_ndr_handover", {"project_name": "local"}, refused)


def month(world: World, refused: Refused) -> bool:
    """The inventory and baselines of a month."""
    return world.execution("sfn_ndr_monthly_fg_b_baselines", {"project_name": "young", "month": "2026-04"}, refused)


def training(world: World, refused: Refused) -> bool:
    """A model."""
    message = {"project_name": "young", "time": "2026-07-15T09:01:00Z"}
    return world.execution("sfn_ndr_training_orchestrator", message, refused)


def backfill(world: World, refused: Refused) -> bool:
    """A window of the past, whose logs are there."""
    number = next(_numbers)
    _uploaded(world, number)
    start, end = window(number, "2026-03-03")
    message = {"project_name": "young", "start_ts_iso": start, "end_ts_iso": end}
    return world.execution("sfn_ndr_backfill_reprocessing", message, refused)


def start(world: World, refused: Refused) -> bool:
    """A project that has no logs yet."""
    return world.execution("sfn_ndr_start_project", {"project_name": "new"}, refused)


def ingestion(world: World, refused: Refused) -> bool:
    """A file is put into the landing bucket, and becomes Parquet."""
    # each of a day of its own, whose lock no failed builder holds
    name = f"log-{date(2026, 1, 1) + timedelta(next(_numbers))}.ndjson"
    before = world.executions("sfn_ndjson_ingestion")
    bucket = world.outputs["LandingBucketName"]
    world.aws.client("s3").put_object(Bucket=bucket, Key=name, Body=lines(name).encode())
    return world.ended("sfn_ndjson_ingestion", before, refused)


def sweep(world: World, refused: Refused) -> bool:
    """The schedule that looks after files which wait."""
    log = world.aws.home / "logs" / "lambda" / f"{world.outputs['ManifestBuilderName']}.log"
    size = log.stat().st_size if log.exists() else 0
    _fire(world, "ingestion-sweep")
    return world.awaited(lambda: log.exists() and log.stat().st_size > size, refused)


def delivery(world: World, refused: Refused) -> bool:
    """Files of a day are delivered and sorted."""
    bucket, s3 = world.outputs["Customer360Bucket"], world.aws.client("s3")
    raw = world.folder / "c360-simulate" / f"day={DAY}" / "raw"
    world.clear(bucket, "raw/")  # of an earlier delivery that failed
    world.upload(bucket, "raw", raw)
    return world.awaited(lambda: not s3.list_objects_v2(Bucket=bucket, Prefix="raw/").get("Contents"), refused)


def customer_360(world: World, refused: Refused) -> bool:
    """The snapshot of a day, which a schedule begins."""
    before = world.executions("sfn_customer_360")
    _fire(world, "customer-360", f"{DAY + timedelta(1)}T02:00:00Z")
    return world.ended("sfn_customer_360", before, refused)


def task(world: World, refused: Refused) -> bool:
    """The inventory and baselines of a month, by tasks of ECS."""
    return world.execution("sfn_ndr_monthly_fg_b_baselines", {"project_name": "tasked", "month": "2026-04"}, refused)


def serving(world: World, refused: Refused) -> bool:
    """An endpoint that serves a model."""
    s3, sagemaker, name = world.aws.client("s3"), world.aws.client("sagemaker"), unique("ndr-served")
    place = f"local/models/{name}/"
    s3.put_object(Bucket=LAKE, Key=f"{place}model", Body=b"weights")
    source = {"S3Uri": f"s3://{LAKE}/{place}", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": f"{REGISTRY}/ndr-serve:{TAG}", "ModelDataSource": {"S3DataSource": source}}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=world.outputs["ServingRoleArn"], PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def settled() -> bool:
        return str(sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) != "Creating"

    world.awaited(settled, refused)
    found = sagemaker.describe_endpoint(EndpointName=name)
    world.note("serving", str(found.get("FailureReason", "")))
    sagemaker.delete_endpoint(EndpointName=name)
    return bool(found["EndpointStatus"] == "InService")


def snowflake(world: World, refused: Refused) -> bool:
    """Snowflake reads what is staged, with the role that it assumes."""
    bucket, key = world.outputs["Customer360Bucket"], "staging/probe"
    written = world.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"staged")
    s3 = world.assumed("s3", world.outputs["SnowflakeRoleArn"], EXTERNAL_ID)
    try:
        s3.get_bucket_location(Bucket=bucket)
        s3.list_objects_v2(Bucket=bucket, Prefix="staging/")
        s3.get_object(Bucket=bucket, Key=key)
        s3.get_object(Bucket=bucket, Key=key, VersionId=written["VersionId"])
    except ClientError as error:
        world.note("snowflake", str(error))
        return False
    return True


RUNS: dict[str, Callable[[World, Refused], bool]] = {
    run.__name__: run
    for run in (
        *(handover, publication, month, training, start, backfill, batch),
        *(ingestion, sweep, delivery, customer_360),
        *(task, serving, snowflake),
    )
}
"""The runs by their names; what several ask for is looked for in the first."""


def _uploaded(world: World, number: int) -> str:
    """Puts the batch of the nth window of the simulated day into the bucket of logs, and gives its folder there."""
    scenario = world.folder / "ndr-simulate"
    batches = sorted((scenario / BATCHES).glob("*/*/*/*"), key=lambda one: (one / "_BATCH.json").read_text())
    key = batches[number].relative_to(scenario).as_posix()
    world.upload(INGESTION, key, batches[number])
    return key


def _fire(world: World, name: str, moment: str = "") -> None:
    """Makes a schedule due now; `moment` is what its target gets as the time."""
    scheduler, due = world.aws.client("scheduler"), datetime.now(UTC) + timedelta(seconds=1)
    target = scheduler.get_schedule(Name=f"ndr-{name}")["Target"]
    changes: dict[str, Any] = {"Target": {**target, "Input": target["Input"].replace(TIME, moment)}}
    changed(scheduler, "ndr", name, State="ENABLED", ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})", **changes)
