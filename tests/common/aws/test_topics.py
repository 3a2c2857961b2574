"""A message is published, or the topic is named that does not take it."""

from __future__ import annotations

import json

import boto3
import pytest

from common.aws.topics import Topic
from common.errors import AwsError
from tests.pipelines.conftest import environment, moto, moto_server

__all__ = ["environment", "moto_server"]


def test_a_message_is_published(moto_server: str, environment: pytest.MonkeyPatch) -> None:
    for name, value in {"ENDPOINT_URL": moto_server, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        environment.setenv(f"AWS_{name}", value)
    moto(moto_server, "reset")
    sns, sqs = (boto3.client(name, region_name="eu-central-1") for name in ("sns", "sqs"))
    topic, queue = sns.create_topic(Name="alerts")["TopicArn"], sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    Topic(topic).send("manifest m failed", '{"manifest_id": "m"}')
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    said = json.loads(message["Body"])
    assert (said["Subject"], said["Message"]) == ("manifest m failed", '{"manifest_id": "m"}')
    with pytest.raises(AwsError, match="a message cannot be published to arn:aws:sns:eu-central-1:123456789012:none"):
        Topic("arn:aws:sns:eu-central-1:123456789012:none").send("a", "b")
