"""How pending files are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from common.ingestion.items import TrackedFile
from common.ingestion.keys import timestamp

MOST_KEY_BYTES = 100_000
"""Bytes of the file keys of one manifest: its record, and inputs of its execution, have limits."""


@dataclass(frozen=True)
class Limits:
    """How many files a manifest has.

    A partial batch is made of `min_partial` files of a past day at least, and by the schedule also of any number of
    which one has waited for `max_wait`.
    """

    max_files: int
    min_partial: int
    max_wait: timedelta


def batches(files: Iterable[TrackedFile], limits: Limits, now: datetime, is_sweep: bool) -> list[list[TrackedFile]]:
    """The manifests to make of pending files of one date, oldest files first; other files wait for more.

    Files of different routes or organisations are never in one. `now` is UTC; days before it are past.
    """
    made = []
    for _, grouped in groupby(sorted(files, key=_order), key=_destination):
        group = list(grouped)
        is_orphan = group[0].date_prefix < f"{now:%Y-%m-%d}" and len(group) >= limits.min_partial
        for batch, is_full in _filled(group, limits.max_files):
            has_waited = is_sweep and batch[0].created_at <= timestamp(now - limits.max_wait)
            if is_full or is_orphan or has_waited:
                made.append(batch)
    return made


def _filled(files: Iterable[TrackedFile], max_files: int) -> Iterator[tuple[list[TrackedFile], bool]]:
    """The files in lists as long as a manifest may be, each with whether it can take no more."""
    batch: list[TrackedFile] = []
    size = 0
    for file in files:
        key_bytes = len(file.file_key.encode())
        if len(batch) == max_files or size + key_bytes > MOST_KEY_BYTES:
            yield batch, True
            batch, size = [], 0
        batch.append(file)
        size += key_bytes
    if batch:
        yield batch, len(batch) == max_files


def _destination(file: TrackedFile) -> tuple[str, str]:
    return file.route or "", file.organisation or ""


def _order(file: TrackedFile) -> tuple[tuple[str, str], str, str]:
    return _destination(file), file.created_at, file.file_key
