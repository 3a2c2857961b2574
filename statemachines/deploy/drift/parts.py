"""Machines, aliases, pipelines, tasks and schedules of projects against what is committed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.aws.clients import aws_errors, client
from common.config.project_file import ProjectFile
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import look_up, plans
from pipelines.differences import ABSENT, Change
from pipelines.network import Network
from pipelines.tasks import task_plans
from statemachines.definitions import MACHINES, filled
from statemachines.deploy.drift.comparison import Finding, differences, plain
from statemachines.deploy.projects import items_of
from statemachines.deploy.publish import (
    ALIAS,
    TRACING,
    live_version,
    logging_of,
    machines_by_name,
    rolled_back_from,
    versions_of,
)
from statemachines.deploy.schedules import targets_of
from statemachines.deploy.subscribers import PENDING, subscriptions, topics_of
from statemachines.deploy.tagged_parts import untagged
from statemachines.deploy.tags import environment_tags

OF_VERSION = ("definition", "role")
"""What each version of a machine has of its own."""


def findings_of_machines(
    prefix: str, machines: Sequence[str], outputs: Mapping[str, str], remedy: str
) -> Iterator[Finding]:
    """What differs in the machines: definition, role, logs, traces, and the version that the alias names.

    Raises:
        AwsError: a call was refused.
    """
    states = client("stepfunctions")
    found = machines_by_name(states)
    for machine in machines:
        name = f"{prefix}{machine}"
        if name not in found:
            yield Finding("machine", name, "", "deployed", ABSENT, remedy)
            continue
        wanted = {
            "definition": json.loads(filled(machine, outputs)),
            "role": outputs[MACHINES[machine]],
            "logs": logging_of(outputs),
            "traces": TRACING,
        }
        with aws_errors(f"the state machine {name} could not be read"):
            is_ = _described(states, found[name])
            newest = max(versions_of(states, found[name]), default=None)
            live, note = live_version(states, found[name])
            last = _of_version(states, found[name], newest)
            runs = {key: wanted[key] for key in OF_VERSION}
            # a release was rolled back: what was published last is not what is wanted, but what is live
            went_back = live != newest and last != runs and _of_version(states, found[name], live) == runs
            if went_back:
                wanted |= last
        for path, should, value in differences(plain(wanted), plain(is_)):
            yield Finding("machine", name, path, should, value, remedy)
        if live is None or newest is None:
            yield Finding("alias", f"{name}:{ALIAS}", "", newest, ABSENT, remedy)
        elif live != newest and not went_back and note != rolled_back_from(newest):
            mend = f"{remedy}, or ndr-statemachines rollback to stay with an earlier version"
            yield Finding("alias", f"{name}:{ALIAS}", "version", newest, live, mend)


def _described(states: Any, arn: str) -> dict[str, Any]:
    """A machine as it is now, or what a version of it runs."""
    found = states.describe_state_machine(stateMachineArn=arn)
    return {
        "definition": json.loads(found["definition"]),
        "role": found["roleArn"],
        "logs": found.get("loggingConfiguration"),
        "traces": found.get("tracingConfiguration"),
    }


def _of_version(states: Any, arn: str, version: int | None) -> dict[str, Any]:
    """What a version runs, and with which role; empty where there is none."""
    found = _described(states, f"{arn}:{version}") if version is not None else {}
    return {key: found[key] for key in OF_VERSION if found}


def findings_of_pipelines(
    prefix: str, outputs: Mapping[str, str], defaults: Mapping[str, str], network: Network | None, remedy: str
) -> Iterator[Finding]:
    """What differs in the pipelines, and in the tasks that run what they would.

    Raises:
        AwsError: a call was refused.
    """
    known = look_up(client("sagemaker"), pipeline_names(), prefix)
    planned = plans(known, outputs["PipelineRoleArn"], defaults, network)
    for plan in planned:
        yield from _findings_of_plan("pipeline", plan.name, plan.changes, remedy)
    if outputs["TaskExecutionRoleArn"] != "none":
        for task in task_plans(client("ecs"), planned, outputs["TaskExecutionRoleArn"]):
            yield from _findings_of_plan("task", task.name, task.changes, remedy)


def findings_of_tags(prefix: str, remedy: str) -> Iterator[Finding]:
    """What differs in the tags of machines, pipelines and tasks, which no stack makes.

    Raises:
        AwsError: a call was refused.
    """
    for part in untagged(prefix):
        for key, value in environment_tags(prefix).items():
            yield Finding(part.kind, part.name, f"tag {key}", value, part.tags.get(key, ABSENT), remedy)


def findings_of_subscriptions(outputs: Mapping[str, str], wanted: Sequence[str], remedy: str) -> Iterator[Finding]:
    """What differs in whom the topics tell: who is missing, has not confirmed, or was added by hand.

    Raises:
        AwsError: a call was refused.
    """
    sns = client("sns")
    for topic in topics_of(outputs):
        name, found = topic.rpartition(":")[2], subscriptions(sns, topic)
        for one in sorted({*wanted} - {*found}):
            yield Finding("topic", name, "subscriptions", one, ABSENT, remedy)
        for one in sorted({*found} - {*wanted}):
            mend = f"aws sns unsubscribe --subscription-arn {found[one]}, or name it among the subscribers, and deploy"
            yield Finding("topic", name, "subscriptions", ABSENT, one, mend)
        for one in (one for one in wanted if found.get(one) == PENDING):
            yield Finding("topic", name, f"subscriptions {one}", "confirmed", PENDING, "Have it confirmed by its owner")


def _findings_of_plan(kind: str, name: str, changes: tuple[Change, ...] | None, remedy: str) -> Iterator[Finding]:
    if changes is None:
        yield Finding(kind, name, "", "deployed", ABSENT, remedy)
    for change in changes or ():
        yield Finding(kind, name, change.path, change.new, change.old, remedy)


def findings_of_schedules(
    outputs: Mapping[str, str], project: str, message: Mapping[str, Any], lake: str | None, remedy: str
) -> Iterator[Finding]:
    """What differs in what the schedules of a project start; when they do is its people's.

    Raises:
        AwsError: a call was refused.
    """
    scheduler = client("scheduler")
    for name, target in targets_of(outputs, project, message, lake).items():
        full = f"{outputs['SchedulePrefix']}-{project}-{name}"
        with aws_errors(f"the schedule {full} could not be read"):
            pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=full)
            known = {entry["Name"] for page in pages for entry in page["Schedules"]}
            found = scheduler.get_schedule(Name=full)["Target"] if full in known else None
        if found is None:
            yield Finding("schedule", full, "", "deployed", ABSENT, remedy)
            continue
        own = {key: found.get(key) for key in target}  # Scheduler adds others
        for path, should, is_ in differences(plain(target), plain(own)):
            yield Finding("schedule", full, f"target {path}", should, is_, remedy)


def findings_of_parameters(outputs: Mapping[str, str], project: ProjectFile, remedy: str) -> Iterator[Finding]:
    """What differs in the parameters and the routing of a project.

    Raises:
        AwsError: a table cannot be read.
    """
    dynamodb, name = client("dynamodb"), project.project_name
    for table, item in items_of(project, outputs):
        with aws_errors(f"the table {table} could not be read"):
            keys = [key["AttributeName"] for key in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
            found = dynamodb.get_item(TableName=table, Key={key: item[key] for key in keys}).get("Item")
        what = "/".join(item[key]["S"] for key in keys)
        if found is None:
            yield Finding("project", name, f"{table} {what}", "an item", ABSENT, remedy)
            continue
        for path, should, is_ in differences(plain(_parsed(item)), plain(_parsed(found))):
            yield Finding("project", name, f"{table} {what} {path}", should, is_, remedy)


def _parsed(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item as plain values; what is JSON in it, parsed."""
    values = {key: next(iter(value.values())) for key, value in item.items()}
    return {key: json.loads(text) if str(text).startswith("{") else text for key, text in values.items()}
