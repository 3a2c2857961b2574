"""Four builders and the state machine over the same stores, on a schedule that is drawn, until all has come to rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from common.errors import NdrError
from common.ingestion.events import Announced
from common.ingestion.items import PENDING, ManifestRecord, TrackedFile, files_of
from common.ingestion.keys import manifest_key
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import Value, Write, all_of, equals, less
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.job import run
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.stores import Stores
from jobs.manifest_builder.tracking import track
from jobs.manifest_builder.turns import Turns
from tests.jobs.manifest_builder.memory import Memory, holds, notification, queue_event
from tests.jobs.manifest_builder.schedules import Actor, DiedError, Fate, Stepwise

BUILDERS = 4
CONFIG = BuilderConfig("tracking", "manifests", quarantine_bucket="quarantine", max_files_per_manifest=3)
NAMES = (
    "a/fw-2026-03-10.ndjson",
    "b/fw-2026-03-10.ndjson",
    "fw-2026-03-09.ndjson.gz",
    "fw-2026-03-12.ndjson",
    "fw.ndjson",
    "fw-2026-03-10.txt",
)
"""Keys of files: of today, of a past day, of the future, without a date, invalid."""

VERSIONS = 4
ROUNDS = 7
"""Runs of the schedule at the end: more than an execution may be busy."""

Outcome = Literal["completes", "is not marked", "is half marked", "is busy", "aborts", "aborts late"]


@dataclass(frozen=True)
class Stint:
    """Some calls of one actor, of which the last may be the end of it; before them, time passes."""

    actor: int
    calls: int
    fate: Fate = "goes on"
    wait_seconds: int = 0


@dataclass(frozen=True)
class Plan:
    """The events of each builder, as lists of messages that announce files by number; one without is a sweep."""

    events: Sequence[Sequence[Sequence[int]]]
    stints: Sequence[Stint]
    lags: Sequence[int] = ()
    outcomes: Sequence[Outcome] = ()


def file(number: int) -> Announced:
    """The file with this number: one version of one of the keys."""
    version, name = divmod(number, len(NAMES))
    return Announced("landing", NAMES[name], 100 + version, f"etag-{version}")


FILES = tuple(range(VERSIONS * len(NAMES)))


@dataclass
class World:
    """Builders with events to handle, each in an actor, and the state machine in another one."""

    plan: Plan
    alter: Callable[[Stores], Stores] = lambda stores: stores
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.memory.table.lags = list(self.plan.lags)
        self.outcomes = list(self.plan.outcomes)
        works = [lambda number=number: self._handle(number) for number in range(len(self.plan.events))]
        self.actors = [Actor(work) for work in (*works, self._execute_all)]
        self.is_closing = False

    def run(self) -> None:
        """Plays the plan, and lets everybody finish what they began."""
        for stint in self.plan.stints:
            self.memory.clock.wait(stint.wait_seconds)
            actor = self.actors[stint.actor % len(self.actors)]
            for _ in range(stint.calls):
                actor.step()
            actor.fate = stint.fate
        while not all(actor.is_done for actor in self.actors[:-1]):
            for actor in self.actors:
                actor.step()
        self.is_closing = True
        while not self.actors[-1].is_done:
            self.actors[-1].step()
        self.memory.table.lags.clear()

    def rest(self) -> None:
        """Lets the schedule and the state machine do what is left to do."""
        stores = self.alter(self.memory.stores)
        for _ in range(ROUNDS):
            self.memory.clock.wait(1000)
            run({}, CONFIG, stores)
            for name in self._going_on():
                self._execute(name, self.memory.table, lambda: None)

    def _handle(self, builder: int) -> None:
        """Handles the builder's events, each again until no message fails."""
        stores = self.alter(self._stepwise(lambda: self.actors[builder]))
        for numbers in self.plan.events[builder]:
            while True:
                try:
                    if self._is_handled(numbers, stores):
                        break
                except DiedError:
                    pass  # the queue delivers the messages again
                except NdrError:
                    break  # the schedule comes again by itself

    def _is_handled(self, numbers: Sequence[int], stores: Stores) -> bool:
        event = queue_event(*(notification(file(number)) for number in numbers)) if numbers else {}
        return not run(event, CONFIG, stores)["batchItemFailures"]

    def _stepwise(self, actor: Callable[[], Actor]) -> Stores:
        stores = self.memory.stores
        table, objects, executions, alerts = (
            Stepwise(store, actor) for store in (stores.table, stores.objects, stores.executions, stores.alerts)
        )
        return Stores(table, objects, executions, alerts, stores.now, stores.new_id)

    def _going_on(self) -> list[str]:
        executions = self.memory.executions
        return [name for name in executions.inputs if name not in executions.ends]

    def _execute_all(self) -> None:
        """Runs the executions that were started, one after the other, a write in each turn."""

        def pause() -> None:
            self.actors[-1].before_call()

        while self._going_on() or not self.is_closing:
            with suppress(DiedError):
                pause()
            for name in self._going_on():
                try:
                    self._execute(name, self.memory.table, pause)
                except DiedError:
                    self.memory.executions.end(name, "TIMED_OUT")

    def _execute(self, name: str, table: Any, pause: Callable[[], None]) -> None:
        """What the state machine does to a manifest."""
        given = json.loads(self.memory.executions.inputs[name])
        record = ManifestRecord.from_item(table.items[manifest_key(given["date_prefix"], given["manifest_id"])])
        self._check_start(record, given)
        outcome = self.outcomes.pop() if self.outcomes else "completes"
        own = all_of(equals("attempt", given["attempt"]), equals("status", "manifested", "processing"))
        changes: list[Mapping[str, Value]] = [{"status": ManifestState.PROCESSING}]
        match outcome:
            case "aborts":
                changes = []
            case "is busy":
                changes.append({"status": ManifestState.MANIFESTED, "attempt": given["attempt"] + 1})
            case "completes":
                changes.append({"status": ManifestState.COMPLETED})
        for values in changes:
            pause()
            state = values["status"]
            files = tuple(
                Write("update", key, all_of(equals("manifest_id", record.id)), {"status": state})
                for key in record.keys_of_files
            )
            removed = PENDING if state == ManifestState.COMPLETED else ()
            assert table.write(Write("update", record.key, own, values, removed), *files)
        if outcome == "is half marked":
            pause()
            key, own = record.keys_of_files[0], all_of(equals("manifest_id", record.id))
            assert table.write(Write("update", key, own, {"status": FileState.COMPLETED}))
        if outcome.startswith("aborts"):
            self.memory.executions.end(name, "ABORTED")
        else:
            status = "LEFT_FOR_SWEEP" if outcome == "is busy" else "SUCCEEDED"
            self.memory.executions.end(name, "SUCCEEDED", status=status, job_run_id=f"jr-{name}")

    def _check_start(self, record: ManifestRecord, given: Mapping[str, Any]) -> None:
        """An execution begins only once the manifest is written, and its files say so."""
        document = json.loads(self.memory.objects.content[record.manifest_path])
        assert len(document["files"]) == record.file_count == given["file_count"]
        files = [self.memory.table.items[key] for key in record.keys_of_files]
        assert all(item["manifest_id"] == record.id for item in files)
        assert all(item["status"] != FileState.PENDING for item in files)

    def check(self) -> None:
        """Every file that was announced is in exactly one manifest, or quarantined, and nothing is left to do."""
        table, objects, executions = self.memory.table, self.memory.objects, self.memory.executions
        announced = {file(number) for events in self.plan.events for event in events for number in event}
        files = [TrackedFile.from_item(item) for item in table.of_kind("file")]
        records = {record.id: record for record in map(ManifestRecord.from_item, table.of_kind("manifest"))}
        tracked = [Announced(one.bucket, one.object_key, one.file_size, one.etag) for one in files]
        assert sorted(tracked, key=repr) == sorted(announced, key=repr)
        for one in files:
            assert (one.status == FileState.QUARANTINED) == one.object_key.endswith(".txt") == (one.manifest_id is None)
            if one.manifest_id:
                assert one.manifest_id in records
                record = records[one.manifest_id]
                assert one.file_key in record.file_keys and one.status.value == record.status.value
        claimed = sum(record.file_count for record in records.values())
        assert claimed == sum(one.manifest_id is not None for one in files)
        assert {copied for copied, _ in objects.copies.values()} == {one for one in announced if ".txt" in one.key}
        said = {f"{text['manifest_id']}-{text['attempt']}" for _, text in self.memory.alerts.sent}
        assert set(objects.content) == {record.manifest_path for record in records.values()}
        for record in records.values():
            assert record.status.has_ended
            document = json.loads(objects.content[record.manifest_path])
            held = [(one["bucket"], one["key"], one["etag"]) for one in document["files"]]
            own = [(one.bucket, one.object_key, one.etag) for one in files if one.manifest_id == record.id]
            assert sorted(held) == sorted(own)
            name = f"{record.id}-{record.attempt}"
            assert (record.status == ManifestState.COMPLETED) == executions.ends[name].job_is_done
            assert (record.status == ManifestState.FAILED) == (name in said)
        assert {name[:20] for name in executions.inputs} == set(records)
        assert not [item for item in table.items.values() if "pending_shard" in item]
        ended = all_of(less("expires_at", int(self.memory.clock().timestamp())))
        assert all(holds(ended, lock) for lock in table.of_kind("lock"))  # the table's TTL removes them


class ClaimingWorld(World):
    """Builders that claim the files of their events as one manifest, all of one date, with no lock between them."""

    def __post_init__(self) -> None:
        for number in {number for events in self.plan.events for event in events for number in event}:
            track(file(number), CONFIG, self.memory.stores)
        self.files = {one.object_key + one.etag: one for one in files_of(self.memory.table.of_kind("file"))}
        super().__post_init__()

    def _is_handled(self, numbers: Sequence[int], stores: Stores) -> bool:
        if numbers:
            wanted = dict.fromkeys(map(file, numbers))
            Manifests(stores, CONFIG).make([self.files[f"{one.key}{one.etag}"] for one in wanted])
        else:
            Turns(CONFIG, stores).recover()
        return True
