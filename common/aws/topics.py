"""Messages to topics of SNS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from common.aws.clients import aws_errors, client


@dataclass(frozen=True)
class Topic:
    """The topic of SNS with this ARN."""

    arn: str
    sns: Any = field(default_factory=lambda: client("sns"))

    def send(self, subject: str, text: str) -> None:
        """Publishes a message.

        Raises:
            AwsError: it cannot be published.
        """
        with aws_errors(f"a message cannot be published to {self.arn}"):
            self.sns.publish(TopicArn=self.arn, Subject=subject, Message=text)
