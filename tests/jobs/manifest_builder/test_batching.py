"""Which pending files become manifests, and which wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from common.ingestion.items import TrackedFile
from common.ingestion.keys import file_key, timestamp
from common.ingestion.states import FileState
from jobs.manifest_builder.batching import Limits, batches
from tests.jobs.manifest_builder.memory import NOON

LIMITS = Limits(max_files=3, min_partial=2, max_wait=timedelta(minutes=15))
TODAY, YESTERDAY = "2026-03-10", "2026-03-09"


def files(count: int, date_prefix: str = TODAY, name: str = "f", minutes_ago: float = 0) -> list[TrackedFile]:
    """So many pending files, the first of them the oldest."""
    created = [timestamp(NOON - timedelta(minutes=minutes_ago) + timedelta(seconds=number)) for number in range(count)]
    keys = [file_key("b", f"{name}{number}", "v") for number in range(count)]
    return [
        TrackedFile(date_prefix, key, name, "b", name, "v", 1, FileState.PENDING, at, at)
        for key, at in zip(keys, created, strict=True)
    ]


def sizes(found: list[list[TrackedFile]]) -> list[int]:
    return [len(batch) for batch in found]


@pytest.mark.parametrize(
    ("count", "date_prefix", "expected"),
    [
        (0, TODAY, []), (2, TODAY, []), (3, TODAY, [3]), (7, TODAY, [3, 3]),
        (0, YESTERDAY, []), (1, YESTERDAY, []), (2, YESTERDAY, [2]), (4, YESTERDAY, [3, 1]), (7, "2026-03-11", [3, 3]),
    ],
)  # fmt: skip
def test_a_past_day_makes_partial_batches(count: int, date_prefix: str, expected: list[int]) -> None:
    assert sizes(batches(files(count, date_prefix), LIMITS, NOON, is_sweep=False)) == expected


@pytest.mark.parametrize("date_prefix", [TODAY, YESTERDAY])
def test_the_schedule_takes_what_has_waited(date_prefix: str) -> None:
    for minutes, is_sweep, expected in ((15, True, [1]), (14.99, True, []), (600, False, [])):
        found = batches(files(1, date_prefix, minutes_ago=minutes), LIMITS, NOON, is_sweep)
        assert sizes(found) == expected


def test_the_oldest_files_go_first() -> None:
    given = files(4)
    assert batches(reversed(given), LIMITS, NOON, is_sweep=False) == [given[:3]]


def test_routes_and_organisations_are_never_mixed() -> None:
    ndr = [replace(file, route="ndr", organisation="acme/hq") for file in files(3, name="n")]
    other = [replace(file, route="ndr", organisation="acme/lab") for file in files(2, name="o")]
    plain = files(2, name="p")
    found = batches([*plain, *other, *ndr], LIMITS, NOON, is_sweep=False)
    assert found == [ndr]


def test_long_names_make_a_manifest_full() -> None:
    found = batches(files(400, name="x" * 500), replace(LIMITS, max_files=1000), NOON, is_sweep=False)
    # a key has 500 letters, a number of 1 to 3 digits, # and 16 digits: 518 to 520 bytes, of which 192 or 193 fit
    assert len(found) == 2 and all(192 <= size <= 193 for size in sizes(found))
    assert all(sum(len(file.file_key) for file in batch) <= 100_000 for batch in found)
