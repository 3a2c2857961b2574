"""MMDB files of owners for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from common.detection.pairs.owners import NAME, NUMBER

HOSTING, CLOUD = "AS64500 Example Hosting", "AS64501 Example Cloud"
OWNERS = {
    "198.51.100.0/24": (64500, "Example Hosting"),
    "198.51.0.0/23": (64501, "Example Cloud"),
    "203.0.113.0/24": (64501, "Example Cloud"),
    "2001:db8::/32": (64500, "Example Hosting"),
}


def write_owners(path: Path, owners: Mapping[str, tuple[Any, Any]] = OWNERS, version: int = 6) -> str:
    """The path of a file with the numbers and names of the owners of these prefixes."""
    return write_records(path, {prefix: {NUMBER: number, NAME: name} for prefix, (number, name) in owners.items()},
                         version)  # fmt: skip


def write_records(path: Path, records: Mapping[str, Mapping[str, Any]], version: int = 6) -> str:
    """The path of a file with these records."""
    writer = MMDBWriter(version, "Test-ASN", ipv4_compatible=version == 6, int_type="auto")
    for prefix, record in records.items():
        if version == 6 or ":" not in prefix:
            writer.insert_network(IPSet([prefix]), dict(record))
    writer.to_db_file(str(path))
    return str(path)
