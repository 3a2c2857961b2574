"""Schedules of the deployed stacks and projects: what they run, and when; changed in place, without a deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.errors import DeploymentError

FIELDS = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "Target",
    "State",
    "Description",
    "StartDate",
    "EndDate",
    "KmsKeyArn",
    "ActionAfterCompletion",
)
"""What a schedule is replaced by as a whole: what a change leaves out would be lost."""


NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
"""What Scheduler takes as the name of a schedule."""
GROW = "grow"
OF_PROJECTS = {
    "monthly-baselines": ("cron(30 0 1 * ? *)", "sfn_ndr_monthly_fg_b_baselines", "The baselines of the month"),
    "training": ("cron(30 6 2 * ? *)", "sfn_ndr_training_orchestrator", "The model of the month"),
    GROW: ("cron(30 2 * * ? *)", "sfn_ndr_start_project", "What a young project has learned since yesterday"),
}
"""The schedules of each project: when they run, in UTC, the machine that they start, and what they are for."""
OF_LAKES = {
    "maintenance": ("cron(30 3 * * ? *)", "ndr-maintain", "The upkeep of the lake"),
    "canary": ("cron(30 5 ? * MON *)", "ndr-canary", "The proof that attacks are found"),
}
"""The schedules that start a pipeline, without a machine: nothing waits for its end."""


@dataclass(frozen=True)
class Schedule:
    """A schedule: its name without the prefix of the stacks, its state, when it runs and what, and when it changed."""

    name: str
    state: str
    cron: str
    target: str
    changed: datetime


def listed(scheduler: Any, prefix: str) -> list[Schedule]:
    """The schedules whose names begin with this prefix, by name.

    Raises:
        AwsError: they cannot be listed.
    """
    with aws_errors("the schedules cannot be listed"):
        pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=f"{prefix}-")
        names = [entry["Name"] for page in pages for entry in page["Schedules"]]
        found = [scheduler.get_schedule(Name=name) for name in sorted(names)]
    return [_schedule(entry, prefix) for entry in found]


def changed(scheduler: Any, prefix: str, name: str, **changes: str) -> Schedule:
    """The schedule after a change of some of its fields; all others stay.

    Raises:
        DeploymentError: there is no such schedule.
        AwsError: the change was refused, as that of an expression which is none.
    """
    full = f"{prefix}-{name}"
    with aws_errors(f"the schedule {full} cannot be changed"):
        before = _existing(scheduler, full)
        if before is None:
            known = ", ".join(schedule.name for schedule in listed(scheduler, prefix)) or "none"
            raise DeploymentError(f"there is no schedule {full}", f"Those that are deployed: {known}")
        kept = {field: before[field] for field in FIELDS if before.get(field) not in (None, "")}
        scheduler.update_schedule(Name=full, **{**kept, **changes})
        return _schedule(scheduler.get_schedule(Name=full), prefix)


def put_for_project(
    scheduler: Any,
    outputs: Mapping[str, str],
    project: str,
    message: Mapping[str, Any],
    former: Mapping[str, Any],
    lake_uri: str | None = None,
    is_new: bool = False,
) -> list[Schedule]:
    """The schedules of a project, created where they are missing; when and whether the others run stays as it is.

    `former` are those of the stack of an earlier template, by name, whose state and expression pass to the project's.
    The one with which it grows runs only if the project is new; that of another is turned on by its start. Without
    its lake, it gets neither upkeep nor proof.

    Raises:
        DeploymentError: the names of schedules cannot have the name of the project.
        AwsError: a schedule was refused.
    """
    prefix, found = outputs["SchedulePrefix"], []
    for name, target in targets_of(outputs, project, message, lake_uri).items():
        cron, _, about = {**OF_PROJECTS, **OF_LAKES}[name]
        full = f"{prefix}-{project}-{name}"
        if not NAME.fullmatch(full):
            raise DeploymentError(
                f"a schedule cannot have the name {full}",
                "Give the project a shorter name, of letters, digits, dots, dashes and underscores",
            )
        new = {
            "ScheduleExpression": cron,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "DISABLED" if name == GROW and not is_new else outputs["SchedulesState"],
            "Description": f"{about}: {project}",
            **former.get(name, {}),
        }
        with aws_errors(f"the schedule {full} cannot be written"):
            if (before := _existing(scheduler, full)) is None:
                scheduler.create_schedule(Name=full, **new, Target=target)
            else:
                kept = {field: before[field] for field in FIELDS if before.get(field) not in (None, "")}
                scheduler.update_schedule(Name=full, **{**kept, "Target": {**before["Target"], **target}})
            found.append(_schedule(scheduler.get_schedule(Name=full), prefix))
    return found


def targets_of(
    outputs: Mapping[str, str], project: str, message: Mapping[str, Any], lake_uri: str | None
) -> dict[str, dict[str, Any]]:
    """What each schedule of a project starts, by its name. Without its lake, it has neither upkeep nor proof."""
    targets = {
        name: {
            "Arn": f"{outputs['MachineArnPrefix']}{machine}:live",
            "Input": json.dumps({"project_name": project, **message, "time": "<aws.scheduler.scheduled-time>"}),
        }
        for name, (_, machine, _) in OF_PROJECTS.items()
    }
    if lake_uri:
        values = {
            "ProjectName": project,
            "FeatureSpecVersion": str(message["feature_spec_version"]),
            "LakeUri": lake_uri,
            "ParametersUri": f"dynamodb://{outputs['ProjectParametersTable']}",
        }
        targets |= {name: _pipeline(outputs, pipeline, values) for name, (_, pipeline, _) in OF_LAKES.items()}
    return {name: {**target, "RoleArn": outputs["StarterRoleArn"]} for name, target in targets.items()}


def _pipeline(outputs: Mapping[str, str], pipeline: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The target that starts a pipeline in the account and region of the machines."""
    place = outputs["MachineArnPrefix"].replace(":states:", ":sagemaker:").replace(":stateMachine:", ":pipeline/")
    return {
        "Arn": f"{place}{pipeline}",
        "SageMakerPipelineParameters": {
            "PipelineParameterList": [{"Name": name, "Value": value} for name, value in values.items()]
        },
    }


def former_of_stack(scheduler: Any, prefix: str) -> dict[str, dict[str, Any]]:
    """By project, then by name, the schedules that earlier templates had for one project: their state and expression.

    Raises:
        AwsError: they cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    with aws_errors(f"the schedules {prefix}-* cannot be read"):
        for name in OF_PROJECTS:
            entry = _existing(scheduler, f"{prefix}-{name}")
            if entry is not None:
                project = str(json.loads(entry["Target"]["Input"])["project_name"])
                kept = {field: entry[field] for field in ("State", "ScheduleExpression")}
                found.setdefault(project, {})[name] = kept
    return found


def _existing(scheduler: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = scheduler.get_schedule(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return found


def _schedule(entry: Mapping[str, Any], prefix: str) -> Schedule:
    parts = entry["Target"]["Arn"].split(":")
    target = parts[6] if len(parts) > 6 else entry["Target"]["Arn"].rpartition("/")[2]
    name, changed = entry["Name"].removeprefix(f"{prefix}-"), entry["LastModificationDate"]
    return Schedule(name, entry["State"], entry["ScheduleExpression"], target, changed)
