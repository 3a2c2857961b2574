"""Keys of the tracking table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from common.ingestion.keys import (
    FILE_SHARDS,
    file_hash,
    file_key,
    manifest_id,
    name_in_key,
    orders_after,
    orders_of,
    pending_order,
    shard_of,
    timestamp,
)


def test_a_file_key_is_the_name_and_a_hash_of_the_version() -> None:
    digits = sha256(b"bucket\0a/b.ndjson\0v1").hexdigest()[:16]
    assert file_key("bucket", "a/b.ndjson", "v1") == f"b.ndjson#{digits}"
    others = {file_hash(*parts) for parts in [("bucket", "a/b.ndjson", "v2"), ("b", "ucketa/b.ndjson", "v1")]}
    assert len({digits, *others}) == 3


@pytest.mark.parametrize(
    ("object_key", "name"),
    [
        ("a/b/c.ndjson", "c.ndjson"),
        ("a/b#c#d.ndjson", "b#c#d.ndjson"),
        ("a/", ""),
        ("/", ""),
        ("a\nb\x00\x9b\u2028c.ndjson", "a_b___c.ndjson"),
        ("x" * 1024, "x" * 512),
        ("ü" * 512, "ü" * 256),
        ("x" + "ü" * 511, "x" + "ü" * 255),  # a letter is not cut in two
    ],
)
def test_the_name_in_a_key_is_short_and_without_control_characters(object_key: str, name: str) -> None:
    assert name_in_key(object_key) == name


def test_all_keys_are_short_enough_for_the_table_and_its_index() -> None:
    key = file_key("b" * 63, "ü" * 512, "v")
    assert len(key.encode()) == 512 + 1 + 16
    assert len(pending_order("2026-03-10", timestamp(datetime.now(UTC)), key).encode()) <= 1024


def test_shards_are_all_used_evenly() -> None:
    counts = dict.fromkeys(FILE_SHARDS, 0)
    for number in range(8000):
        counts[shard_of(file_key("b", f"{number}.ndjson", "v"))] += 1
    assert min(counts.values()) > 850 and max(counts.values()) < 1150  # 1000 +- 5 standard deviations of 30


def test_the_id_of_a_manifest_is_that_of_its_set_of_files() -> None:
    files = [("2026-03-10", "a#1"), ("2026-03-10", "b#2")]
    assert manifest_id(files) == manifest_id(reversed(files)) != manifest_id(files[:1])
    assert manifest_id(files) == sha256(b"2026-03-10\0a#1\n2026-03-10\0b#2").hexdigest()[:20]
    assert manifest_id([("2026-03-11", "a#1")]) != manifest_id(files[:1])


def test_orders_of_a_date_are_between_its_bounds_and_before_those_of_later_dates() -> None:
    order = pending_order("2026-03-10", "2026-03-10T00:00:00.000000Z", "\U0010ffff#1")
    first, last = orders_of("2026-03-10")
    assert first < order < last
    later = pending_order("2026-03-11", "2026-03-10T00:00:00.000000Z", "a#1")
    first, last = orders_after("2026-03-10")
    assert not first <= order <= last and first <= later <= last


def test_timestamps_are_in_order_as_texts() -> None:
    moment = datetime(2026, 3, 10, 13, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(moment) == "2026-03-10T12:00:00.000000Z"
    assert timestamp(moment) < timestamp(moment + timedelta(microseconds=1))
