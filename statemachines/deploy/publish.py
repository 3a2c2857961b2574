"""Publishing state machines: versions, and the alias `live` that everything which starts a machine names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.aws.tags import in_lower_case
from common.errors import DeploymentError
from statemachines.definitions import MACHINES, filled
from statemachines.deploy.tags import environment_tags

ALIAS = "live"
TRACING = {"enabled": True}
"""Executions are traced with X-Ray."""
_ABSENT = ("ResourceNotFound", "StateMachineDoesNotExist")


@dataclass(frozen=True)
class Published:
    """What was done to a machine, and the number of the version that its alias now names."""

    machine: str
    done: str
    version: int


@dataclass(frozen=True)
class Prepared:
    """A machine whose newest version is published, and what its alias names until it is moved.

    Attributes:
        machine: its name.
        arn: its ARN.
        done: what was done to it.
        newest: the number of its newest version.
        live: the version that the alias names; None where there is no alias.
        moves: whether the alias has to be moved to the newest version.
    """

    machine: str
    arn: str
    done: str
    newest: int
    live: int | None
    moves: bool


def prepare(stepfunctions: Any, outputs: Mapping[str, str], machines: Iterable[str]) -> list[Prepared]:
    """Creates or updates each machine, and publishes a version of what changed; starts still use the former one.

    Raises:
        DeploymentError: a placeholder has no value.
        AwsError: a call was refused, for example because a definition is invalid.
    """
    found, prefix = machines_by_name(stepfunctions), outputs["MachineArnPrefix"].rpartition(":")[2]
    return [_prepare(stepfunctions, machine, prefix, found.get(f"{prefix}{machine}"), outputs) for machine in machines]


def go_live(stepfunctions: Any, prepared: Iterable[Prepared]) -> list[Published]:
    """Moves the alias of each machine to its newest version, unless it was rolled back from it.

    Raises:
        AwsError: a call was refused.
    """
    done = []
    for one in prepared:
        if one.moves:
            with aws_errors(f"the alias of {one.machine} could not be moved"):
                move_alias(stepfunctions, one.arn, {one.newest: 100})
        word = "updated" if one.moves and one.done == "unchanged" else one.done
        version = one.newest if one.moves else one.live
        assert version is not None
        done.append(Published(one.machine, word, version))
    return done


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
            newest = max(versions_of(stepfunctions, arn))
            move_alias(stepfunctions, arn, {version: 100}, rolled_back_from(newest))
    return [Published(machine, "rolled back", version) for machine, (_, version) in zip(machines, targets, strict=True)]


def take_up(stepfunctions: Any, machine: str, version: int, note: str) -> bool:
    """Whether the alias of a machine had to be moved to the version, with this description.

    Raises:
        DeploymentError: the machine is not deployed, or has no such version.
        AwsError: a call was refused.
    """
    arn = machine_arn(stepfunctions, machine)
    with aws_errors(f"the alias of {machine} could not be moved"):
        if routes_of(stepfunctions, arn) == ({version: 100}, note):
            return False
        if version not in versions_of(stepfunctions, arn):
            raise DeploymentError(f"{machine} has no version {version} any more", "Deploy a corrected release")
        move_alias(stepfunctions, arn, {version: 100}, note)
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
    routes, _ = routes_of(stepfunctions, arn)
    live = min(routes, default=None)
    if live is not None and len(routes) > 1:  # another one is tried, or was when a deployment was interrupted
        return arn, live
    earlier = [number for number in versions_of(stepfunctions, arn) if live is not None and number < live]
    if not earlier:
        raise DeploymentError(f"{machine} has no version before {live}", "Nothing was changed: deploy a corrected one")
    return arn, max(earlier)


def _prepare(stepfunctions: Any, machine: str, prefix: str, arn: str | None, outputs: Mapping[str, str]) -> Prepared:
    definition = filled(machine, outputs)
    role, machine = outputs[MACHINES[machine]], f"{prefix}{machine}"
    wanted = {
        "definition": definition,
        "roleArn": role,
        "loggingConfiguration": logging_of(outputs),
        "tracingConfiguration": TRACING,
    }
    with aws_errors(f"the state machine {machine} could not be published"):
        done = "unchanged"
        if arn is None:
            tags = in_lower_case(environment_tags(prefix))
            made = stepfunctions.create_state_machine(name=machine, type="STANDARD", tags=tags, **wanted)
            arn, done = str(made["stateMachineArn"]), "created"
        else:
            current = stepfunctions.describe_state_machine(stateMachineArn=arn)
            now = json.loads(current["definition"]), current["roleArn"], current.get("tracingConfiguration")
            if now != (json.loads(definition), role, TRACING):
                stepfunctions.update_state_machine(stateMachineArn=arn, **wanted)
                done = "updated"
        digest = hashlib.sha256(f"{definition} {role} {TRACING}".encode()).hexdigest()
        newest = _published_as(stepfunctions, arn, f"sha256:{digest}")
        routes, note = routes_of(stepfunctions, arn)
    moves = routes != {newest: 100} and not (routes and note == rolled_back_from(newest))
    return Prepared(machine, arn, done, newest, min(routes, default=None), moves)


def _published_as(stepfunctions: Any, arn: str, description: str) -> int:
    """The newest version if it has this description, or a new one; so a deployment that was interrupted is resumed."""
    newest = max(versions_of(stepfunctions, arn), default=None)
    if newest is not None:
        described = stepfunctions.describe_state_machine(stateMachineArn=f"{arn}:{newest}")
        if described.get("description") == description:
            return newest
    version = stepfunctions.publish_state_machine_version(stateMachineArn=arn, description=description)
    return int(version["stateMachineVersionArn"].rpartition(":")[2])


def rolled_back_from(version: int) -> str:
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


def versions_of(stepfunctions: Any, arn: str) -> list[int]:
    """The numbers of the versions of a machine, in no order."""
    listed = stepfunctions.list_state_machine_versions(stateMachineArn=arn, maxResults=1000)
    return [int(entry["stateMachineVersionArn"].rpartition(":")[2]) for entry in listed["stateMachineVersions"]]


def live_version(stepfunctions: Any, arn: str) -> tuple[int | None, str]:
    """The version that the alias names, none where there is no alias, and the description of the alias.

    While another one is tried, it is the one that was there before.
    """
    routes, note = routes_of(stepfunctions, arn)
    return min(routes, default=None), note


def routes_of(stepfunctions: Any, arn: str) -> tuple[dict[int, int], str]:
    """The percentage of the executions that each version gets from the alias, and the description of the alias."""
    try:
        alias = stepfunctions.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:{ALIAS}")
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return {}, ""
        raise
    routes = {
        int(route["stateMachineVersionArn"].rpartition(":")[2]): int(route["weight"])
        for route in alias["routingConfiguration"]
    }
    return routes, alias.get("description", "")


def move_alias(stepfunctions: Any, arn: str, routes: Mapping[int, int], note: str = "") -> None:
    """Gives each version its percentage of the executions that the alias starts, which is made if it is missing."""
    wanted = {
        "routingConfiguration": [
            {"stateMachineVersionArn": f"{arn}:{version}", "weight": weight} for version, weight in routes.items()
        ],
        "description": note,
    }
    try:
        stepfunctions.update_state_machine_alias(stateMachineAliasArn=f"{arn}:{ALIAS}", **wanted)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        stepfunctions.create_state_machine_alias(name=ALIAS, **wanted)
