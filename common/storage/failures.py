"""What keeps a program from its files: the cause and remedy behind a library's message, on disk or in S3.

Every library has error types and words of its own for the same answer of S3; the codes in their texts are the same.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import StorageError
from common.storage.filesystems import aws_region, s3_endpoint


@dataclass(frozen=True)
class Failure:
    """Why files cannot be reached, and what to do."""

    cause: str
    remedy: str


_DENIAL = re.compile(r"User: \S+ is not authorized to perform: [\w:*]+(?: on resource: [^\s\"<,]+)?")
"""Who may not do what, as S3 answers; not to requests for the head of an object, whose answers have no words."""
_LINK = re.compile(r"\s*\x1b\[\d+m↳\x1b\[0m ")
"""What delta-rs writes in the place of each colon."""
_S3: tuple[tuple[tuple[str, ...], Failure], ...] = (
    (
        ("NoSuchBucket", "NO_SUCH_BUCKET"),
        Failure("the bucket {bucket} does not exist at {endpoint}", "Create the bucket, or correct its name"),
    ),
    (
        ("Unable to locate credentials", "169.254.169.254", "169.254.170.2", "IMDS", "NoCredentials"),
        Failure(
            "no AWS credentials were found for {bucket} at {endpoint}",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role",
        ),
    ),
    (
        (
            "InvalidAccessKeyId", "INVALID_ACCESS_KEY_ID", "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH",
            "ExpiredToken", "EXPIRED_TOKEN", "InvalidToken", "InvalidClientTokenId", "INVALID_CLIENT_TOKEN_ID",
            "UnrecognizedClient", "UNRECOGNIZED_CLIENT", "RequestTimeTooSkewed", "REQUEST_TIME_TOO_SKEWED",
        ),
        Failure(
            "{endpoint} refused the credentials for {bucket}",
            "Renew or correct the AWS credentials, and check this machine's clock",
        ),
    ),
    (
        ("PermanentRedirect", "301 Moved", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"),
        Failure("the bucket {bucket} is not in region {region}", "Set AWS_REGION to the region of the bucket"),
    ),
    (
        ("AccessDenied", "ACCESS_DENIED", "403 Forbidden", "lacked the necessary privileges", "AllAccessDisabled"),
        Failure(
            "{endpoint} denied access to {bucket}{denial}",
            "Give these credentials the permissions to list the bucket and to read, write and remove its objects",
        ),
    ),
    (
        ("Could not resolve host", "Name or service not known", "failed to lookup address", "dns error"),
        Failure(
            "the host of {endpoint} is unknown",
            "Correct AWS_ENDPOINT_URL or AWS_REGION, or check the network's name service",
        ),
    ),
    (
        (
            "Connection refused", "NETWORK_CONNECTION", "Could not connect to", "tcp connect error",
            "client error (Connect)", "timed out", "Network is unreachable", "Connection reset",
        ),
        Failure("{endpoint} does not answer", "Check AWS_ENDPOINT_URL and the network, then run again"),
    ),
    (
        ("SlowDown", "SLOW_DOWN", "503 Service Unavailable", "ServiceUnavailable", "SERVICE_UNAVAILABLE"),
        Failure("{endpoint} is overloaded or out of service", "Run again later"),
    ),
)  # fmt: skip
_DISK: tuple[tuple[tuple[str, ...], Failure], ...] = (
    (
        ("No space left", "os error 28", "Errno 28"),
        Failure("the disk of {place} is full", "Free some space, then run again"),
    ),
    (
        ("Disk quota exceeded", "os error 122", "File too large", "os error 27", "Errno 27"),
        Failure("the limit for files in {place} is reached", "Free some space or raise the limit, then run again"),
    ),
    (
        ("Read-only file system", "os error 30", "Errno 30"),
        Failure("{place} is on a read-only file system", "Mount it writable, or choose another folder"),
    ),
    (
        ("Permission denied", "os error 13", "Errno 13", "Operation not permitted", "os error 1)"),
        Failure("this user has no permission for {place}", "Give the user permission to read and write it"),
    ),
    (
        ("Input/output error", "os error 5)", "Errno 5]"),
        Failure("the disk of {place} reports errors", "Check the disk"),
    ),
)  # fmt: skip


def failure_of(error: BaseException | str, uri: str) -> Failure | None:
    """The failure behind an error about the files at a normal URI; None if they are not the cause."""
    text = str(error)
    remote = uri.startswith("s3://")
    for signs, failure in _S3 if remote else _DISK:
        if any(sign in text for sign in signs):
            words = {
                "bucket": f"s3://{uri.removeprefix('s3://').partition('/')[0]}",
                "endpoint": s3_endpoint() or f"S3 in {aws_region()}",
                "region": aws_region(),
                "place": uri,
                "denial": f": {denial[0]}" if (denial := _DENIAL.search(_LINK.sub(": ", text))) else "",
            }
            return Failure(failure.cause.format(**words), failure.remedy)
    return None


def require_writable(uri: str) -> None:
    """Checks that a local folder, or the nearest one that exists above it, may be written.

    Raises:
        StorageError: it may not.
    """
    if uri.startswith("s3://"):
        return
    nearest = next(folder for folder in (Path(uri), *Path(uri).parents) if folder.exists())
    if not nearest.is_dir():
        raise StorageError(f"{nearest} is a file, not a folder", "Choose another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StorageError(f"{uri} cannot be written: {nearest} is read-only for this user",
                           "Mount it writable, give the user permission, or choose another folder")  # fmt: skip
