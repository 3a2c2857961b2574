"""The check of a request's signature (Signature Version 4): in its headers, or in its query, as in presigned URLs."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ministack.core import sigv4

from localaws.credential import Credential

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
LONGEST_PRESIGNED = timedelta(days=7)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_HASH = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
_UNHASHED = (
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",  # has a signature for each chunk, which ministack's function checks
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
)
NOT_SIGNED = "The request is not signed with Signature Version 4."
SKEWED = "The difference between the request time and the current time is too large."
MISMATCH = "The request signature does not match: use the secret access key that ndr-local env prints."


class RefusedError(Exception):
    """A request that is not let in: AWS's error code, and the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Signed:
    """A request as it was sent: path with its escapes, query as lists, and headers with names in lower case."""

    method: str
    raw_path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]


def claimed_signature(request: Signed, credential: Credential, now: datetime) -> tuple[sigv4.HeaderSignature, bool]:
    """The signature of a request, and whether it is presigned: what can be judged of it without the body.

    Raises:
        RefusedError: the request has none, names another access key, is too old, or leaves out what must be signed.
    """
    presigned = "authorization" not in request.headers
    if presigned:
        if request.query.get("X-Amz-Algorithm") != [ALGORITHM]:
            raise RefusedError("MissingAuthenticationToken", NOT_SIGNED)
        found = sigv4.parse_query_signature(request.query)
    else:
        if not request.headers["authorization"].startswith(f"{ALGORITHM} "):
            raise RefusedError("MissingAuthenticationToken", NOT_SIGNED)
        found = sigv4.parse_header_signature(request.headers)
    if isinstance(found, tuple):
        raise RefusedError("IncompleteSignature", "The signature lacks a part.")
    if not hmac.compare_digest(found.access_key_id.encode(), credential.key_id.encode()):
        raise RefusedError("InvalidAccessKeyId", "The access key is not the one that ndr-local env prints.")
    _check_time(found, _lifetime(request) if presigned else None, now)
    _check_coverage(found, request)
    if not _SIGNATURE.fullmatch(found.signature):
        raise RefusedError("SignatureDoesNotMatch", MISMATCH)
    return found, presigned


def _lifetime(request: Signed) -> timedelta:
    """How long a presigned URL is good for."""
    (text, *_) = request.query.get("X-Amz-Expires") or [""]
    if not text.isdecimal() or len(text) > len("604800") or timedelta(seconds=int(text)) > LONGEST_PRESIGNED:
        raise RefusedError("AuthorizationQueryParametersError", "X-Amz-Expires must be a number of up to 604800.")
    return timedelta(seconds=int(text))


def _check_time(found: sigv4.HeaderSignature, lifetime: timedelta | None, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(found.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError("IncompleteSignature", "X-Amz-Date is not a time.") from None
    if signed_at > now + SKEW:
        raise RefusedError("RequestTimeTooSkewed", SKEWED)
    if lifetime is None and signed_at < now - SKEW:
        raise RefusedError("RequestTimeTooSkewed", SKEWED)
    if lifetime is not None and signed_at + lifetime < now:
        raise RefusedError("AccessDenied", "Request has expired")


def _check_coverage(found: sigv4.HeaderSignature, request: Signed) -> None:
    """Host and all x-amz- headers must be signed: with a header of one's own, a signed request would be another."""
    signed = found.signed_headers.split(";")
    needed = ["host", *(name for name in request.headers if name.startswith("x-amz-"))]
    if missing := [name for name in needed if name not in signed]:
        raise RefusedError("AccessDenied", f"There were headers present which were not signed: {', '.join(missing)}")


def check_signature(
    found: sigv4.HeaderSignature, presigned: bool, request: Signed, body: bytes, credential: Credential
) -> None:
    """Compares a signature with the one that the secret gives.

    Raises:
        RefusedError: they differ, or the body is not the one that was signed.
    """
    declared = request.headers.get("x-amz-content-sha256", "")
    if declared and declared not in _UNHASHED:
        actual = hashlib.sha256(body).hexdigest()
        if not _HASH.fullmatch(declared) or not hmac.compare_digest(declared.lower(), actual):
            raise RefusedError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' is not the body's.")
    arguments: tuple[Any, ...] = (request.method, request.raw_path, request.query, request.headers, body)
    if sigv4.header_signature_failure(found, credential.secret, *arguments, presigned=presigned):
        raise RefusedError("SignatureDoesNotMatch", MISMATCH)
