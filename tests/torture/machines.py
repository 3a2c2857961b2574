"""Kills the local AWS while a state machine runs the real stages, starts it again, and delivers the batch again."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localaws.cli.process import LocalAws
from tests.commands import command_line
from tests.localaws.running import free_port
from tests.torture.kills import IN_A_ROW, Outcome, differing, left_over
from tests.torture.world import SETTINGS, WINDOW, World, copy
from tools.demo.control_plane import FIFTEEN_MINUTES

PROJECT, ORGANISATION = "local", "acme/hq"
BUCKET = "ndr-ingestion-000000000000-us-east-1"
BACKFILL = "sfn_ndr_backfill_reprocessing"
FEATURES = ("delta_host", "delta_pair", "fg_a", "pair_counts", "fg_c")
MADE = {FIFTEEN_MINUTES: (*FEATURES, "predictions", "prediction_join"), BACKFILL: FEATURES}
"""The tables that each machine makes."""

STOPPED = "the local AWS was stopped"
SECONDS = 300.0


@dataclass(frozen=True)
class Plane:
    """A local AWS with everything deployed and the window's batch in its bucket, in a folder that it can go back to."""

    root: Path
    port: int

    @property
    def aws(self) -> LocalAws:
        """The local AWS."""
        return LocalAws(self.root / "home", self.port)

    @property
    def lake(self) -> Path:
        """The lake of its project."""
        return self.root / "lake"

    def up(self) -> None:
        """Starts the local AWS."""
        options = (
            "--port",
            str(self.port),
            "--fused",
            "--wait-scale",
            "0.1",
            "--project",
            str(self.root / "project.yaml"),
        )
        _run(command_line("ndr-local", "up", "--home", self.aws.home, *options))

    def down(self) -> None:
        """Stops it."""
        _run(command_line("ndr-local", "down", "--home", self.aws.home))

    def go_back(self, lake: Path) -> None:
        """Starts it as it was when it had been deployed, with the lake."""
        shutil.rmtree(self.aws.home, ignore_errors=True)
        shutil.copytree(self.root / "deployed", self.aws.home)
        copy(lake, self.lake)
        self.up()

    def start(self, machine: str) -> str:
        """A new execution of a machine that makes the window anew."""
        events = {
            FIFTEEN_MINUTES: {"batch_s3_path": self.batch, "timestamp": f"{WINDOW.end:%Y-%m-%dT%H:%M:05Z}"},
            BACKFILL: {
                "project_name": PROJECT,
                "start_ts_iso": f"{WINDOW.start:%Y-%m-%dT%H:%M:%SZ}",
                "end_ts_iso": f"{WINDOW.end:%Y-%m-%dT%H:%M:%SZ}",
            },
        }
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine}:live"
        states = self.aws.client("stepfunctions")
        return str(states.start_execution(stateMachineArn=arn, input=json.dumps(events[machine]))["executionArn"])

    @property
    def batch(self) -> str:
        """The folder of the window's batch."""
        return f"s3://{BUCKET}/{ORGANISATION}/{WINDOW.start:%Y/%m/%d}/second/"

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution once it has ended."""
        states = self.aws.client("stepfunctions")
        deadline = time.monotonic() + SECONDS
        while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{execution} has not ended after {SECONDS:g} s")
            time.sleep(0.1)
        return dict(found)

    def end_leases(self) -> None:
        """Lets the lease of every lock end, as time would."""
        dynamodb = self.aws.client("dynamodb")
        for table, key in (("processing_lock", "lock_id"), ("publication_lock", "publication_id")):
            for item in dynamodb.scan(TableName=table)["Items"]:
                if "expires_at" in item:
                    dynamodb.update_item(
                        TableName=table,
                        Key={key: item[key]},
                        UpdateExpression="SET expires_at = :past",
                        ExpressionAttributeValues={":past": {"N": "1"}},
                    )

    def kill(self) -> None:
        """Kills the server; its steps live on until it starts again."""
        pid = self.aws.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while _exists(pid):
                time.sleep(0.01)

    def held_locks(self) -> list[str]:
        """The windows whose lock has an owner."""
        items = self.aws.client("dynamodb").scan(TableName="processing_lock")["Items"]
        return [item["lock_id"]["S"] for item in items if "owner" in item]


def deployed(world: World, root: Path) -> Plane:
    """A local AWS in the folder, deployed unless it is there already."""
    known = root / "port"
    plane = Plane(root, int(known.read_text()) if known.exists() else free_port())
    if known.exists():
        return plane
    root.mkdir(parents=True, exist_ok=True)
    attempts = ("features", "inference", "join", "inventory", "fg_b", "training", "extractor", "backfill")
    project = {
        "project_name": PROJECT,
        "organisations": [ORGANISATION],
        "settings": yaml.safe_load(SETTINGS),
        "orchestration": {
            "lake_uri": str(plane.lake),
            "ingestion_prefix": f"s3://{BUCKET}/{ORGANISATION}",
            "poll_seconds": 1,
            **{f"{name}_poll_attempts": 3000 for name in attempts},
        },
    }
    (root / "project.yaml").write_text(yaml.safe_dump(project))
    plane.up()
    s3 = plane.aws.client("s3")
    for path in world.batch("second").iterdir():
        key = f"{plane.batch.removeprefix(f's3://{BUCKET}/')}{path.name}"
        s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    plane.down()
    shutil.move(plane.aws.home, root / "deployed")
    known.write_text(str(plane.port))
    return plane


def undisturbed(world: World, plane: Plane, machine: str) -> float:
    """The seconds that a machine takes; the lake that it makes stays, as what one that is killed has to come to."""
    plane.go_back(world.lake(0))
    began = time.monotonic()
    found = plane.ended(plane.start(machine))
    seconds = time.monotonic() - began
    plane.down()
    if found["status"] != "SUCCEEDED":
        raise RuntimeError(f"{machine}: {found}")
    copy(plane.lake, _wanted(plane, machine))
    return seconds


def try_kills(world: World, plane: Plane, number: int, machine: str, seconds: float) -> Outcome:
    """Kills the server under a machine, at moments that the number chooses from its usual seconds; lets it end then."""
    dice = random.Random(number)
    plane.go_back(world.lake(0))
    killed = []
    for _ in range(IN_A_ROW):
        execution, moment = plane.start(machine), dice.random() * seconds
        time.sleep(moment)
        plane.kill()
        plane.up()
        plane.end_leases()
        found = plane.ended(execution)
        if STOPPED in found.get("cause", ""):
            killed.append(round(moment, 3))
    wrong = [
        *_complaints(plane.ended(plane.start(machine))),
        *(f"the lock of {lock} stays" for lock in plane.held_locks()),
    ]
    plane.down()
    wrong += [f"{name} is wrong" for name in differing(plane.lake, _wanted(plane, machine), MADE[machine])]
    wrong += left_over(plane.lake)
    return Outcome(machine, killed, "; ".join(wrong))


def _complaints(again: dict[str, Any]) -> Iterator[str]:
    if again["status"] != "SUCCEEDED":
        yield f"the next execution: {again.get('error')}: {again.get('cause')}"


def _wanted(plane: Plane, machine: str) -> Path:
    return plane.root / f"wanted-{machine}"


def _run(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr[-2000:]}")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path(f"/proc/{pid}").exists() else False
