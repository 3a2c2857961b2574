"""One event after the other: what is tracked, put together, quarantined, reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from common.errors import AwsError, InputError
from common.ingestion.events import Announced
from common.ingestion.items import TrackedFile, files_of
from jobs.manifest_builder.config import BuilderConfig, Route
from jobs.manifest_builder.job import run
from tests.jobs.manifest_builder.memory import Memory, MemoryTable, notification, queue_event

CONFIG = BuilderConfig("tracking", "manifests", quarantine_bucket="quarantine", max_files_per_manifest=2)
DAY = 86_400


def landed(key: str = "a-2026-03-10.ndjson", etag: str = "e1", **values: Any) -> Announced:
    return replace(Announced("landing", key, 5, etag), **values)


def handled(
    memory: Memory, *announced: Announced, config: BuilderConfig = CONFIG, event: Mapping[str, Any] | None = None
) -> dict[str, int]:
    """The counts that are not 0 after an event of the queue, or after the schedule."""
    given = queue_event(*map(notification, announced)) if announced else {}
    response = run(event or given, config, memory.stores)
    assert response["statusCode"] == 200
    return {name: count for name, count in json.loads(response["body"]).items() if count}


def files(memory: Memory) -> list[TrackedFile]:
    return files_of(memory.table.of_kind("file"))


def test_without_records_nothing_happens() -> None:
    response = run({"Records": []}, CONFIG, Memory().stores)
    assert response["statusCode"] == 200 and response["batchItemFailures"] == []


def test_a_version_counts_once_and_each_other_one_again() -> None:
    memory = Memory()
    assert handled(memory, landed(), landed()) == {"processed": 1, "duplicates": 1}
    assert handled(memory, landed()) == {"duplicates": 1}
    assert handled(memory, landed(etag="e2")) == {"processed": 1, "manifests_created": 1}
    assert handled(memory, landed(version_id="v1"), landed(version_id="v2")) == {"processed": 2, "manifests_created": 1}
    assert handled(memory, landed("x/a-2026-03-10.ndjson")) == {"processed": 1}  # the same name in another folder
    assert len(files(memory)) == 5


@pytest.mark.parametrize("key", ["a.ndjson", "a-2026-03-20.ndjson", "a-9999-12-31.ndjson"])
def test_a_file_that_has_not_the_date_of_its_name_counts_once_on_all_days(key: str) -> None:
    memory = Memory()
    assert handled(memory, landed(key)) == {"processed": 1}
    assert files(memory)[0].date_prefix == "2026-03-10" and "today is taken" in str(files(memory)[0].warning)
    for _ in range(20):
        memory.clock.wait(DAY)
        assert {**handled(memory, landed(key)), "manifests_created": 1} == {"duplicates": 1, "manifests_created": 1}
    assert len(files(memory)) == 1 and len(memory.table.of_kind("manifest")) == 1


def test_one_message_that_fails_does_not_keep_the_others() -> None:
    memory = Memory()
    event = queue_event(
        "no JSON", notification(landed()), notification(landed("b-2026-03-10.ndjson"), landed(bucket="manifests"))
    )
    response = run(event, CONFIG, memory.stores)
    assert response["batchItemFailures"] == [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]
    counts = json.loads(response["body"])
    assert (counts["processed"], counts["failed"], counts["manifests_created"]) == (2, 2, 1)


class BrokenTable(MemoryTable):
    """A table that cannot be written where manifests are."""

    def write(self, *writes: Any) -> bool:
        if any(write.values.get("kind") == "manifest" for write in writes):
            raise AwsError("the table cannot be written", "Try again")
        return super().write(*writes)


def test_messages_whose_date_cannot_be_put_together_come_again() -> None:
    memory = Memory(table=BrokenTable())
    announced = [landed(f"{number}-2026-03-09.ndjson") for number in range(2)]
    response = run(queue_event(*map(notification, [*announced, landed()])), CONFIG, memory.stores)
    assert response["batchItemFailures"] == [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
    memory.clock.wait(100)
    with pytest.raises(AwsError, match="cannot be written"):
        run({}, CONFIG, memory.stores)
    memory.table = MemoryTable(memory.table.items)
    memory.clock.wait(100)
    assert handled(memory) == {"manifests_created": 1}


def test_an_invalid_file_is_quarantined_once_with_its_reason() -> None:
    memory = Memory()
    bad = landed("a/b-2026-03-09.csv", version_id="v1")
    assert handled(memory, bad) == {"quarantined": 1}
    (file,) = files(memory)
    assert (file.status.value, file.date_prefix, file.reason is not None) == ("quarantined", "2026-03-09", True)
    ((place, (copied, metadata)),) = memory.objects.copies.items()
    assert place == f"s3://quarantine/2026-03-09/{file.file_key}" and copied == bad
    assert metadata == {
        "reason": file.reason,
        "source-bucket": "landing",
        "source-etag": "e1",
        "source-version": "v1",
    }
    memory.objects.copies.clear()
    assert handled(memory, bad) == {"duplicates": 1} and not memory.objects.copies
    assert handled(memory) == {}  # the schedule leaves it


def test_only_what_is_quarantined_is_forgotten_after_its_days() -> None:
    memory = Memory()
    config = replace(CONFIG, tracking_days=400)
    until = int(memory.stores.now().timestamp()) + 400 * DAY
    handled(memory, landed("a-2026-03-10.csv"), landed("undated.ndjson"), config=config)
    assert {file.status.value: file.expires_at for file in files(memory)} == {"quarantined": until, "pending": None}
    # what says that a file without a date is known
    assert [item["expires_at"] for item in memory.table.of_kind("mark")] == [until]


def test_without_a_quarantine_bucket_it_is_recorded_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    memory = Memory()
    assert handled(memory, landed("a.csv"), config=replace(CONFIG, quarantine_bucket=None)) == {"quarantined": 1}
    assert files(memory)[0].status.value == "quarantined" and not memory.objects.copies
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["message"] for one in said if one["level"] == "warning" and one["event"] == "skipped"] == [
        "there is no quarantine bucket"
    ]


def test_an_invalid_file_that_is_gone_is_recorded() -> None:
    memory = Memory()
    assert handled(memory, landed("gone.csv")) == {"quarantined": 1}
    assert str(files(memory)[0].reason).endswith("; the object is gone, so it was not copied")


def test_sizes_are_checked_where_one_is_expected() -> None:
    memory = Memory()
    config = replace(CONFIG, expected_file_size_mb=1.0, size_tolerance_percent=10)
    sizes = (1 << 20, 1_153_434, 1_153_433)  # 1.1 MB are 1,153,433.6 bytes
    announced = [landed(f"{size}-2026-03-10.ndjson", size=size) for size in sizes]
    assert handled(memory, *announced, config=config) == {"processed": 2, "quarantined": 1, "manifests_created": 1}


def test_folders_and_what_is_gone_are_left() -> None:
    memory = Memory()
    assert handled(memory, landed("a/", size=0), landed("b.ndjson", etag="", size=None)) == {"ignored": 2}
    assert not memory.table.items


def test_what_a_notification_lacks_is_asked_of_the_bucket() -> None:
    memory = Memory()
    memory.objects.landed.append(landed(size=7, etag="e7"))
    assert handled(memory, landed(size=None, etag="")) == {"processed": 1}
    assert (files(memory)[0].file_size, files(memory)[0].etag) == (7, "e7")
    assert handled(memory, landed(size=7, etag="e7")) == {"duplicates": 1}


def test_files_of_other_buckets_fail_their_message() -> None:
    memory = Memory()
    response = run(
        queue_event(notification(landed(bucket="other"))), replace(CONFIG, landing_bucket="landing"), memory.stores
    )
    assert len(response["batchItemFailures"]) == 1 and not memory.table.items


@pytest.mark.parametrize(
    "key",
    [
        "a#b#c.ndjson",
        "ü\n\x00.ndjson",
        f"{'x/' * 100}{'ü' * 400}.ndjson",
        "MANIFEST#0123.ndjson",
        "LOCK.ndjson",
        "//.ndjson",
    ],
)
def test_any_key_is_tracked_and_put_together(key: str) -> None:
    memory = Memory()
    assert handled(memory, landed(key), landed(key, etag="e2")) == {"processed": 2, "manifests_created": 1}
    (content,) = memory.objects.content.values()
    assert [(one["key"], one["etag"]) for one in json.loads(content)["files"]] in (
        [(key, "e1"), (key, "e2")],
        [(key, "e2"), (key, "e1")],
    )


def test_routes_by_the_longest_prefix_have_manifests_of_their_own() -> None:
    memory = Memory()
    routes = (Route("fw/", "ndr", "acme/hq"), Route("fw/lab/", "ndr", "acme/lab"))
    announced = [
        landed(f"{folder}{number}-2026-03-10.ndjson") for folder in ("fw/", "fw/lab/", "other/") for number in "12"
    ]
    counts = handled(memory, *announced, config=replace(CONFIG, routes=routes))
    assert counts == {"processed": 6, "manifests_created": 3}
    found = {str(item.get("organisation")): item.get("route") for item in memory.table.of_kind("manifest")}
    assert found == {"acme/hq": "ndr", "acme/lab": "ndr", "None": None}


def test_past_days_are_put_together_at_once_and_today_after_a_while() -> None:
    memory = Memory()
    assert handled(memory, landed("a-2026-03-09.ndjson")) == {"processed": 1, "manifests_created": 1}
    assert handled(memory, landed()) == {"processed": 1}
    assert handled(memory) == {}
    memory.clock.wait(15 * 60 - 1)
    assert handled(memory) == {}
    memory.clock.wait(1)
    assert handled(memory) == {"manifests_created": 1}
    assert not memory.table.of_kind("lock")


def test_manifests_have_as_many_files_as_they_may() -> None:
    memory = Memory()
    config = replace(CONFIG, max_files_per_manifest=200)
    counts = handled(memory, *(landed(f"{number}-2026-03-09.ndjson") for number in range(450)), config=config)
    assert counts == {"processed": 450, "manifests_created": 3}
    assert sorted(int(str(item["file_count"])) for item in memory.table.of_kind("manifest")) == [50, 200, 200]


def test_without_a_state_machine_manifests_wait_for_one() -> None:
    memory = Memory()
    stores = replace(memory.stores, executions=None)
    run(queue_event(notification(landed("a-2026-03-09.ndjson"))), CONFIG, stores)
    (item,) = memory.table.of_kind("manifest")
    assert item["status"] == "manifested" and "pending_shard" in item
    memory.clock.wait(100)
    assert handled(memory) == {} and list(memory.executions.inputs) == [f"{item['id']}-1"]
    (given,) = memory.executions.inputs.values()
    assert json.loads(given) == {
        "manifest_id": item["id"],
        "manifest_path": item["manifest_path"],
        "date_prefix": "2026-03-09",
        "file_count": 1,
        "timestamp": item["created_at"],
        "attempt": 1,
    }


def test_an_event_of_another_form_is_refused() -> None:
    with pytest.raises(InputError, match="no list of objects"):
        run({"Records": "x"}, CONFIG, Memory().stores)


def test_cost_does_not_grow_with_the_files_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    for method in ("write", "read", "pending"):
        original = getattr(MemoryTable, method)

        def counted(self: MemoryTable, *args: Any, original: Any = original, **named: Any) -> Any:
            calls[-1] += 1
            return original(self, *args, **named)

        monkeypatch.setattr(MemoryTable, method, counted)
    memory = Memory()
    for number in range(100):
        calls.append(0)
        handled(memory, landed(f"{number}-2026-03-10.ndjson"))
    # a file alone: put, lock, a query of each of 8 shards, release; with a second one also the manifest: renew, put and
    # read the record, claim, claimed, read it and the files, manifested twice, read; 8 more if both are in one shard
    assert calls[0::2] == [11] * 50 and set(calls[1::2]) == {21, 29}


def test_the_sweep_says_how_long_the_oldest_file_waits_as_a_metric(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NDR_METRICS", "dev-ndr")
    memory = Memory()

    def waits() -> float:
        capsys.readouterr()
        run({"sweep": True}, CONFIG, memory.stores)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        (found,) = (line for line in lines if "_aws" in line)
        assert (found["job"], found["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("ndr-manifest-builder", "dev-ndr")
        return float(found["oldest_pending_seconds"])

    assert waits() == 0
    handled(memory, landed())
    memory.clock.wait(120)
    handled(memory, landed("b-2026-03-09.ndjson"))
    memory.clock.wait(60)
    assert waits() == 180
