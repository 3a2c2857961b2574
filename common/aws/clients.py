"""Clients of AWS services, as the environment names them, and their failures as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.errors import AwsError
from common.storage.filesystems import aws_region

CONNECT_SECONDS = 5
READ_SECONDS = 60
CALL_ATTEMPTS = 5
PERMISSIONS_REMEDY = "Check the credentials, their permissions, and AWS_REGION and AWS_ENDPOINT_URL"


def client(service: str) -> Any:
    """A client of the service with the credentials, region and endpoint of the environment.

    Calls that fail in passing are repeated with a growing pause.
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
    """Turns the failure of a call into an AwsError: the problem, what the service said, and the remedy."""
    try:
        yield
    except ClientError as error:
        found = error.response.get("Error", {})
        said = f"{found.get('Code', 'unknown error')}: {found.get('Message', '')}"
        raise AwsError(f"{problem}: {' '.join(said.split())[:500]}", remedy) from error
    except BotoCoreError as error:
        raise AwsError(f"{problem}: {' '.join(str(error).split())[:500]}", remedy) from error
