"""What roles, functions, jobs, rules, schedules and alarms are, with the property names of CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from statemachines.deploy.drift.clients import Clients
from statemachines.deploy.drift.live_storage import Properties, absent_as_none, policy_of
from statemachines.deploy.drift.template import Resource

GONE = "ResourceNotFoundException"


def chosen(found: Mapping[str, Any], *names: str) -> Properties:
    """The members of these names."""
    return {name: found.get(name) for name in names}


def role(aws: Clients, resource: Resource) -> Properties | None:
    """A role, with the policies in it and those attached to it."""
    iam, name = aws("iam"), resource.physical
    answer = absent_as_none(lambda: iam.get_role(RoleName=name), "NoSuchEntity")
    if answer is None:
        return None
    found = answer["Role"]
    names = iam.get_paginator("list_role_policies").paginate(RoleName=name).build_full_result()["PolicyNames"]
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name).build_full_result()
    return {
        "RoleName": found["RoleName"],
        "AssumeRolePolicyDocument": found["AssumeRolePolicyDocument"],
        "MaxSessionDuration": found.get("MaxSessionDuration"),
        "Path": found.get("Path"),
        "Description": found.get("Description"),
        "PermissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached["AttachedPolicies"]],
        "Policies": {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in names
        },
    }


def wanted_role(properties: Mapping[str, Any]) -> Properties:
    """A role with its policies by name."""
    policies = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
    return {**properties, "Policies": policies}


def managed_policy(aws: Clients, resource: Resource) -> Properties | None:
    """A policy that is attached to roles or people, whom it does not say."""
    iam, arn = aws("iam"), resource.physical
    answer = absent_as_none(lambda: iam.get_policy(PolicyArn=arn), "NoSuchEntity")
    if answer is None:
        return None
    found = answer["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    return {
        "ManagedPolicyName": found["PolicyName"],
        "Path": found.get("Path"),
        "Description": found.get("Description"),
        "PolicyDocument": version["Document"],
    }


def function(aws: Clients, resource: Resource) -> Properties | None:
    """A function, with what is permitted to call it."""
    service, name = aws("lambda"), resource.physical
    answer = absent_as_none(lambda: service.get_function(FunctionName=name), GONE)
    if answer is None:
        return None
    found = answer["Configuration"]
    reserved = service.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    answered = absent_as_none(lambda: service.get_policy(FunctionName=name), GONE) or {}
    policy = policy_of(answered.get("Policy")) or {}
    return {
        **chosen(found, "FunctionName", "Role", "Timeout", "MemorySize", "PackageType", "KmsKeyArn"),
        "Environment": {"Variables": found.get("Environment", {}).get("Variables")},
        "TracingConfig": {"Mode": found.get("TracingConfig", {}).get("Mode")},
        "DeadLetterConfig": found.get("DeadLetterConfig"),
        "Code": {"ImageUri": answer["Code"].get("ImageUri")},
        "ReservedConcurrentExecutions": reserved,
        "Policy": policy_of(policy.get("Policy")),
    }


def event_source(aws: Clients, resource: Resource) -> Properties | None:
    """What gives a function messages of a queue."""
    service = aws("lambda")
    found = absent_as_none(lambda: service.get_event_source_mapping(UUID=resource.physical), GONE)
    if found is None:
        return None
    names = ("EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig")
    return {
        **chosen(found, *names),
        "FunctionName": found["FunctionArn"].partition(":function:")[2],
        "Enabled": found["State"] not in ("Disabled", "Disabling"),
    }


def glue_job(aws: Clients, resource: Resource) -> Properties | None:
    """A job of Glue."""
    glue = aws("glue")
    answer = absent_as_none(lambda: glue.get_job(JobName=resource.physical), "EntityNotFoundException")
    if answer is None:
        return None
    names = ("Name", "Role", "GlueVersion", "WorkerType", "NumberOfWorkers", "Timeout", "MaxRetries", "Description")
    more = ("ExecutionProperty", "JobRunQueuingEnabled", "Command", "DefaultArguments", "SecurityConfiguration")
    return chosen(answer["Job"], *names, *more)


def event_bus(aws: Clients, resource: Resource) -> Properties | None:
    """A bus of events, with its policy."""
    events = aws("events")
    found = absent_as_none(lambda: events.describe_event_bus(Name=resource.physical), GONE)
    return found and {"Name": found["Name"], "Policy": policy_of(found.get("Policy"))}


def event_rule(aws: Clients, resource: Resource) -> Properties | None:
    """A rule of events, with its targets."""
    events, name = aws("events"), resource.properties["Name"]
    bus = resource.properties.get("EventBusName", "default")
    found = absent_as_none(lambda: events.describe_rule(Name=name, EventBusName=bus), GONE)
    if found is None:
        return None
    targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    return {
        **chosen(found, "Name", "EventBusName", "State", "ScheduleExpression", "Description"),
        "EventPattern": policy_of(found.get("EventPattern")),
        "Targets": targets,
    }


def schedule(aws: Clients, resource: Resource) -> Properties | None:
    """A schedule."""
    scheduler = aws("scheduler")
    found = absent_as_none(lambda: scheduler.get_schedule(Name=resource.physical), GONE)
    names = ("Name", "State", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    return found and chosen(found, *names, "GroupName", "Description", "StartDate", "EndDate", "KmsKeyArn")


def alarm(aws: Clients, resource: Resource) -> Properties | None:
    """An alarm of one metric, or of a combination."""
    found = aws("cloudwatch").describe_alarms(AlarmNames=[resource.physical])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions")
    metric = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit", "Metrics")
    limit = ("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")
    return chosen(found[0], *names, *metric, *limit) if found else None


def dashboard(aws: Clients, resource: Resource) -> Properties | None:
    """A dashboard."""
    cloudwatch = aws("cloudwatch")
    found = absent_as_none(lambda: cloudwatch.get_dashboard(DashboardName=resource.physical), "ResourceNotFound", GONE)
    return found and {"DashboardName": found["DashboardName"], "DashboardBody": json.loads(found["DashboardBody"])}


def wanted_dashboard(properties: Mapping[str, Any]) -> Properties:
    """A dashboard with its body as an object."""
    return {**properties, "DashboardBody": json.loads(properties["DashboardBody"])}


def cluster(aws: Clients, resource: Resource) -> Properties | None:
    """A cluster of ECS."""
    found = aws("ecs").describe_clusters(clusters=[resource.physical])["clusters"]
    active = [one for one in found if one["status"] == "ACTIVE"]
    return {"ClusterName": active[0]["clusterName"]} if active else None
