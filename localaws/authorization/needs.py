"""The permissions that a call needs: its actions, and the ARNs of what they are done to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import ecs

Permission = tuple[str, str]
"""An action and the ARN of what it is done to."""

Arguments = Mapping[str, Any]

PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")


def here() -> str:
    """Region and account, as ARNs have them."""
    return f"{get_region()}:{get_account_id()}"


def needed(service: str, operation: str, arguments: Arguments, waits: bool = False) -> Iterator[Permission]:
    """What a call needs, and what waiting for its end (`.sync`) does.

    A call of a service that is not listed here needs its action on everything.
    """
    named = f"{service}:{operation}"
    match service:
        case "s3":
            yield from _of_s3(operation, arguments)
        case "dynamodb":
            body = json.dumps(arguments).encode()
            items = iam_actions.dynamodb_transaction_checks(named, body, *here().split(":"))
            tables = iam_actions.dynamodb_resource_arns(body, *here().split(":"))
            yield from items or ((named, arn) for arn in tables or ["*"])
        case "sagemaker":
            yield from _of_sagemaker(operation, arguments)
        case "redshift-data":
            yield from _of_redshift(operation, arguments)
        case "glue":
            verbs = ["StartJobRun", *(["GetJobRun", "GetJobRuns", "BatchStopJobRun"] if waits else [])]
            yield from ((f"glue:{verb}", f"arn:aws:glue:{here()}:job/{arguments['JobName']}") for verb in verbs)
        case "events":
            for entry in arguments["Entries"]:
                bus = str(entry.get("EventBusName", "default"))
                yield named, bus if bus.startswith("arn:") else f"arn:aws:events:{here()}:event-bus/{bus}"
        case "logs":
            group, stream = arguments.get("LogGroupName", "*"), arguments.get("LogStreamName", "*")
            yield named, f"arn:aws:logs:{here()}:log-group:{group}:log-stream:{stream}"
        case "ecs":
            yield from _of_ecs(operation, arguments, waits)
        case "states":
            yield from _of_states(operation, arguments, waits)
        case "scheduler":
            group, name = arguments.get("GroupName", "default"), arguments.get("Name", "*")
            yield named, f"arn:aws:scheduler:{here()}:schedule/{group}/{name}"
            if role := (arguments.get("Target") or {}).get("RoleArn"):
                yield "iam:PassRole", str(role)
        case _:
            yield named, str(arguments.get("TopicArn", "*"))


def keys(service: str, arguments: Arguments) -> dict[str, str]:
    """What conditions of policies see of a call, by names in lower case."""
    passed = {"ecs": "ecs-tasks", "scheduler": "scheduler", "sagemaker": "sagemaker"}.get(service)
    found = {"iam:passedtoservice": f"{passed}.amazonaws.com"} if passed else {}
    return found | ({"ecs:cluster": _cluster(arguments)} if service == "ecs" else {})


def pull_of(image: str) -> Iterator[Permission]:
    """What starting a container of an image needs; one that is in no registry of AWS is not pulled from it."""
    registry, _, name = image.partition("@")[0].rpartition("/")
    if ".dkr.ecr." in registry:
        yield "ecr:GetAuthorizationToken", "*"
        repository = f"arn:aws:ecr:{here()}:repository/{name.partition(':')[0]}"
        yield from ((action, repository) for action in PULL)


def _cluster(arguments: Arguments) -> str:
    name = str(arguments.get("Cluster", "default")).rpartition("/")[2]
    return f"arn:aws:ecs:{here()}:cluster/{name}"


def _of_ecs(operation: str, arguments: Arguments, waits: bool) -> Iterator[Permission]:
    """What a call of ECS needs; a task that is started gets the roles of its definition."""
    tasks = f"{_cluster(arguments).replace(':cluster/', ':task/')}/*"
    if operation != "RunTask":
        named = arguments.get("Tasks") or [arguments.get("Task", "*")]
        yield from ((f"ecs:{operation}", str(task)) for task in named)
        return
    definition = ecs._task_defs.get(ecs._resolve_td_key(str(arguments["TaskDefinition"]))) or {}
    yield "ecs:RunTask", str(definition.get("taskDefinitionArn", "*"))
    overrides = arguments.get("Overrides") or {}
    task = overrides.get("TaskRoleArn") or definition.get("taskRoleArn")
    for role in {definition.get("executionRoleArn"), task} - {None, ""}:
        yield "iam:PassRole", str(role)
    if waits:
        yield from (("ecs:DescribeTasks", tasks), ("ecs:StopTask", tasks))


def _of_s3(operation: str, arguments: Arguments) -> Iterator[Permission]:
    bucket = f"arn:aws:s3:::{arguments.get('Bucket', '')}"
    if operation in ("ListObjectsV2", "ListObjects", "HeadBucket"):
        yield "s3:ListBucket", bucket
        return
    if operation == "CopyObject":
        yield "s3:GetObject", f"arn:aws:s3:::{str(arguments['CopySource']).removeprefix('/').partition('?')[0]}"
    action = {"CopyObject": "PutObject", "HeadObject": "GetObject"}.get(operation, operation)
    yield f"s3:{action}", f"{bucket}/{arguments['Key']}" if "Key" in arguments else bucket


def _of_states(operation: str, arguments: Arguments, waits: bool) -> Iterator[Permission]:
    machine = str(arguments.get("StateMachineArn") or arguments.get("ExecutionArn", "*"))
    yield f"states:{operation}", machine
    if waits:
        executions = f"{':'.join(machine.split(':')[:7]).replace(':stateMachine:', ':execution:')}:*"
        yield from ((f"states:{verb}Execution", executions) for verb in ("Describe", "Stop"))


def _of_sagemaker(operation: str, arguments: Arguments) -> Iterator[Permission]:
    """What a call of SageMaker needs; making or changing an endpoint needs its configuration too."""
    named, start = f"sagemaker:{operation}", f"arn:aws:sagemaker:{here()}"
    if "PipelineExecutionArn" in arguments:
        yield named, str(arguments["PipelineExecutionArn"])
    elif "PipelineName" in arguments:
        pipeline = str(arguments["PipelineName"])
        yield named, pipeline if pipeline.startswith("arn:") else f"{start}:pipeline/{pipeline}"
    elif "ModelName" in arguments:
        yield named, f"{start}:model/{arguments['ModelName'].lower()}"
    elif "EndpointName" in arguments or "EndpointConfigName" in arguments:
        kinds = {"EndpointConfigName": "endpoint-config", "EndpointName": "endpoint"}
        for member, kind in kinds.items():
            if member in arguments:
                yield named, f"{start}:{kind}/{arguments[member].lower()}"
    else:
        yield named, "*"
    for member in ("ExecutionRoleArn", "RoleArn"):
        if member in arguments:
            yield "iam:PassRole", str(arguments[member])


def _of_redshift(operation: str, arguments: Arguments) -> Iterator[Permission]:
    """What a call of the Data API needs: the cluster or workgroup, and the login; a statement has no ARN."""
    named = f"redshift-data:{operation}"
    if group := arguments.get("WorkgroupName"):
        arn = f"arn:aws:redshift-serverless:{here()}:workgroup/{group}"
        yield named, arn
        if not arguments.get("SecretArn"):
            yield "redshift-serverless:GetCredentials", arn
    elif cluster := arguments.get("ClusterIdentifier"):
        yield named, f"arn:aws:redshift:{here()}:cluster:{cluster}"
        if user := arguments.get("DbUser"):
            yield "redshift:GetClusterCredentials", f"arn:aws:redshift:{here()}:dbuser:{cluster}/{user}"
            database = f"arn:aws:redshift:{here()}:dbname:{cluster}/{arguments['Database']}"
            yield "redshift:GetClusterCredentials", database
    else:
        yield named, "*"
    if secret := arguments.get("SecretArn"):
        yield "secretsmanager:GetSecretValue", str(secret)
