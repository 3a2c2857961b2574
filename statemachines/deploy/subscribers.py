"""Who is told by the topics of an environment: those whom its file names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.aws.clients import aws_errors, client

TOPIC = "TopicArn"
"""What the names of the outputs end with that are topics."""
PENDING = "PendingConfirmation"
"""The ARN of a subscription that whoever is told has not confirmed."""


def topics_of(outputs: Mapping[str, str]) -> list[str]:
    """The ARNs of the topics among the outputs of the stacks."""
    return sorted(value for name, value in outputs.items() if name.endswith(TOPIC))


def protocol_of(subscriber: str) -> str:
    """How SNS tells somebody: by mail, a queue, a function, or a request."""
    return subscriber.split(":")[2] if subscriber.startswith("arn:") else "https" if "://" in subscriber else "email"


def subscriptions(sns: Any, topic: str) -> dict[str, str]:
    """The ARNs of a topic's subscriptions by whoever is told.

    Raises:
        AwsError: the call was refused.
    """
    with aws_errors(f"the subscriptions of {topic} cannot be read"):
        pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic))
    return {one["Endpoint"]: one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]}


def subscribe(outputs: Mapping[str, str], wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Has each topic tell all of them; who is told by which from now on. Other subscriptions stay.

    Raises:
        AwsError: a call was refused.
    """
    sns = client("sns")
    for topic in topics_of(outputs):
        known = subscriptions(sns, topic)
        for subscriber in (one for one in wanted if one not in known):
            with aws_errors(f"{subscriber} cannot be told by {topic}"):
                sns.subscribe(TopicArn=topic, Protocol=protocol_of(subscriber), Endpoint=subscriber)
            yield topic.rpartition(":")[2], subscriber
