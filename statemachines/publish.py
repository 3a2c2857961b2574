"""Publishing state machines: versions, and the alias `live` that everything which starts a machine names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.aws import aws_errors
from common.errors import DeploymentError
from statemachines.definitions import MACHINES, filled

ALIAS = "live"


@dataclass(frozen=True)
class Published:
    """What was done to a machine, and the number of the version that its alias now names."""

    machine: str
    done: str
    version: int


def publish_machines(stepfunctions: Any, outputs: Mapping[str, str]) -> list[Published]:
    """Creates or updates each machine, publishes a version of what changed, and moves its alias there.

    Raises:
        DeploymentError: a placeholder has no value.
        AwsError: a call was refused, for example since a definition is invalid.
    """
    found = _machines(stepfunctions)
    return [_publish(stepfunctions, machine, found.get(machine), outputs) for machine in MACHINES]


def roll_back(stepfunctions: Any, machine: str) -> Published:
    """Moves the alias of the machine to the version before the one that it names.

    Raises:
        DeploymentError: the machine is not deployed, or has no earlier version.
    """
    arn = _machines(stepfunctions).get(machine)
    if arn is None:
        raise DeploymentError(f"the state machine {machine} is not deployed", "Run ndr-statemachines deploy first")
    with aws_errors(f"the alias of {machine} could not be moved back"):
        live = _live_version(stepfunctions, arn)
        earlier = [number for number in _versions(stepfunctions, arn) if live is not None and number < live]
        if not earlier:
            raise DeploymentError(f"{machine} has no version before {live}", "Nothing was changed: deploy a mended one")
        _move_alias(stepfunctions, arn, max(earlier))
    return Published(machine, "rolled back", max(earlier))


def _publish(stepfunctions: Any, machine: str, arn: str | None, outputs: Mapping[str, str]) -> Published:
    definition = filled(machine, outputs)
    role = outputs[MACHINES[machine]]
    wanted = {
        "definition": definition,
        "roleArn": role,
        "loggingConfiguration": {
            "level": "ERROR",
            "includeExecutionData": False,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": _log_group(outputs)}}],
        },
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
        live = _live_version(stepfunctions, arn)
        if done == "unchanged" and live is not None:
            return Published(machine, done, live)
        digest = hashlib.sha256(definition.encode()).hexdigest()
        version = stepfunctions.publish_state_machine_version(stateMachineArn=arn, description=f"sha256:{digest}")
        number = int(version["stateMachineVersionArn"].rpartition(":")[2])
        _move_alias(stepfunctions, arn, number)
    return Published(machine, done, number)


def _log_group(outputs: Mapping[str, str]) -> str:
    arn = outputs["StateMachineLogGroupArn"]
    return arn if arn.endswith(":*") else f"{arn}:*"


def _machines(stepfunctions: Any) -> dict[str, str]:
    with aws_errors("the state machines could not be listed"):
        pages = stepfunctions.get_paginator("list_state_machines").paginate()
        return {entry["name"]: entry["stateMachineArn"] for page in pages for entry in page["stateMachines"]}


def _versions(stepfunctions: Any, arn: str) -> list[int]:
    listed = stepfunctions.list_state_machine_versions(stateMachineArn=arn, maxResults=1000)
    return [int(entry["stateMachineVersionArn"].rpartition(":")[2]) for entry in listed["stateMachineVersions"]]


def _live_version(stepfunctions: Any, arn: str) -> int | None:
    try:
        alias = stepfunctions.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:{ALIAS}")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFound", "StateMachineDoesNotExist"):
            return None
        raise
    return int(alias["routingConfiguration"][0]["stateMachineVersionArn"].rpartition(":")[2])


def _move_alias(stepfunctions: Any, arn: str, version: int) -> None:
    routing = [{"stateMachineVersionArn": f"{arn}:{version}", "weight": 100}]
    if _live_version(stepfunctions, arn) is None:
        stepfunctions.create_state_machine_alias(name=ALIAS, routingConfiguration=routing)
    else:
        stepfunctions.update_state_machine_alias(stateMachineAliasArn=f"{arn}:{ALIAS}", routingConfiguration=routing)
