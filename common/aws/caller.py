"""Who runs a command."""

from __future__ import annotations

import getpass
import os

from common.aws.clients import aws_errors, client


def caller(on_aws: bool) -> str:
    """The user of this machine, or on AWS the identity of the credentials: `user/jane`, `assumed-role/Admin/jane`.

    Raises:
        AwsError: the credentials are refused.
    """
    if on_aws:
        with aws_errors("AWS does not say whose credentials these are"):
            return str(client("sts").get_caller_identity()["Arn"]).split(":", 5)[5]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
