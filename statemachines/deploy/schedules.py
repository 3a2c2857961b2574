"""Schedules of the deployed stacks: what they run, and when; changed in place, without a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Schedule:
    """A schedule: its name without the prefix of the stacks, its state, when it runs, and what it starts."""

    name: str
    state: str
    cron: str
    target: str


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
        try:
            before = scheduler.get_schedule(Name=full)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            known = ", ".join(schedule.name for schedule in listed(scheduler, prefix)) or "none"
            raise DeploymentError(f"there is no schedule {full}", f"Those that are deployed: {known}") from None
        kept = {field: before[field] for field in FIELDS if before.get(field) not in (None, "")}
        scheduler.update_schedule(Name=full, **{**kept, **changes})
        return _schedule(scheduler.get_schedule(Name=full), prefix)


def _schedule(entry: Mapping[str, Any], prefix: str) -> Schedule:
    parts = entry["Target"]["Arn"].split(":")
    target = parts[6] if len(parts) > 6 else entry["Target"]["Arn"]
    return Schedule(entry["Name"].removeprefix(f"{prefix}-"), entry["State"], entry["ScheduleExpression"], target)
