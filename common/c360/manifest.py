"""The manifest of a snapshot: `staging/manifest.json`, which names the files that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from common.errors import InputError

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file: its name in the partition or below `staging`, rows, bytes, and their SHA-256 in hex."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class StagedTable:
    """A table of a snapshot.

    Attributes:
        business_date: of the rows of `customers` and `plans`, which are those of one day.
    """

    rows: int
    files: tuple[ParquetFile, ...]
    business_date: date | None = None


@dataclass(frozen=True)
class SnapshotManifest:
    """A snapshot.

    Attributes:
        run_id: a hash of what the snapshot was made of: the same input gives the same run.
        as_of: the day whose files are the last ones in it.
        tables: by name, those of `common.c360.datasets.STAGING`.
        counts: what was found, by name: conflicts, duplicates, ...
    """

    run_id: str
    as_of: date
    tables: Mapping[str, StagedTable]
    counts: Mapping[str, int] = field(default_factory=dict)


def manifest_json(manifest: SnapshotManifest) -> bytes:
    """The document: always the same bytes for the same manifest."""
    return (json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2, sort_keys=True, default=str) + "\n").encode()


def read_manifest(content: bytes, place: str) -> SnapshotManifest:
    """The manifest that these bytes are.

    Raises:
        InputError: they are none; the message names the place.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise InputError(f"{place} has format {document['format']!r}, not {FORMAT}", "Install a later release")
        tables = {name: _table(entry) for name, entry in document["tables"].items()}
        return SnapshotManifest(
            document["run_id"], date.fromisoformat(document["as_of"]), tables, dict(document["counts"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{place} is no manifest of a snapshot: {type(error).__name__}: {error}", "Run c360-staging again"
        ) from None


def _table(entry: Mapping[str, Any]) -> StagedTable:
    day = entry["business_date"]
    files = tuple(ParquetFile(**file) for file in entry["files"])
    return StagedTable(entry["rows"], files, date.fromisoformat(day) if day else None)
