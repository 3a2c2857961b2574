"""What tests put into a local AWS that is killed, and how it is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

from localaws.cli.process import LocalAws

KEYS = {
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "k", "AttributeType": "S"},
        {"AttributeName": "s", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def kill(local: LocalAws) -> None:
    pid = local.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def item(key: str, sort: int) -> dict[str, dict[str, str]]:
    return {"k": {"S": key}, "s": {"N": str(sort)}}


def announced_queue(local: LocalAws, bucket: str) -> tuple[str, str]:
    """ARN and URL of a queue that gets the announcements of a new bucket, and everything else."""
    url = local.client("sqs").create_queue(QueueName="announced")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:announced"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    local.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    local.client("s3").create_bucket(Bucket=bucket)
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    local.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    return arn, url


def bodies(sqs: Any, queue: str) -> Iterator[str]:
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        yield from (message["Body"] for message in found)
