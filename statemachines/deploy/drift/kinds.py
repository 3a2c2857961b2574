"""The types of resources that are compared: how each is read, what it is without being told, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from statemachines.deploy.drift import live_programs, live_storage
from statemachines.deploy.drift.clients import Clients
from statemachines.deploy.drift.live_storage import POLICY, Properties
from statemachines.deploy.drift.template import Resource


@dataclass(frozen=True)
class Kind:
    """A type of resources.

    Attributes:
        word: what it is called here.
        read: its properties as they are; None where there is none.
        mend: the command that sets properties of it; `{name}` is its physical id.
        shape: its properties as they should be, in the form in which they are read.
        defaults: properties that it has without being told.
    """

    word: str
    read: Callable[[Clients, Resource], Properties | None]
    mend: str
    shape: Callable[[Mapping[str, Any]], Properties] = dict
    defaults: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "AWS::DynamoDB::Table": Kind(
        "table",
        live_storage.table,
        "aws dynamodb update-table --table-name {name} (update-continuous-backups, update-time-to-live)",
        live_storage.wanted_table,
        {"BillingMode": "PROVISIONED", "DeletionProtectionEnabled": False},
    ),
    "AWS::S3::Bucket": Kind(
        "bucket",
        live_storage.bucket,
        "aws s3api put-bucket-… (delete-bucket-…) --bucket {name}",
        live_storage.wanted_bucket,
    ),
    "AWS::SQS::Queue": Kind(
        "queue",
        live_storage.queue,
        "aws sqs set-queue-attributes --queue-url {name}",
        defaults={
            "VisibilityTimeout": 30,
            "MessageRetentionPeriod": 345600,
            "DelaySeconds": 0,
            "ReceiveMessageWaitTimeSeconds": 0,
        },
    ),
    "AWS::SNS::Topic": Kind("topic", live_storage.topic, "aws sns set-topic-attributes --topic-arn {name}"),
    "AWS::ECR::Repository": Kind(
        "repository",
        live_storage.repository,
        "aws ecr put-lifecycle-policy (put-image-tag-mutability, put-image-scanning-configuration) "
        "--repository-name {name}",
        live_storage.wanted_repository,
        {"ImageTagMutability": "MUTABLE", "EncryptionConfiguration": {"EncryptionType": "AES256"}},
    ),
    "AWS::Logs::LogGroup": Kind(
        "log group",
        live_storage.log_group,
        "aws logs put-retention-policy --log-group-name {name}",
        defaults={"LogGroupClass": "STANDARD"},
    ),
    "AWS::IAM::Role": Kind(
        "role",
        live_programs.role,
        "aws iam put-role-policy (delete-role-policy, attach-role-policy, detach-role-policy, "
        "update-assume-role-policy) --role-name {name}",
        live_programs.wanted_role,
        {"MaxSessionDuration": 3600, "Path": "/"},
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        "policy",
        live_programs.managed_policy,
        "aws iam create-policy-version --set-as-default --policy-arn {name}",
        defaults={"Path": "/"},
    ),
    "AWS::Lambda::Function": Kind(
        "function",
        live_programs.function,
        "aws lambda update-function-configuration (put-function-concurrency, remove-permission) --function-name {name}",
        defaults={"Timeout": 3, "MemorySize": 128, "TracingConfig": {"Mode": "PassThrough"}},
    ),
    "AWS::Lambda::EventSourceMapping": Kind(
        "event source",
        live_programs.event_source,
        "aws lambda update-event-source-mapping --uuid {name}",
        defaults={"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "Enabled": True},
    ),
    "AWS::Glue::Job": Kind(
        "Glue job",
        live_programs.glue_job,
        "aws glue update-job --job-name {name}",
        defaults={"ExecutionProperty": {"MaxConcurrentRuns": 1}, "JobRunQueuingEnabled": False, "MaxRetries": 0},
    ),
    "AWS::Events::EventBus": Kind(
        "bus",
        live_programs.event_bus,
        "aws events put-permission (remove-permission) --event-bus-name {name}",
    ),
    "AWS::Events::Rule": Kind(
        "rule",
        live_programs.event_rule,
        "aws events put-rule (put-targets, remove-targets, enable-rule) --name {name}",
        defaults={"State": "ENABLED", "EventBusName": "default"},
    ),
    "AWS::Scheduler::Schedule": Kind(
        "schedule",
        live_programs.schedule,
        "ndr-statemachines schedules resume (pause, set), or aws scheduler update-schedule --name {name}",
        defaults={"GroupName": "default", "ScheduleExpressionTimezone": "UTC", "State": "ENABLED"},
    ),
    "AWS::CloudWatch::Alarm": Kind(
        "alarm",
        live_programs.alarm,
        "aws cloudwatch put-metric-alarm (enable-alarm-actions) --alarm-name {name}",
        defaults={"ActionsEnabled": True, "TreatMissingData": "missing"},
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        "dashboard",
        live_programs.dashboard,
        "aws cloudwatch put-dashboard --dashboard-name {name}",
        live_programs.wanted_dashboard,
    ),
    "AWS::ECS::Cluster": Kind("cluster", live_programs.cluster, "aws ecs put-cluster-capacity-providers {name}"),
}

HOLDERS = {
    "AWS::S3::BucketPolicy": ("AWS::S3::Bucket", "Bucket"),
    "AWS::SQS::QueuePolicy": ("AWS::SQS::Queue", "Queues"),
    "AWS::SNS::TopicPolicy": ("AWS::SNS::Topic", "Topics"),
    "AWS::IAM::Policy": ("AWS::IAM::Role", "Roles"),
}
"""The resources that are policies of others: the type of those, and the property that lists them."""


def with_policies(resources: list[Resource]) -> list[Resource]:
    """The resources without those that are policies of others, which hold them as a property instead."""
    held = {(resource.kind, resource.physical): resource for resource in resources if resource.kind not in HOLDERS}
    for policy in (resource for resource in resources if resource.kind in HOLDERS):
        kind, listed = HOLDERS[policy.kind]
        holders = policy.properties[listed]
        for physical in [holders] if isinstance(holders, str) else holders:
            holder, document = held[kind, physical].properties, policy.properties["PolicyDocument"]
            if kind == "AWS::IAM::Role":
                named = {"PolicyName": policy.properties["PolicyName"], "PolicyDocument": document}
                holder["Policies"] = [*holder.get("Policies", []), named]
            else:
                holder[POLICY] = document
    return list(held.values())
