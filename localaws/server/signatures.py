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
_SCOPE = r"([A-Za-z0-9]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request"
_CREDENTIAL = re.compile(_SCOPE)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential={_SCOPE}, ?SignedHeaders=([a-z0-9;._-]+), ?Signature=([0-9a-f]{{64}})"
)
_HASH = re.compile(r"[0-9a-f]{64}")
_UNHASHED = (
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",  # has a signature for each chunk, which ministack's function checks
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
)
NOT_SIGNED = "The request is not signed with Signature Version 4."
SKEWED = "The difference between the request time and the current time is too large."
UNKNOWN_KEY = "The access key is not the one that ndr-local env prints."
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


def claimed_signature(request: Signed, now: datetime) -> tuple[sigv4.HeaderSignature, bool]:
    """The signature of a request, and whether it is presigned: what can be judged of it without the body.

    Raises:
        RefusedError: the request has none, is too old, or leaves out what must be signed.
    """
    presigned = "authorization" not in request.headers
    found = _of_query(request.query) if presigned else _of_headers(request.headers)
    _check_time(found, _lifetime(request) if presigned else None, now)
    _check_coverage(found, request)
    return found, presigned


def _of_headers(headers: Mapping[str, str]) -> sigv4.HeaderSignature:
    found = _AUTHORIZATION.fullmatch(headers["authorization"])
    if found is None:
        raise RefusedError("MissingAuthenticationToken", NOT_SIGNED)
    return sigv4.HeaderSignature(*found.groups(), headers.get("x-amz-date", ""))


def _of_query(query: Mapping[str, list[str]]) -> sigv4.HeaderSignature:
    values = [
        query.get(f"X-Amz-{name}", []) for name in ("Algorithm", "Credential", "SignedHeaders", "Signature", "Date")
    ]
    if any(len(value) != 1 for value in values):
        raise RefusedError("MissingAuthenticationToken", NOT_SIGNED)
    algorithm, credential, signed_headers, signature, date = (value[0] for value in values)
    scope, hexadecimal = _CREDENTIAL.fullmatch(credential), _HASH.fullmatch(signature)
    if algorithm != ALGORITHM or scope is None or hexadecimal is None:
        raise RefusedError("MissingAuthenticationToken", NOT_SIGNED)
    return sigv4.HeaderSignature(*scope.groups(), signed_headers, signature, date)


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
        if not _HASH.fullmatch(declared) or not hmac.compare_digest(declared, actual):
            raise RefusedError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' is not the body's.")
    arguments: tuple[Any, ...] = (request.method, request.raw_path, request.query, request.headers, body)
    if sigv4.header_signature_failure(found, credential.secret, *arguments, presigned=presigned):
        raise RefusedError("SignatureDoesNotMatch", MISMATCH)
