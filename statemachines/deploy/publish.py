"""Publishing state machines: versions, and the alias `live` that everything which starts a machine names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.errors import DeploymentError
from statemachines.definitions import MACHINES, filled

ALIAS = "live"


@dataclass(frozen=True)
class Published:
    """What was done to a machine, and the number of the version that its alias now names."""

    machine: str
    done: str
    version: int


def publish_machines(stepfunctions: Any, outputs: Mapping[str, str], machines: Iterable[str]) -> list[Published]:
    """Creates or updates each machine, publishes a version of what changed, and moves its alias there.

    Raises:
        DeploymentError: a placeholder has no value.
        AwsError: a call was refused, for example because a definition is invalid.
    """
    found, prefix = machines_by_name(stepfunctions), outputs["MachineArnPrefix"].rpartition(":")[2]
    return [_publish(stepfunctions, machine, prefix, found.get(f"{prefix}{machine}"), outputs) for machine in machines]


def roll_back(stepfunctions: Any, machines: Sequence[str]) -> list[Published]:
    """Moves the alias of each machine to the version before its current one; moves none if any has no such version.

    They have the names with which they are deployed.

    Raises:
        DeploymentError: a machine is not deployed, or has no earlier version.
    """
    found = machines_by_name(stepfunctions)
    with aws_errors("the aliases could not be moved back"):
        targets = [_earlier(stepfunctions, machine, found) for machine in machines]
        for arn, version in targets:
            _move_alias(stepfunctions, arn, version, _rolled_back_from(max(_versions(stepfunctions, arn))))
    return [Published(machine, "rolled back", version) for machine, (_, version) in zip(machines, targets, strict=True)]


def take_up(stepfunctions: Any, machine: str, version: int) -> bool:
    """Whether the alias of a machine had to be moved to the version.

    Raises:
        DeploymentError: the machine is not deployed, or has no such version.
        AwsError: a call was refused.
    """
    arn = machine_arn(stepfunctions, machine)
    with aws_errors(f"the alias of {machine} could not be moved"):
        if live_version(stepfunctions, arn)[0] == version:
            return False
        versions = _versions(stepfunctions, arn)
        if version not in versions:
            raise DeploymentError(f"{machine} has no version {version} any more", "Deploy a corrected release")
        newest = max(versions)
        _move_alias(stepfunctions, arn, version, _rolled_back_from(newest) if newest != version else "")
    return True


def machine_arn(stepfunctions: Any, machine: str) -> str:
    """The ARN of a machine, by the name with which it is deployed.

    Raises:
        DeploymentError: it is not deployed.
    """
    arn = machines_by_name(stepfunctions).get(machine)
    if arn is None:
        raise DeploymentError(f"the state machine {machine} is not deployed", "Run ndr-statemachines deploy first")
    return arn


def _earlier(stepfunctions: Any, machine: str, found: Mapping[str, str]) -> tuple[str, int]:
    """ARN of the machine, and the version before the live one."""
    arn = found.get(machine)
    if arn is None:
        raise DeploymentError(f"the state machine {machine} is not deployed", "Run ndr-statemachines deploy first")
    live, _ = live_version(stepfunctions, arn)
    earlier = [number for number in _versions(stepfunctions, arn) if live is not None and number < live]
    if not earlier:
        raise DeploymentError(f"{machine} has no version before {live}", "Nothing was changed: deploy a corrected one")
    return arn, max(earlier)


def _publish(stepfunctions: Any, machine: str, prefix: str, arn: str | None, outputs: Mapping[str, str]) -> Published:
    definition = filled(machine, outputs)
    role, machine = outputs[MACHINES[machine]], f"{prefix}{machine}"
    wanted = {
        "definition": definition,
        "roleArn": role,
        "loggingConfiguration": logging_of(outputs),
    }
    with aws_errors(f"the state machine {machine} could not be published"):
        done = "unchanged"
        if arn is None:
            arn = str(stepfunctions.create_state_machine(name=machine, type="STANDARD", **wanted)["stateMachineArn"])
            done = "created"
        else:
            current = stepfunctions.describe_state_machine(stateMachineArn=arn)
            if json.loads(current["definition"]) != json.loads(definition) or current["roleArn"] != role:
                stepfunctions.update_state_machine(stateMachineArn=arn, **wanted)
                done = "updated"
        digest = hashlib.sha256(f"{definition} {role}".encode()).hexdigest()
        newest = _published_as(stepfunctions, arn, f"sha256:{digest}")
        live, note = live_version(stepfunctions, arn)
        if live != newest and not (live is not None and note == _rolled_back_from(newest)):
            _move_alias(stepfunctions, arn, newest)
            done, live = "updated" if done == "unchanged" else done, newest
    assert live is not None
    return Published(machine, done, live)


def _published_as(stepfunctions: Any, arn: str, description: str) -> int:
    """The newest version if it has this description, or a new one; so a deployment that was interrupted is resumed."""
    newest = max(_versions(stepfunctions, arn), default=None)
    if newest is not None:
        described = stepfunctions.describe_state_machine(stateMachineArn=f"{arn}:{newest}")
        if described.get("description") == description:
            return newest
    version = stepfunctions.publish_state_machine_version(stateMachineArn=arn, description=description)
    return int(version["stateMachineVersionArn"].rpartition(":")[2])


def _rolled_back_from(version: int) -> str:
    """The description of an alias that another deployment of this version must not move."""
    return f"rolled back from version {version}"


def logging_of(outputs: Mapping[str, str]) -> dict[str, Any]:
    """How the machines log: what fails, without the data of executions."""
    arn = outputs["StateMachineLogGroupArn"]
    group = arn if arn.endswith(":*") else f"{arn}:*"
    return {
        "level": "ERROR",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }


def machines_by_name(stepfunctions: Any) -> dict[str, str]:
    """The ARNs of all state machines of the account by name.

    Raises:
        AwsError: they cannot be listed.
    """
    with aws_errors("the state machines could not be listed"):
        pages = stepfunctions.get_paginator("list_state_machines").paginate()
        return {entry["name"]: entry["stateMachineArn"] for page in pages for entry in page["stateMachines"]}


def _versions(stepfunctions: Any, arn: str) -> list[int]:
    listed = stepfunctions.list_state_machine_versions(stateMachineArn=arn, maxResults=1000)
    return [int(entry["stateMachineVersionArn"].rpartition(":")[2]) for entry in listed["stateMachineVersions"]]


def live_version(stepfunctions: Any, arn: str) -> tuple[int | None, str]:
    """The version that the alias names, none where there is no alias, and the description of the alias."""
    try:
        alias = stepfunctions.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:{ALIAS}")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFound", "StateMachineDoesNotExist"):
            return None, ""
        raise
    number = int(alias["routingConfiguration"][0]["stateMachineVersionArn"].rpartition(":")[2])
    return number, alias.get("description", "")


def _move_alias(stepfunctions: Any, arn: str, version: int, note: str = "") -> None:
    routing = {"routingConfiguration": [{"stateMachineVersionArn": f"{arn}:{version}", "weight": 100}]}
    if live_version(stepfunctions, arn)[0] is None:
        stepfunctions.create_state_machine_alias(name=ALIAS, description=note, **routing)
    else:
        alias = f"{arn}:{ALIAS}"
        stepfunctions.update_state_machine_alias(stateMachineAliasArn=alias, description=note, **routing)
