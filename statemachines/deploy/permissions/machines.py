"""What a state machine needs: the calls of its definition, and what Step Functions does for them, as documented."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.roles import role_of_jobs
from statemachines.definitions import states_of
from statemachines.deploy.permissions.needs import Need

Arguments = Mapping[str, Any]

LOGGING = (
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
)
"""What each machine does for its logs; none of it has a resource to name."""
TRACES = tuple(
    f"xray:{verb}" for verb in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
)
"""What each machine does for its traces; none of it has a resource to name."""
RULES = {
    "states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "ecs:runTask.sync": "StepFunctionsGetEventsForECSTaskRule",
}
"""The rules by which Step Functions learns that what it waits for has ended."""
OF_RUNS = ("DescribePipelineExecution", "ListPipelineExecutionSteps", "StopPipelineExecution")
GLUE = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
TO_SCHEDULER = {"iam:PassedToService": "scheduler.amazonaws.com"}
TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


@dataclass(frozen=True)
class Place:
    """Where machines are: `REGION:ACCOUNT`, what names begin with, and the outputs of the stacks."""

    here: str
    environment: str
    outputs: Mapping[str, str]

    @property
    def named(self) -> str:
        """What the names of roles, clusters and schedules begin with."""
        return self.outputs["SchedulePrefix"]

    def role(self, name: str) -> str:
        """The ARN of a role of the stacks."""
        return f"arn:aws:iam::{self.here.partition(':')[2]}:role/{self.named}-{name}"

    @property
    def has_tasks(self) -> bool:
        """Whether jobs can be tasks of ECS."""
        return self.outputs.get("TaskCluster", "none") != "none"


def noted(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """The pipelines that owners of windows note in the locks, so that the next owner finds those still running."""
    found = [state.get("Arguments", {}) for definition in definitions for _, state in states_of(definition)]
    arguments = [given for given in found if isinstance(given, dict)]
    values = [given.get("ExpressionAttributeValues", {}) for given in arguments]
    of_windows = {given[":pipeline"]["S"] for given in values if ":pipeline" in given}
    of_ranges = [re.findall(r"':pipeline': {'S': '([\w-]+)'}", given.get("TransactItems", "")) for given in arguments]
    return of_windows.union(*of_ranges)


def needs_of_machine(
    definition: Mapping[str, Any], machine: str, place: Place, former: Collection[str]
) -> Iterator[Need]:
    """What a definition needs, whose placeholders are filled in; `former` are the pipelines noted in locks."""
    yield from (Need(action, "*") for action in (*LOGGING, *TRACES))
    started: set[str] = set()
    for _, state in states_of(definition):
        if state["Type"] == "Map" and "ItemReader" in state:
            yield from _of_call(state["ItemReader"]["Resource"], state["ItemReader"]["Arguments"], place, machine)
            yield from _of_map(f"{place.environment}{machine}", place)
        elif state["Type"] == "Task":
            arguments = state["Arguments"]
            if state["Resource"].endswith(":listPipelineExecutions"):
                yield from (Need("sagemaker:ListPipelineExecutions", _pipeline(name, place)) for name in former)
            else:
                yield from _of_call(state["Resource"], arguments, place, machine)
            if state["Resource"].endswith(":startPipelineExecution"):
                started.add(arguments["PipelineName"])
    for name in sorted(started | set(former if "former_runs" in str(definition) else ())):
        yield from (Need(f"sagemaker:{verb}", f"{_pipeline(name, place)}/execution/*") for verb in OF_RUNS)
    if place.has_tasks and "ecs:runTask.sync" in str(definition):
        for name in sorted(started):
            role = role_of_jobs(place.role("pipelines"), name.removeprefix(place.environment))
            yield Need("iam:PassRole", role, TO_TASKS)


def _pipeline(name: str, place: Place) -> str:
    return f"arn:aws:sagemaker:{place.here}:pipeline/{name}"


def _of_map(machine: str, place: Place) -> Iterator[Need]:
    """A distributed map runs its items as executions of its own machine."""
    for started in (machine, f"{machine}/*"):
        yield Need("states:StartExecution", f"arn:aws:states:{place.here}:stateMachine:{started}")
    for verb in ("Describe", "Stop", "Redrive"):
        yield Need(f"states:{verb}Execution", f"arn:aws:states:{place.here}:execution:{machine}/*:*")


def _of_call(resource: str, arguments: Arguments, place: Place, machine: str) -> Iterator[Need]:
    service, _, operation = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:").partition(":")
    call = operation.partition(".")[0]
    action = f"{service}:{call[0].upper()}{call[1:]}"
    for waiting, rule in RULES.items():
        if f"{service}:{operation}".startswith(waiting):
            for verb in ("PutTargets", "PutRule", "DescribeRule"):
                yield Need(f"events:{verb}", f"arn:aws:events:{place.here}:rule/{rule}")
    match service:
        case "ecs" | "cloudwatchlogs":
            yield from _of_tasks(call, place)
        case "sagemaker" if "PipelineName" in arguments:
            yield Need(action, _pipeline(arguments["PipelineName"], place))
        case "sagemaker":
            pass  # of executions, with what is started
        case "dynamodb":
            yield from _of_tables(call, action, arguments, place)
        case "sfn":
            own = f"{place.environment}{machine}"
            yield Need("states:DescribeExecution", f"arn:aws:states:{place.here}:execution:{own}:*")
        case "states":
            yield from _of_nested(arguments["StateMachineArn"], operation)
        case "scheduler":
            yield Need(action, f"arn:aws:scheduler:{place.here}:schedule/default/{place.named}-*")
            if call == "updateSchedule":  # the role that the schedules keep
                yield Need("iam:PassRole", place.role("starter"), TO_SCHEDULER)
        case "glue":
            job = f"arn:aws:glue:{place.here}:job/{arguments['JobName']}"
            yield from (Need(f"glue:{verb}", job) for verb in (GLUE if operation.endswith(".sync") else GLUE[:1]))
        case "sns":
            yield Need(action, arguments["TopicArn"])
        case "events":
            for entry in arguments["Entries"]:
                yield Need(action, f"arn:aws:events:{place.here}:event-bus/{entry['EventBusName']}")
        case "s3":
            yield from _of_objects(call, action, arguments, place)
        case _:
            raise ValueError(f"what {resource} needs is not known: add it to {__name__}")


def _of_tables(call: str, action: str, arguments: Arguments, place: Place) -> Iterator[Need]:
    """There is no permission for a transaction: each of its parts needs its own."""
    parts = {"transactWriteItems": "dynamodb:UpdateItem", "transactGetItems": "dynamodb:GetItem"}
    text = arguments.get("TransactItems", "")
    tables = re.findall(r"'TableName': '(\w[\w.-]*)'", text) if call in parts else [arguments["TableName"]]
    for table in tables:
        yield Need(parts.get(call, action), f"arn:aws:dynamodb:{place.here}:table/{table}")


def _of_nested(machine: str, operation: str) -> Iterator[Need]:
    yield Need("states:StartExecution", machine)
    if ".sync" in operation:
        executions = f"{':'.join(machine.split(':')[:7]).replace(':stateMachine:', ':execution:')}:*"
        yield from (Need(f"states:{verb}Execution", executions) for verb in ("Describe", "Stop"))


def _of_tasks(call: str, place: Place) -> Iterator[Need]:
    """What running tasks needs where there are any; the roles of the jobs come with the pipelines that they are of."""
    if not place.has_tasks:
        return
    keys = {"ecs:cluster": f"arn:aws:ecs:{place.here}:cluster/{place.named}"}
    if call == "listTasks":
        yield Need("ecs:ListTasks", "*", keys)
        return
    yield Need("ecs:RunTask", f"arn:aws:ecs:{place.here}:task-definition/{place.environment}ndr-*:*", keys)
    yield from (
        Need(f"ecs:{verb}", f"arn:aws:ecs:{place.here}:task/{place.named}/*") for verb in ("DescribeTasks", "StopTask")
    )
    yield Need("iam:PassRole", place.role("task-execution"), TO_TASKS)
    group = f"log-group:/ecs/{place.environment}ndr:log-stream:ndr/*"
    yield Need("logs:GetLogEvents", f"arn:aws:logs:{place.here}:{group}")


def _of_objects(call: str, action: str, arguments: Arguments, place: Place) -> Iterator[Need]:
    """A bucket or key that an expression makes is of the folder that the expression names."""
    # the 15-minute machine names the bucket of its message
    bucket = arguments["Bucket"]
    bucket = place.outputs["IngestionBucketName"] if bucket.startswith("{%") else bucket
    if call == "listObjectsV2":
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        return
    key = arguments["Key"]
    if call == "copyObject":
        source = arguments["CopySource"].partition("'")[2].partition("/")[0]
        yield Need("s3:GetObject", f"arn:aws:s3:::{source}/merged-parquet-*")
        yield Need("s3:PutObject", f"arn:aws:s3:::{bucket}/fw_paloalto/*")
    elif "_BATCH.json" in key:
        yield Need(action, f"arn:aws:s3:::{bucket}/*/_BATCH.json")
    elif not key.startswith("{%"):
        yield Need(action, f"arn:aws:s3:::{bucket}/{key}")
    else:
        # manifests of backfills are all below one folder
        folder = "backfill" if "manifest_prefix" in key else key.removeprefix("{% '").split("/")[0]
        yield Need(action, f"arn:aws:s3:::{bucket}/{folder}/*")
