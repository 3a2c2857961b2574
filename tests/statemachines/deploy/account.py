"""All that a local AWS has, so that two states of it can be compared; times and made-up ids are left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from localaws.cli.process import LocalAws
from statemachines.deploy.schedules import FIELDS

VARYING = ("time", "until", "tag")


def contents(local: LocalAws) -> dict[str, Any]:
    """What is deployed, by kind and name, as JSON would have it."""
    cloudwatch, logs, functions = (local.client(service) for service in ("cloudwatch", "logs", "lambda"))
    found = {
        "stacks": dict(_stacks(local.client("cloudformation"))),
        "machines": dict(_machines(local.client("stepfunctions"))),
        "pipelines": dict(_pipelines(local.client("sagemaker"))),
        "schedules": dict(_schedules(local.client("scheduler"))),
        "objects": dict(_objects(local.client("s3"))),
        "tables": dict(_tables(local.client("dynamodb"))),
        "roles": dict(_roles(local.client("iam"))),
        "tasks": sorted(_listed(local.client("ecs"), "list_task_definitions", "taskDefinitionArns")),
        "queues": sorted(_listed(local.client("sqs"), "list_queues", "QueueUrls")),
        "jobs": {one["Name"]: one["DefaultArguments"] for one in _listed(local.client("glue"), "get_jobs", "Jobs")},
        "functions": {
            one["FunctionName"]: (one["CodeSha256"], one.get("Environment"))
            for one in _listed(functions, "list_functions", "Functions")
        },
        "logs": {
            one["logGroupName"]: one.get("retentionInDays") for one in _listed(logs, "describe_log_groups", "logGroups")
        },
        "alarms": sorted(one["AlarmName"] for one in _listed(cloudwatch, "describe_alarms", "MetricAlarms")),
    }
    return dict(json.loads(json.dumps(found)))


def _listed(client: Any, operation: str, key: str, **given: str) -> list[Any]:
    """All entries of a list that comes in pages."""
    return [entry for page in client.get_paginator(operation).paginate(**given) for entry in page.get(key, [])]


def of_environment(found: dict[str, Any], environment: str) -> dict[str, Any]:
    """What belongs to an environment of what an account has."""
    word = f"{environment}-"
    return {
        kind: {name: value for name, value in names.items() if word in name}
        if isinstance(names, dict)
        else [name for name in names if word in name]
        for kind, names in found.items()
    }


Named = Iterator[tuple[str, Any]]


def _stacks(cloudformation: Any) -> Named:
    for stack in _listed(cloudformation, "describe_stacks", "Stacks"):
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        listed = cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
        yield stack["StackName"], (parameters, outputs, sorted(one["LogicalResourceId"] for one in listed))


def _machines(states: Any) -> Named:
    for machine in _listed(states, "list_state_machines", "stateMachines"):
        arn, found = machine["stateMachineArn"], {}
        listed = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
        for version in [arn, *(one["stateMachineVersionArn"] for one in listed)]:
            described = states.describe_state_machine(stateMachineArn=version)
            found[version] = [described.get(name) for name in ("definition", "roleArn", "description")]
        aliases = states.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
        for alias in (one["stateMachineAliasArn"] for one in aliases):
            described = states.describe_state_machine_alias(stateMachineAliasArn=alias)
            found[alias] = [described[name] for name in ("routingConfiguration", "description")]
        yield machine["name"], found


def _pipelines(sagemaker: Any) -> Named:
    for one in _listed(sagemaker, "list_pipelines", "PipelineSummaries"):
        found = sagemaker.describe_pipeline(PipelineName=one["PipelineName"])
        yield one["PipelineName"], (json.loads(found["PipelineDefinition"]), found["RoleArn"])


def _schedules(scheduler: Any) -> Named:
    for one in _listed(scheduler, "list_schedules", "Schedules"):
        found = scheduler.get_schedule(Name=one["Name"])
        yield one["Name"], {name: found.get(name) for name in FIELDS}


def _objects(s3: Any) -> Named:
    for bucket in (one["Name"] for one in s3.list_buckets()["Buckets"]):
        for one in _listed(s3, "list_objects_v2", "Contents", Bucket=bucket):
            content = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            is_record = one["Key"] == "release.json"
            yield f"{bucket}/{one['Key']}", _record(content) if is_record else sha256(content).hexdigest()


def _record(content: bytes) -> Any:
    """The record of releases without times, and without the commit, which tests may run beside."""
    record = json.loads(content)
    for release in record["releases"]:
        release.update(dict.fromkeys(VARYING))
    return record


def _tables(dynamodb: Any) -> Named:
    for name in _listed(dynamodb, "list_tables", "TableNames"):
        items = dynamodb.scan(TableName=name)["Items"]
        yield name, sorted(json.dumps(item, sort_keys=True) for item in items)


def _roles(iam: Any) -> Named:
    for role in _listed(iam, "list_roles", "Roles"):
        names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        policies = {
            name: iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"] for name in names
        }
        yield role["RoleName"], (role["AssumeRolePolicyDocument"], policies)
