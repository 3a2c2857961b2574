"""The format of a lake: a file at its root says which release's tables it holds.

A change of a declared table raises `LAKE_FORMAT`, and `ndr-lake migrate` brings a lake of the format before along.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import LakeFormatError, StorageError, first_line
from common.storage.files import Folder

if TYPE_CHECKING:
    from common.lake.reader import LakeReader

LAKE_FORMAT = 2
UNMARKED_FORMAT = 1
"""The format of lakes with tables but without the file: releases before it existed wrote them."""

FILE = "_lake.json"


def require_format(lake: LakeReader, is_new: bool = False) -> None:
    """Refuses a lake of another format than this release's; with `is_new`, a lake without tables becomes one of it.

    Raises:
        LakeFormatError: the lake is older and must be migrated, or newer.
        StorageError: the file cannot be read or written.
    """
    found = read_format(lake)
    if found is None and is_new:
        found = mark(lake)
    if found is None or found == LAKE_FORMAT:
        return
    if found > LAKE_FORMAT:
        raise LakeFormatError(
            f"the lake {lake.uri} has format {found}, but this release knows format {LAKE_FORMAT}",
            "Upgrade the package",
        )
    raise LakeFormatError(
        f"the lake {lake.uri} has format {found}, but this release works with format {LAKE_FORMAT}",
        f"Run ndr-lake migrate --lake {lake.uri}",
    )


def read_format(lake: LakeReader) -> int | None:
    """The format of the lake; None for one without tables.

    Raises:
        LakeFormatError: the file is damaged.
        StorageError: it cannot be read.
    """
    folder = Folder(lake.uri)
    if folder.exists(FILE):
        return _parsed(lake, folder.read(FILE))
    return UNMARKED_FORMAT if any(lake.exists(name) for name in lake.names) else None


def mark(lake: LakeReader, replace: bool = False) -> int:
    """Writes the file with this release's format, or leaves the one that is there; returns what it says then.

    Raises:
        StorageError: it cannot be written.
    """
    folder = Folder(lake.uri)
    content = json.dumps({"lake_format": LAKE_FORMAT}).encode()
    if replace:
        folder.write(FILE, content)
        return LAKE_FORMAT
    if folder.is_remote:
        _create_in_s3(lake.uri, content)
    else:
        _create_on_disk(Path(lake.uri), content)
    return _parsed(lake, folder.read(FILE))


def _parsed(lake: LakeReader, content: bytes) -> int:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        found = json.loads(content)["lake_format"]
        if isinstance(found, int):
            return found
    raise LakeFormatError(
        f"{lake.uri}/{FILE} does not say which format the lake has",
        f'Restore it: {{"lake_format": {LAKE_FORMAT}}} if this release wrote the lake',
    )


def _create_on_disk(folder: Path, content: bytes) -> None:
    """Creates the file unless it is there: a link to a draft appears with its whole content."""
    draft = folder / f"{FILE}.{secrets.token_hex(8)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        with contextlib.suppress(FileExistsError):
            os.link(draft, folder / FILE)
        draft.unlink()
    except OSError as error:
        raise StorageError(
            f"{folder / FILE} cannot be written: {first_line(error)}", "Check that the lake is writable and has space"
        ) from error


def _create_in_s3(uri: str, content: bytes) -> None:
    """Creates the object unless it is there."""
    from botocore.exceptions import BotoCoreError, ClientError

    from common.aws.clients import client

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    key = f"{prefix}/{FILE}" if prefix else FILE
    try:
        client("s3").put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
    except (BotoCoreError, ClientError) as error:
        if "PreconditionFailed" not in str(error) and "ConditionalRequestConflict" not in str(error):
            raise StorageError(
                f"{uri}/{FILE} cannot be written: {first_line(error)}", "Check the bucket and the permissions"
            ) from error
