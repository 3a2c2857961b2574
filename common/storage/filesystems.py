"""File systems: the local disk, and S3 as the environment names it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlparse, urlsplit

from pyarrow import fs

from common.errors import InputError


def s3_endpoint() -> str:
    """`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`; empty for AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def aws_region() -> str:
    """`AWS_REGION` or `AWS_DEFAULT_REGION`; else us-east-1."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def s3_filesystem() -> fs.S3FileSystem:
    """S3 with the credentials of the environment, in its region, at the endpoint of the environment if it has one."""
    region = aws_region()
    endpoint = urlsplit(s3_endpoint())
    if not endpoint.netloc:
        return fs.S3FileSystem(region=region)
    return fs.S3FileSystem(region=region, endpoint_override=endpoint.netloc, scheme=endpoint.scheme)


def subtree(uri: str) -> fs.SubTreeFileSystem:
    """The files below an s3:// URI or a local path, as a file system of their own."""
    base = s3_filesystem() if uri.startswith("s3://") else fs.LocalFileSystem()
    return fs.SubTreeFileSystem(uri.removeprefix("s3://"), base)


def normal_uri(text: str) -> str:
    """The URI without a trailing slash: `s3://...`, or an absolute local path (from a path or `file://`).

    Raises:
        InputError: the scheme is another one.
    """
    parsed = urlparse(text)
    if parsed.scheme == "s3":
        return text.rstrip("/")
    if parsed.scheme == "file":
        return unquote(parsed.path).rstrip("/") or "/"
    if parsed.scheme and "://" in text:
        raise InputError(f"{text!r} has the scheme {parsed.scheme!r}", "Give a path, file:// or s3://")
    return str(Path(text).expanduser().resolve())
