"""A running local AWS for the tests, and folders of small programs that stand in the place of the stages' commands."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from common.runtime.catalog import STAGES
from localaws.cli.process import LocalAws

WAIT_SCALE = "0.02"
ROLE = "arn:aws:iam::000000000000:role/test"
"""A role of every local AWS of the tests, with which Step Functions may do anything."""
STEPS_OF_TESTS = (
    *("append", "bring", "count", "environment", "fail", "forever", "function", "late", "meet", "nowhere", "pass"),
    *("probe", "quick", "refuse", "say", "show", "slow", "stubborn", "wait", "work"),
    *("glue-fail", "glue-long", "glue-quick", "glue-show", "glue-true", "glue-wait"),
)
"""The commands, after `ndr-`, that tests put in the place of the stages' own."""

Started = Callable[..., LocalAws]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def wait_for(what: Callable[[], Any], seconds: float = 30, pause: float = 0.02) -> Any:
    """The first true value; between looks there is a pause, in seconds."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause)
    return found


def create_table(local: LocalAws, name: str, *keys: str) -> None:
    """Creates a DynamoDB table with a partition key of type string, and a sort key of type string if it is given."""
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    local.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def write_step(folder: Path, name: str, script: str) -> Path:
    """A command of the given name, a shell script, in a folder of steps."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def new_local_aws(home: Path, step_bin: Path | None = None, **variables: str) -> LocalAws:
    """A local AWS, not started, on a free port, whose state machines wait a fiftieth of their time."""
    commands = " ".join([*(stage.command for stage in STAGES), *(f"ndr-{name}" for name in STEPS_OF_TESTS)])
    defaults = {"SFN_WAIT_SCALE": WAIT_SCALE, "NDR_STEP_GRACE": "1", "NDR_STEP_COMMANDS": commands}
    return LocalAws(home, free_port(), step_bin or home / "bin", {**defaults, **variables})


def create_role(local: LocalAws, name: str, *statements: dict[str, Any]) -> str:
    """The ARN of a new role for Step Functions, which permits what the statements say."""
    client = local.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def start_with_role(local: LocalAws) -> None:
    """Starts a local AWS, and makes `ROLE` if it is new."""
    local.start()
    with suppress(local.client("iam").exceptions.EntityAlreadyExistsException):
        create_role(local, ROLE.rpartition("/")[2], {"Effect": "Allow", "Action": "*", "Resource": "*"})


@contextmanager
def running_local_aws(home: Path) -> Iterator[LocalAws]:
    """A local AWS that has started, and ends."""
    local = new_local_aws(home)
    start_with_role(local)
    try:
        yield local
    finally:
        local.stop()


@pytest.fixture(scope="session")
def start_local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Starts a local AWS of its own, `start_local_aws(step_bin=folder, NDR_STEP_SLOTS="1")`, ended with the session."""
    running: list[LocalAws] = []

    def start(step_bin: Path | None = None, **variables: str) -> LocalAws:
        local = new_local_aws(tmp_path_factory.mktemp("local-aws"), step_bin, **variables)
        running.append(local)
        start_with_role(local)
        return local

    yield start
    for local in running:
        local.stop()


@pytest.fixture(scope="session")
def step_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands that the steps of `local_aws` run: write to it with `write_step`."""
    return tmp_path_factory.mktemp("step-bin")


@pytest.fixture(scope="session")
def local_aws(start_local_aws: Started, step_bin: Path) -> LocalAws:
    """One running local AWS for all tests of the session: use names of your own in it."""
    return start_local_aws(step_bin=step_bin)


@pytest.fixture
def aws_environment(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The local AWS, to which this process's own AWS variables lead during the test."""
    lead_to(local_aws, monkeypatch)
    return local_aws


def lead_to(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process's own AWS variables lead to a local AWS during the test."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in local.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps the credential of another local AWS
