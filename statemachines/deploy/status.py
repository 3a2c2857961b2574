"""What an environment has, and how it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import is_missing
from pipelines.images import defaults_of
from statemachines.definitions import MACHINES
from statemachines.deploy.described import stack_described
from statemachines.deploy.next_times import next_time
from statemachines.deploy.publish import ALIAS, live_version, machines_by_name
from statemachines.deploy.registry import STACK, repositories
from statemachines.deploy.releases import about
from statemachines.deploy.schedules import Schedule, listed

RELEASE = "Release"
NOTHING = ""
ENABLED = "ENABLED"
A_MINUTE = timedelta(minutes=1)
"""Within which Scheduler begins what it should."""
UNWELL = ("missing", "interrupted", "failed", "timed_out", "aborted", "alarm")


@dataclass(frozen=True)
class Part:
    """A part of an environment.

    Attributes:
        kind: what it is.
        name: its name.
        state: how it does.
        about: its release, version, schedule or depth.
        since: when it came into this state, or last did something.
        next: when a schedule runs next.
        late_seconds: how long ago a machine should have begun something by schedule, and has not.
    """

    kind: str
    name: str
    state: str
    about: str = NOTHING
    since: datetime | None = None
    next: datetime | None = None
    late_seconds: int | None = None


def parts(prefix: str, schedules: str, stacks: Sequence[str]) -> Iterator[Part]:
    """The stacks, machines, pipelines, schedules, queues and alarms whose names begin with the prefix.

    Raises:
        AwsError: a call was refused.
    """
    now, found = datetime.now(UTC), listed(client("scheduler"), schedules)
    yield from map(_stack, stacks)
    yield from _machines(prefix, found, now)
    yield from _pipelines(prefix)
    for schedule in found:
        next_at = next_time(schedule.cron, now) if schedule.state == ENABLED else None
        yield Part(
            "schedule", schedule.name, schedule.state.lower(), f"{schedule.cron} {schedule.target}", next=next_at
        )
    yield from _queues(schedules)
    yield from _alarms(schedules)


def release(bucket: str | None) -> Iterator[Part]:
    """The release that is deployed, as the record in the artifacts bucket says; nothing where there is none.

    Raises:
        DeploymentError: the record is damaged.
        AwsError: it cannot be read.
    """
    found = about(bucket) if bucket else None
    if found:
        current, state = found
        says = f"commit {current['tag']}, {'signed' if current['signed_by'] else 'unsigned'}"
        yield Part("release", str(current["number"]), state, says, datetime.fromisoformat(current["time"]))


def registry() -> Iterator[Part]:
    """The stack of the account's repositories, and each of these; nothing where it was never made.

    Raises:
        AwsError: a call was refused.
    """
    found = list(repositories())
    if found:
        yield _stack(STACK)
    for name, images in found:
        tags = ", ".join(images[0].get("imageTags", [])) if images else NOTHING
        about = f"{len(images)} images, the last is {tags or 'untagged'}" if images else NOTHING
        pushed = images[0]["imagePushedAt"] if images else None
        yield Part("repository", name, "has images" if images else "empty", about, pushed)


def is_well(part: Part) -> bool:
    """Whether nothing of a part wants looking at."""
    dead_letters = part.kind == "queue" and part.state != "empty" and part.name.endswith("-dlq")
    return not dead_letters and part.late_seconds is None and part.state not in UNWELL and "rollback" not in part.state


def _stack(name: str) -> Part:
    found = stack_described(client("cloudformation"), name)
    if found is None:
        return Part("stack", name, "missing")
    release = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}.get(RELEASE, NOTHING)
    since = found.get("LastUpdatedTime", found["CreationTime"])
    return Part("stack", name, found["StackStatus"].lower(), release, since)


def _machines(prefix: str, schedules: Sequence[Schedule], now: datetime) -> Iterator[Part]:
    states = client("stepfunctions")
    found = machines_by_name(states)
    for machine in (f"{prefix}{machine}" for machine in MACHINES):
        if machine not in found:
            yield Part("machine", machine, "missing")
            continue
        arn = found[machine]
        with aws_errors(f"the state machine {machine} could not be read"):
            live, note = live_version(states, arn)
            runs = states.list_executions(stateMachineArn=arn, maxResults=1)["executions"]
        last = runs[0] if runs else None
        about = f"{ALIAS} is version {live}" if live is not None else f"no alias {ALIAS}"
        about = f"{about}, {note}" if note else about
        since = last and (last.get("stopDate") or last["startDate"])
        late = last and _late_seconds(machine, schedules, last["startDate"], now)
        state = last["status"].lower() if last else "has not run"
        yield Part("machine", machine, state, about, since, late_seconds=late)


def _late_seconds(machine: str, schedules: Sequence[Schedule], began: datetime, now: datetime) -> int | None:
    """How long ago the machine should have begun something by its schedules, and has not; None if it is not late."""
    own = [one for one in schedules if one.state == ENABLED and one.target == machine]
    due = [next_time(one.cron, max(began, one.changed) + A_MINUTE) for one in own]
    late = [now - moment for moment in due if moment and moment + A_MINUTE < now]
    return round(max(late).total_seconds()) if late else None


def _pipelines(prefix: str) -> Iterator[Part]:
    sagemaker = client("sagemaker")
    for name in (f"{prefix}{pipeline}" for pipeline in pipeline_names()):
        with aws_errors(f"the pipeline {name} could not be read"):
            try:
                found = sagemaker.describe_pipeline(PipelineName=name)
            except ClientError as error:
                if not is_missing(error):
                    raise
                yield Part("pipeline", name, "missing")
                continue
        yield Part(
            "pipeline", name, found.get("PipelineStatus", "Active").lower(), _tag(found), found["LastModifiedTime"]
        )


def _tag(pipeline: dict[str, Any]) -> str:
    """The tag of the images of a pipeline."""
    return str(defaults_of(json.loads(pipeline["PipelineDefinition"])).get("ImageTag", NOTHING))


def _queues(prefix: str) -> Iterator[Part]:
    sqs = client("sqs")
    with aws_errors("the queues cannot be read"):
        pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=f"{prefix}-"))
        for url in sorted(url for page in pages for url in page.get("QueueUrls", [])):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            waiting, taken = (int(depth.get(name, 0)) for name in names)
            state = "empty" if not waiting + taken else "has messages"
            yield Part("queue", url.rpartition("/")[2], state, f"{waiting} waiting, {taken} taken")


def _alarms(prefix: str) -> Iterator[Part]:
    cloudwatch = client("cloudwatch")
    with aws_errors("the alarms cannot be read"):
        pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{prefix}-"))
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    for alarm in sorted(found, key=lambda alarm: str(alarm["AlarmName"])):
        since = alarm.get("StateUpdatedTimestamp")
        yield Part("alarm", alarm["AlarmName"], alarm["StateValue"].lower(), alarm.get("AlarmDescription", ""), since)
