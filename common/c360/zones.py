"""The zones of Customer 360: folders below one URI, with a folder for each dataset.

raw/<dataset>/...                                          what the sources deliver
archive/<dataset>/<business date>/<name>.<hash>            valid files, never changed
rejected/<dataset>/<business date>/<name>.<hash>           others, each with <name>.<hash>.reason.json
clean/<dataset>/load_date=<business date>/part-*.parquet   typed rows of one day's files
clean/rejects/<dataset>/load_date=<business date>.ndjson   the rows that are none
staging/<table>/run=<run id>/part-*.parquet                a snapshot as of a date
staging/manifest.json                                      the snapshot that is published
"""

from __future__ import annotations

import re
from datetime import date

ZONES = ("raw", "archive", "rejected", "clean", "staging")
HASH_DIGITS = 16
"""Leading hex digits of the SHA-256 of a file's bytes, in its name in `archive` and `rejected`."""

DELIVERED_AT = "delivered-at"
"""Metadata of an object of `archive` or `rejected`: when it was delivered, ISO 8601 in UTC; files have it as mtime."""

_HASH = re.compile(rf"\.[0-9a-f]{{{HASH_DIGITS}}}$")
_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
_PARTS = re.compile(r"year=(\d{4})/month=(\d{1,2})/day=(\d{1,2})(?:/|$)")


def archived_name(dataset: str, day: date, name: str, digest: str) -> str:
    """Where a file is kept below `archive` or `rejected`; `digest` is the SHA-256 of its bytes, in hex."""
    return f"{dataset}/{day}/{name}.{digest[:HASH_DIGITS]}"


def original_name(name: str) -> str:
    """The name of a file of the archive without the hash, which is optional there."""
    return _HASH.sub("", name)


def business_date(path: str) -> date | None:
    """The day that a path below `raw/<dataset>/` speaks of: in its file name, else in `year=/month=/day=` folders.

    None if there is none that the calendar has.
    """
    name = path.rpartition("/")[2]
    for found in (*_DATE.finditer(name), *_PARTS.finditer(path)):
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            continue
    return None


def load_folder(dataset: str, day: date) -> str:
    """The folder below `clean` of the rows of one day's files."""
    return f"{dataset}/load_date={day}"


def rejects_name(dataset: str, day: date) -> str:
    """The file below `clean` with the rejected rows of one day's files."""
    return f"rejects/{dataset}/load_date={day}.ndjson"


def run_folder(table: str, run_id: str) -> str:
    """The folder below `staging` of a table of a snapshot."""
    return f"{table}/run={run_id}"
