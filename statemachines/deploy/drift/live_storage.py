"""What tables, buckets, queues, topics and logs are, with the property names of CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from statemachines.deploy.drift.clients import Clients
from statemachines.deploy.drift.template import Resource

Properties = dict[str, Any]
POLICY = "Policy"
"""The policy of a bucket, queue or topic, which the template has as a resource of its own."""
DEFAULT_OF_TOPIC = "__default_policy_ID"


def absent_as_none(call: Callable[[], Any], *codes: str) -> Any:
    """What the call gives; None where it is refused with one of the codes."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def policy_of(text: str | None) -> Any:
    """A policy as an object."""
    return json.loads(text) if text else None


def table(aws: Clients, resource: Resource) -> Properties | None:
    """A table of DynamoDB, its time to live and its point-in-time recovery."""
    dynamodb, name = aws("dynamodb"), resource.physical
    described = absent_as_none(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException")
    if described is None:
        return None
    found = described["Table"]
    recovery = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    to_live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    encryption = found.get("SSEDescription", {})
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in found.get("GlobalSecondaryIndexes", [])
    ]
    return {
        "TableName": found["TableName"],
        "BillingMode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "AttributeDefinitions": found["AttributeDefinitions"],
        "KeySchema": found["KeySchema"],
        "GlobalSecondaryIndexes": indexes,
        "DeletionProtectionEnabled": found.get("DeletionProtectionEnabled"),
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
            == "ENABLED"
        },
        "SSESpecification": {"KMSMasterKeyId": encryption.get("KMSMasterKeyArn")},
        "TimeToLiveSpecification": {
            "AttributeName": to_live.get("AttributeName"),
            "Enabled": True if to_live["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None,
        },
        "StreamSpecification": {"StreamViewType": found.get("StreamSpecification", {}).get("StreamViewType")},
    }


def wanted_table(properties: Mapping[str, Any]) -> Properties:
    """A table is always encrypted: only whose key it is can be seen."""
    encryption = properties.get("SSESpecification", {})
    return {**properties, "SSESpecification": {"KMSMasterKeyId": encryption.get("KMSMasterKeyId")}}


def bucket(aws: Clients, resource: Resource) -> Properties | None:
    """A bucket, with its policy."""
    s3, name = aws("s3"), resource.physical
    if absent_as_none(lambda: s3.head_bucket(Bucket=name), "404", "NoSuchBucket") is None:
        return None

    def held(call: Callable[..., Any], code: str) -> Any:
        return absent_as_none(lambda: call(Bucket=name), code) or {}

    notices = s3.get_bucket_notification_configuration(Bucket=name)
    rules = held(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration").get("Rules", [])
    encryption = held(s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError")
    public = held(s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration")
    cors = held(s3.get_bucket_cors, "NoSuchCORSConfiguration").get("CORSRules")
    return {
        "BucketName": name,
        "VersioningConfiguration": {"Status": s3.get_bucket_versioning(Bucket=name).get("Status")},
        "LifecycleConfiguration": {"Rules": [_rule(rule) for rule in rules]},
        "NotificationConfiguration": {
            "EventBridgeConfiguration": {"EventBridgeEnabled": "EventBridgeConfiguration" in notices or None},
            "QueueConfigurations": _notices(notices, "Queue"),
            "TopicConfigurations": _notices(notices, "Topic"),
            "LambdaConfigurations": _notices(notices, "LambdaFunction"),
        },
        "PublicAccessBlockConfiguration": public.get("PublicAccessBlockConfiguration"),
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
                    "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
                }
                for rule in encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
            ]
        },
        "CorsConfiguration": {"CorsRules": cors},
        POLICY: policy_of(held(s3.get_bucket_policy, "NoSuchBucketPolicy").get(POLICY)),
    }


def _rule(rule: Mapping[str, Any]) -> Properties:
    """A rule of a bucket's lifecycle, in the form of the API."""
    return {key: value for key, value in rule.items() if key not in ("Filter", "Prefix") or value not in ({}, "")}


def wanted_bucket(properties: Mapping[str, Any]) -> Properties:
    """A bucket with rules in the form of the API: CloudFormation has names of its own."""
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return {**properties, "LifecycleConfiguration": {"Rules": [_wanted_rule(rule) for rule in rules]}}


def _wanted_rule(rule: Mapping[str, Any]) -> Properties:
    found = dict(rule)
    found["ID"] = found.pop("Id", None)
    if "ExpirationInDays" in found:
        found["Expiration"] = {"Days": found.pop("ExpirationInDays")}
    if "ExpiredObjectDeleteMarker" in found:
        marker = {"ExpiredObjectDeleteMarker": found.pop("ExpiredObjectDeleteMarker")}
        found["Expiration"] = {**found.get("Expiration", {}), **marker}
    if prefix := found.pop("Prefix", None):
        found["Filter"] = {"Prefix": prefix}
    return found


def _notices(notices: Mapping[str, Any], what: str) -> list[Properties]:
    found = notices.get(f"{what}Configurations", [])
    short = "Function" if what == "LambdaFunction" else what
    return [
        {"Event": event, short: notice[f"{what}Arn"], "Filter": {"S3Key": {"Rules": _filter(notice)}}}
        for notice in found
        for event in notice["Events"]
    ]


def _filter(notice: Mapping[str, Any]) -> list[Properties]:
    """The rules on keys by which objects are chosen."""
    rules: list[Properties] = notice.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return rules


def queue(aws: Clients, resource: Resource) -> Properties | None:
    """A queue, with its policy."""
    sqs = aws("sqs")
    gone = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    answer = absent_as_none(lambda: sqs.get_queue_attributes(QueueUrl=resource.physical, AttributeNames=["All"]), *gone)
    if answer is None:
        return None
    found = answer["Attributes"]
    return {
        "QueueName": found["QueueArn"].rpartition(":")[2],
        **{name: found.get(name) for name in ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds")},
        **{name: found.get(name) for name in ("ReceiveMessageWaitTimeSeconds", "KmsMasterKeyId")},
        "SqsManagedSseEnabled": found.get("SqsManagedSseEnabled"),
        "RedrivePolicy": policy_of(found.get("RedrivePolicy")),
        POLICY: policy_of(found.get(POLICY)),
    }


def topic(aws: Clients, resource: Resource) -> Properties | None:
    """A topic, with its policy unless that is the one which SNS gives it."""
    sns = aws("sns")
    answer = absent_as_none(lambda: sns.get_topic_attributes(TopicArn=resource.physical), "NotFound")
    if answer is None:
        return None
    found = answer["Attributes"]
    policy = policy_of(found.get(POLICY))
    return {
        "TopicName": resource.physical.rpartition(":")[2],
        "KmsMasterKeyId": found.get("KmsMasterKeyId"),
        POLICY: None if (policy or {}).get("Id") == DEFAULT_OF_TOPIC else policy,
    }


def log_group(aws: Clients, resource: Resource) -> Properties | None:
    """A group of logs."""
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=resource.physical)["logGroups"]
    for found in groups:
        if found["logGroupName"] == resource.physical:
            days = found.get("retentionInDays")
            return {
                "LogGroupName": resource.physical,
                "RetentionInDays": days,
                "KmsKeyId": found.get("kmsKeyId"),
                "LogGroupClass": found.get("logGroupClass"),
            }
    return None


def repository(aws: Clients, resource: Resource) -> Properties | None:
    """A repository of images, with its policies."""
    ecr, name = aws("ecr"), resource.physical
    answer = absent_as_none(lambda: ecr.describe_repositories(repositoryNames=[name]), "RepositoryNotFoundException")
    if answer is None:
        return None
    (found,) = answer["repositories"]
    rules = absent_as_none(lambda: ecr.get_lifecycle_policy(repositoryName=name), "LifecyclePolicyNotFoundException")
    policy = absent_as_none(lambda: ecr.get_repository_policy(repositoryName=name), "RepositoryPolicyNotFoundException")
    encryption = found.get("encryptionConfiguration", {})
    return {
        "RepositoryName": name,
        "ImageTagMutability": found["imageTagMutability"],
        "ImageScanningConfiguration": {"ScanOnPush": found["imageScanningConfiguration"]["scanOnPush"]},
        "EncryptionConfiguration": {
            "EncryptionType": encryption.get("encryptionType"),
            "KmsKey": encryption.get("kmsKey"),
        },
        "LifecyclePolicy": policy_of((rules or {}).get("lifecyclePolicyText")),
        POLICY: policy_of((policy or {}).get("policyText")),
    }


def wanted_repository(properties: Mapping[str, Any]) -> Properties:
    """A repository with its lifecycle policy as an object."""
    return {**properties, "LifecyclePolicy": json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])}
