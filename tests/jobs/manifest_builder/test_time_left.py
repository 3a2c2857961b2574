"""Builders whose time is over: they begin nothing that a later run can do as well."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from common.ingestion.events import Announced
from common.ingestion.writes import Item
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.job import run
from tests.jobs.manifest_builder.memory import Memory, MemoryTable, notification, queue_event

CONFIG = BuilderConfig("tracking", "manifests", max_files_per_manifest=2)


def landed(number: int) -> Announced:
    return Announced("landing", f"{number}-2026-03-10.ndjson", 5, "e1")


def manifests_made(memory: Memory, *bodies: str) -> int:
    """How many manifests an event of the queue made, or the schedule if there are no messages."""
    response = run(queue_event(*bodies) if bodies else {}, CONFIG, memory.stores)
    return int(json.loads(response["body"])["manifests_created"])


class WantedTable(MemoryTable):
    """A table in which another builder wants each lock whenever its holder looks for files."""

    def pending(self, *args: Any, **named: Any) -> list[Item]:
        for lock in self.of_kind("lock"):
            lock["wanted"] = True
        return super().pending(*args, **named)


def test_who_is_wanted_without_end_leaves_the_rest_to_a_later_run() -> None:
    memory = Memory(table=WantedTable())
    event = queue_event(*(notification(landed(number)) for number in range(7)))
    left = iter([True] * 3)  # before the look, and before each of two manifests
    stores = replace(memory.stores, may_go_on=lambda: next(left, False))
    assert json.loads(run(event, CONFIG, stores)["body"])["manifests_created"] == 2
    assert not memory.table.of_kind("lock")
    memory.table = MemoryTable(memory.table.items)
    assert manifests_made(memory, notification(landed(7))) == 2


def test_a_schedule_that_has_no_time_begins_nothing() -> None:
    memory = Memory()
    manifests_made(memory, notification(landed(0)))
    memory.clock.wait(86_400)
    run({}, CONFIG, replace(memory.stores, may_go_on=lambda: False))
    assert not memory.table.of_kind("manifest")
    assert manifests_made(memory) == 1
