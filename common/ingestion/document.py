"""The manifest document: the files that one run of the job reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from common.errors import InputError
from common.ingestion.items import ManifestRecord, TrackedFile
from common.storage.filesystems import bucket_and_key, local_path

FORMAT = 1
REMEDY = "Give a manifest of ndr-manifest-builder, or a JSON object with fileLocations[].URIPrefixes"


@dataclass(frozen=True)
class SourceFile:
    """A file of a manifest; without `version_id` and `etag`, it is whatever the object is now. `size` is in bytes.

    A local file has no bucket, and its path as `uri`.
    """

    uri: str
    bucket: str = ""
    key: str = ""
    version_id: str | None = None
    etag: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a manifest says; a foreign one has files alone. `parts` is how many Parquet files to make of them."""

    files: tuple[SourceFile, ...]
    id: str | None = None
    date_prefix: str | None = None
    created_at: str | None = None
    parts: int | None = None


def manifest_json(record: ManifestRecord, files: Iterable[TrackedFile]) -> bytes:
    """The document of a manifest: always the same bytes for the same record."""
    ordered = sorted(files, key=lambda file: file.file_key)
    document = {
        "format": FORMAT,
        "id": record.id,
        "date_prefix": record.date_prefix,
        "created_at": record.created_at,
        "parts": record.parts,
        "fileLocations": [{"URIPrefixes": [file.uri for file in ordered]}],
        "files": [_entry(file) for file in ordered],
    }
    return json.dumps(document).encode()


def _entry(file: TrackedFile) -> dict[str, str | int]:
    entry: dict[str, str | int] = {"uri": file.uri, "bucket": file.bucket, "key": file.object_key}
    entry |= {"version_id": file.version_id} if file.version_id else {}
    return entry | {"etag": file.etag, "size": file.file_size}


def read_manifest(content: bytes, place: str) -> Manifest:
    """The manifest that these bytes are.

    Raises:
        InputError: they are no manifest; the message names the place.
    """
    try:
        document = json.loads(content)
        if "files" in document:
            if document["format"] != FORMAT:
                raise InputError(f"{place} has format {document['format']!r}, not {FORMAT}", "Install a later release")
            files = tuple(_file(**entry) for entry in document["files"])
            return Manifest(files, *(document.get(name) for name in ("id", "date_prefix", "created_at", "parts")))
        return Manifest(tuple(_named(uri) for place in document["fileLocations"] for uri in place["URIPrefixes"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place} is not a manifest: {type(error).__name__}: {error}", REMEDY) from None


def _file(**entry: Any) -> SourceFile:
    names = ("bucket", "key", "version_id", "etag", "size")
    return replace(_named(entry["uri"]), **{name: entry[name] for name in names if name in entry})


def _named(uri: str) -> SourceFile:
    if uri.startswith(("/", "file://")):
        return SourceFile(local_path(uri))
    bucket, key = bucket_and_key(uri)
    if not uri.startswith("s3://") or not bucket or not key:
        raise ValueError(f"{uri!r} is neither the s3:// URI of an object nor an absolute path")
    return SourceFile(uri, bucket, key)
