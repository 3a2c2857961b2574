"""AWS clients configured by the environment, and their failures as errors with a remedy."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.errors import AwsError, one_line
from common.retries import QUIET_TRIES
from common.storage.filesystems import aws_region

CONNECT_SECONDS = 5
READ_SECONDS = 60
CALL_ATTEMPTS = 5
S3_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
"""The codes by which S3 says that an object, or this version of it, does not exist."""
S3_CHANGED = frozenset({"412", "PreconditionFailed"})
"""The codes by which S3 says that an object is not the one that the call was about."""
IDENTITY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
"""The variables that say who calls."""
LOG = logging.getLogger(__name__)
PERMISSIONS_REMEDY = "Check the credentials, their permissions, and AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL"


def client(service: str, region: str | None = None) -> Any:
    """A client of the service with the credentials, endpoint and, if no other is given, region of the environment.

    Its calls are repeated after transient failures and throttling, with growing pauses, at most `CALL_ATTEMPTS` times;
    of a repeated call, a warning is logged.

    Raises:
        AwsError: there is no such profile, or the name of the region is none.
    """
    with aws_errors(f"AWS cannot be asked for {service}"):
        made = session().client(
            service,
            region_name=region or aws_region(),
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": CALL_ATTEMPTS},
            ),
        )
    made.meta.events.register("request-created", _say_attempt)
    return made


def session() -> boto3.Session:
    """The session that makes all clients of the identity which the environment has now."""
    return _session(tuple(os.environ.get(name) for name in IDENTITY))


@cache
def _session(identity: tuple[str | None, ...]) -> boto3.Session:
    """One session for all clients of an identity: a session keeps the credentials that it has found."""
    del identity  # boto3 reads it from the environment
    return boto3.Session()


def _say_attempt(request: Any, operation_name: str, **_: Any) -> None:
    attempt = request.context.get("retries", {}).get("attempt", 1)
    if attempt > 1:
        LOG.log(
            logging.WARNING if attempt > QUIET_TRIES else logging.INFO,
            "AWS did not answer %s as it should; try %d of %d",
            operation_name,
            attempt,
            CALL_ATTEMPTS,
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
