"""AWS clients configured by the environment, and their failures as errors with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.errors import AwsError, one_line
from common.storage.filesystems import aws_region

CONNECT_SECONDS = 5
READ_SECONDS = 60
CALL_ATTEMPTS = 5
PERMISSIONS_REMEDY = "Check the credentials, their permissions, and AWS_REGION and AWS_ENDPOINT_URL"


def client(service: str) -> Any:
    """A client of the service with the credentials, region and endpoint of the environment.

    Transient failures are retried with exponential backoff.
    """
    return boto3.client(
        service,
        region_name=aws_region(),
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": CALL_ATTEMPTS},
        ),
    )


@contextmanager
def aws_errors(problem: str, remedy: str = PERMISSIONS_REMEDY) -> Iterator[None]:
    """Turns a failed call into an AwsError: the problem, the service's message, and the remedy."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        message = f"{details.get('Code', 'unknown error')}: {details.get('Message', '')}"
        raise AwsError(f"{problem}: {one_line(message)}", remedy) from error
    except BotoCoreError as error:
        raise AwsError(f"{problem}: {one_line(error)}", remedy) from error
