"""The tags of resources: those of their stack, which CloudFormation gives to them, and their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.aws.tags import as_mapping
from statemachines.deploy.drift.clients import Clients
from statemachines.deploy.drift.live_storage import absent_as_none
from statemachines.deploy.drift.template import Resource

TAGS = "Tags"
OF_AWS = "aws:"
"""What the keys of AWS's own tags begin with."""


def _bucket(aws: Clients, resource: Resource) -> Any:
    answer = absent_as_none(lambda: aws("s3").get_bucket_tagging(Bucket=resource.physical), "NoSuchTagSet")
    return (answer or {}).get("TagSet")


def _log_group(aws: Clients, resource: Resource) -> Any:
    return aws("logs").list_tags_for_resource(resourceArn=resource.arn.removesuffix(":*")).get("tags")


READ: Mapping[str, Callable[[Clients, Resource], Any]] = {
    "AWS::DynamoDB::Table": lambda aws, one: aws("dynamodb").list_tags_of_resource(ResourceArn=one.arn).get(TAGS),
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": lambda aws, one: aws("sqs").list_queue_tags(QueueUrl=one.physical).get(TAGS),
    "AWS::SNS::Topic": lambda aws, one: aws("sns").list_tags_for_resource(ResourceArn=one.physical).get(TAGS),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::IAM::Role": lambda aws, one: aws("iam").list_role_tags(RoleName=one.physical).get(TAGS),
    "AWS::Lambda::Function": lambda aws, one: aws("lambda").list_tags(Resource=one.arn).get(TAGS),
    "AWS::Glue::Job": lambda aws, one: aws("glue").get_tags(ResourceArn=one.arn).get(TAGS),
    "AWS::Events::EventBus": lambda aws, one: aws("events").list_tags_for_resource(ResourceARN=one.arn).get(TAGS),
    "AWS::CloudWatch::Alarm": lambda aws, one: aws("cloudwatch").list_tags_for_resource(ResourceARN=one.arn).get(TAGS),
    "AWS::ECS::Cluster": lambda aws, one: aws("ecs").list_tags_for_resource(resourceArn=one.arn).get("tags"),
    "AWS::ECR::Repository": lambda aws, one: aws("ecr").list_tags_for_resource(resourceArn=one.arn).get("tags"),
}
"""How the tags of a resource are read, by its type; of other types, none are compared."""


def wanted_tags(resource: Resource, of_stack: Mapping[str, str]) -> dict[str, str]:
    """The tags that a resource should have."""
    return {**of_stack, **as_mapping(resource.properties.get(TAGS))} if resource.kind in READ else {}


def live_tags(aws: Clients, resource: Resource) -> dict[str, str]:
    """The tags that a resource has, without AWS's own.

    Raises:
        ClientError: the call was refused.
    """
    found = READ[resource.kind](aws, resource) if resource.kind in READ else {}
    return {key: value for key, value in as_mapping(found).items() if not key.startswith(OF_AWS)}
