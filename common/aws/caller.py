"""Who runs a command, and in which account."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from functools import cache

from common.aws.clients import IDENTITY, aws_errors, client

ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Identity:
    """Whose credentials these are: the number of the account, and the ARN of the user or role."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """The part of AWS that has the account: `aws`, `aws-cn`."""
        return self.arn.split(":")[1]


def identity() -> Identity:
    """The identity of the credentials, asked once by a process.

    Raises:
        AwsError: AWS does not take the credentials, or there is no region.
    """
    with aws_errors("AWS does not say whose account this is, in which region"):
        return _identity(tuple(os.environ.get(name) for name in (*IDENTITY, ENDPOINT)))


@cache
def _identity(given: tuple[str | None, ...]) -> Identity:
    del given  # boto3 reads it from the environment
    found = client("sts").get_caller_identity()
    return Identity(str(found["Account"]), str(found["Arn"]))


def caller(on_aws: bool) -> str:
    """The user of this machine, or on AWS the identity of the credentials: `user/jane`, `assumed-role/Admin/jane`.

    Raises:
        AwsError: the credentials are refused.
    """
    if on_aws:
        return identity().arn.split(":", 5)[5]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
