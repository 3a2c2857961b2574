"""File systems: the local disk, and S3 at the endpoint of the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse, urlsplit

from common.errors import InputError

if TYPE_CHECKING:
    from pyarrow import fs


def s3_endpoint() -> str:
    """`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`; empty for AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def aws_region() -> str:
    """`AWS_REGION` or `AWS_DEFAULT_REGION`; else that of the profile in AWS's configuration file, or us-east-1."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _configured_region() or "us-east-1"


def _configured_region() -> str | None:
    """What `aws configure` has written of the region; a file that cannot be read is a matter for the clients."""
    path = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    if not path.is_file():
        return None
    from botocore.configloader import load_config
    from botocore.exceptions import BotoCoreError

    profile = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"
    try:
        region: str | None = load_config(str(path))["profiles"].get(profile, {}).get("region")
    except BotoCoreError:
        return None
    return region


def s3_filesystem() -> fs.S3FileSystem:
    """S3 with the credentials, region and endpoint of the environment."""
    from pyarrow import fs

    region = aws_region()
    endpoint = urlsplit(s3_endpoint())
    if not endpoint.netloc:
        return fs.S3FileSystem(region=region, allow_delayed_open=True)
    return fs.S3FileSystem(
        region=region, endpoint_override=endpoint.netloc, scheme=endpoint.scheme, allow_delayed_open=True
    )


def subtree(uri: str) -> fs.SubTreeFileSystem:
    """A file system rooted at an s3:// URI or a local path."""
    from pyarrow import fs

    return fs.SubTreeFileSystem(without_scheme(uri), filesystem_of(uri))


def filesystem_of(path: str) -> fs.FileSystem:
    """The file system of an s3:// URI or a local path, which has it `without_scheme`."""
    from pyarrow import fs

    return s3_filesystem() if path.startswith("s3://") else fs.LocalFileSystem()


def without_scheme(uri: str) -> str:
    """`bucket/key` for an s3:// URI; a local path as it is."""
    return uri.removeprefix("s3://")


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The bucket and the key of an s3:// URI; that of a bucket has an empty key."""
    bucket, _, key = without_scheme(uri).partition("/")
    return bucket, key


def engine_uri(uri: str, engine: str) -> str:
    """The URI in the form the engine expects: classic Spark reads S3 as `s3a://`."""
    return f"s3a://{without_scheme(uri)}" if engine == "spark" and uri.startswith("s3://") else uri


def normal_uri(text: str) -> str:
    """The URI without a trailing slash: `s3://...`, or an absolute local path (from a path or `file://`).

    Raises:
        InputError: the scheme is not supported.
    """
    parsed = urlparse(text)
    if parsed.scheme == "s3":
        return text.rstrip("/")
    if parsed.scheme == "file":
        return local_path(text).rstrip("/") or "/"
    if parsed.scheme and "://" in text:
        raise InputError(
            f"{text!r} has the unsupported scheme {parsed.scheme!r}", "Give a path or a file:// or s3:// URI"
        )
    return str(Path(os.path.expanduser(text)).resolve())  # noqa: PTH111 - a folder may be called ~name


def check_delta_path(uri: str) -> None:
    """Checks that Delta tables can lie below a normal URI.

    Raises:
        InputError: the Delta library would read a part of it as something else.
    """
    found = None if uri.startswith("s3://") else re.search(r"%[0-9A-Fa-f]{2}|\\", uri)
    if found:
        raise InputError(
            f"the lake {uri!r} has {found[0]!r} in its path, which Delta takes for another character",
            "Rename that folder, or choose another one",
        )


def local_path(text: str) -> str:
    """The path of a file:// URI, in which only `%` is special: it begins an encoded character; other text as is."""
    if not text.startswith("file://"):
        return text
    _host, slash, path = text.removeprefix("file://").partition("/")
    return unquote(f"{slash}{path}")
