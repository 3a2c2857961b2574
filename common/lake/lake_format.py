"""The record of a lake: a file at its root with the format of its tables and its identity.

A change of a declared table raises `LAKE_FORMAT`, and `ndr-lake migrate` brings a lake of an earlier format along. The
first run that creates a table writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError, LakeFormatError, StorageError, first_line
from common.lake.identity import LakeIdentity, require_same
from common.storage.drafts import draft
from common.storage.files import Folder
from common.storage.filesystems import bucket_and_key

if TYPE_CHECKING:
    from common.lake.reader import LakeReader

LAKE_FORMAT = 9
UNMARKED_FORMAT = 1
"""The format of lakes with tables but without the file: releases before it existed wrote them."""
FORMAT_WITH_IDENTITY = 3

FILE = "_lake.json"


@dataclass(frozen=True)
class Record:
    """What the file says: the format, and from format 3 on the identity."""

    lake_format: int
    identity: LakeIdentity | None

    def require_known(self, lake_uri: str) -> LakeIdentity:
        """The identity of a lake of this release's format.

        Raises:
            LakeFormatError: the lake is older and must be migrated, or newer.
        """
        if self.lake_format == LAKE_FORMAT and self.identity is not None:
            return self.identity
        if self.lake_format > LAKE_FORMAT:
            raise newer(lake_uri, self.lake_format)
        raise LakeFormatError(
            f"the lake {lake_uri} has format {self.lake_format}, but this release works with format {LAKE_FORMAT}",
            f"Run ndr-lake migrate --lake {lake_uri}",
        )


def newer(lake_uri: str, found: int) -> LakeFormatError:
    """The error of a lake that a later release has written."""
    return LakeFormatError(
        f"the lake {lake_uri} has format {found}, but this release knows format {LAKE_FORMAT}", "Upgrade the package"
    )


def require_format(lake: LakeReader) -> None:
    """Refuses a lake of another format than this release's.

    Raises:
        LakeFormatError: the lake is older and must be migrated, or newer.
        StorageError: the file cannot be read.
    """
    if found := find_record(lake):
        found.require_known(lake.uri)


def require_or_record(lake: LakeReader, identity: LakeIdentity | None) -> None:
    """Records the identity for a lake without tables, by default that of an unnamed one; refuses another one's lake.

    Raises:
        LakeFormatError: the lake is of another format.
        LakeMismatchError: the lake is of another project, or was made with other settings.
        StorageError: the file cannot be read or written.
    """
    record = find_record(lake) or create_record(
        lake.uri, identity or LakeIdentity(feature_spec_version=lake.spec.version)
    )
    held = record.require_known(lake.uri)
    if identity is not None:
        require_same(lake.uri, held, identity)


def find_record(lake: LakeReader) -> Record | None:
    """The record of the lake, also of one that was made before there was a file; None for a lake without tables.

    Raises:
        LakeFormatError: the file is damaged.
        StorageError: it cannot be read.
    """
    if found := read_record(lake.uri):
        return found
    return Record(UNMARKED_FORMAT, None) if any(lake.exists(name) for name in lake.names) else None


def known_record(lake: LakeReader) -> Record:
    """The record of a lake that must be there.

    Raises:
        InputError: it has neither record nor tables.
        LakeFormatError: the file is damaged.
        StorageError: it cannot be read.
    """
    found = find_record(lake)
    if found is None:
        raise InputError(f"{lake.uri} has no tables", "Check --lake")
    return found


def read_record(lake_uri: str) -> Record | None:
    """What the file says; None where there is none.

    Raises:
        LakeFormatError: the file is damaged.
        StorageError: it cannot be read.
    """
    folder = Folder(lake_uri)
    return _parsed(lake_uri, folder.read(FILE)) if folder.exists(FILE) else None


def create_record(lake_uri: str, identity: LakeIdentity) -> Record:
    """Writes the file for a new lake, or leaves the one that is there; returns what it says then.

    Raises:
        StorageError: it cannot be written.
    """
    folder = Folder(lake_uri)
    if folder.is_remote:
        _create_in_s3(lake_uri, _content(identity))
    else:
        _create_on_disk(Path(lake_uri), _content(identity))
    return _parsed(lake_uri, folder.read(FILE))


def replace_record(lake_uri: str, identity: LakeIdentity) -> None:
    """Writes the file anew, with this release's format.

    Raises:
        StorageError: it cannot be written.
    """
    Folder(lake_uri).write(FILE, _content(identity))


def _content(identity: LakeIdentity) -> bytes:
    return (json.dumps({"lake_format": LAKE_FORMAT, **identity.to_dict()}, indent=1) + "\n").encode()


def _parsed(lake_uri: str, content: bytes) -> Record:
    raw = _mapping(content)
    found = raw.get("lake_format")
    if not isinstance(found, int):
        raise LakeFormatError(
            f"{lake_uri}/{FILE} does not say which format the lake has", "Restore the file from a backup"
        )
    has_identity = FORMAT_WITH_IDENTITY <= found <= LAKE_FORMAT
    return Record(found, LakeIdentity.parsed(raw, f"{lake_uri}/{FILE}") if has_identity else None)


def _mapping(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _create_on_disk(folder: Path, content: bytes) -> None:
    """Creates the file unless it is there; it appears with its whole content."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft(folder / FILE, replace=False) as path:
            path.write_bytes(content)
    except OSError as error:
        raise StorageError(
            f"{folder / FILE} cannot be written: {first_line(error)}", "Check that the lake is writable and has space"
        ) from error


def follow_source(lake_uri: str, held: LakeIdentity, source: str) -> None:
    """Records the source in place of equal settings by value, for a lake in S3 whose record is still the held one.

    What the table says later is then what the lake has. A lake on disk keeps its values, with which it can be used
    where the table cannot be reached.

    Raises:
        StorageError: the file cannot be read or written.
    """
    if held.source or not lake_uri.startswith("s3://"):
        return
    with _s3_errors(lake_uri) as (s3, place):
        found = s3.get_object(**place)
        if _parsed(lake_uri, found["Body"].read()).identity == held:
            content = _content(replace(held, parameters={"source": source}))
            s3.put_object(**place, Body=content, IfMatch=found["ETag"])


def _create_in_s3(uri: str, content: bytes) -> None:
    """Creates the object unless it is there."""
    with _s3_errors(uri) as (s3, place):
        s3.put_object(**place, Body=content, IfNoneMatch="*")


@contextmanager
def _s3_errors(uri: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """Yields the client and the place of the file; that another writer was faster is no error."""
    from botocore.exceptions import BotoCoreError, ClientError

    from common.aws.clients import client

    bucket, key = bucket_and_key(f"{uri}/{FILE}")
    try:
        yield client("s3"), {"Bucket": bucket, "Key": key}
    except (BotoCoreError, ClientError) as error:
        if "PreconditionFailed" not in str(error) and "ConditionalRequestConflict" not in str(error):
            raise StorageError(
                f"{uri}/{FILE} cannot be written: {first_line(error)}", "Check the bucket and the permissions"
            ) from error
