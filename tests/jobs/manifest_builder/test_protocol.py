"""The claim protocol under schedules that are drawn: builders that interleave, die, come late and see an old index.

`NDR_PROTOCOL_EXAMPLES` is how many schedules each test draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from common.ingestion.document import manifest_json
from common.ingestion.items import ManifestRecord
from common.ingestion.writes import Write
from jobs.manifest_builder import claims, log
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.stores import Stores
from tests.jobs.manifest_builder.schedules import Fate
from tests.jobs.manifest_builder.worlds import BUILDERS, FILES, NAMES, ClaimingWorld, Outcome, Plan, Stint, World

pytestmark = pytest.mark.slow

QUICK = settings(
    max_examples=int(os.environ.get("NDR_PROTOCOL_EXAMPLES", "120")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TRIES = 600
"""Schedules among which one must show a fault."""

Alter = Callable[[Stores], Stores]
Check = Callable[[Plan, Alter], None]


def unaltered(stores: Stores) -> Stores:
    return stores


def stints(calls: int, fates: tuple[Fate, ...], waits: tuple[int, ...], least: int = 0) -> st.SearchStrategy[Any]:
    actors, lengths = st.integers(0, BUILDERS), st.integers(1, calls)
    one = st.builds(Stint, actors, lengths, st.sampled_from(fates), st.sampled_from(waits))
    return st.lists(one, min_size=least, max_size=40)


def events(messages: st.SearchStrategy[list[int]], least: int = 0) -> st.SearchStrategy[list[list[list[int]]]]:
    return st.lists(st.lists(messages, min_size=least, max_size=3), min_size=BUILDERS, max_size=BUILDERS)


MESSAGES = st.lists(st.sampled_from(FILES), max_size=8)
ALL_FATES: tuple[Fate, ...] = ("goes on", "goes on", "dies", "loses the answer")
PLANS = st.builds(
    Plan,
    events(MESSAGES),
    stints(25, ALL_FATES, waits=(0, 0, 61, 61, 1000, 43_200), least=5),
    st.lists(st.integers(0, 20), max_size=100),
    st.lists(st.sampled_from(get_args(Outcome)), max_size=4),
)
CALM = st.builds(Plan, events(MESSAGES), stints(25, ("goes on",), waits=(0,)))
"""Plans in which nobody dies, no lease ends, and the index is up to date."""

OLD = [number for number in FILES if number % len(NAMES) == 2][:3]
PAIRS = st.one_of(st.just(list[int]()), st.lists(st.sampled_from(OLD), min_size=2, max_size=2, unique=True))
COLLIDING_FATES: tuple[Fate, ...] = (*ALL_FATES, *ALL_FATES[:1] * 6)
COLLIDING = st.builds(Plan, events(PAIRS, least=1), stints(10, COLLIDING_FATES, waits=(61,), least=10))
"""Plans in which builders claim two of the same three files of a past day at a time, or take up what others left."""


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of a manifest take a transaction for each file; events of so many runs are not shown."""
    monkeypatch.setattr(claims, "MOST_WRITES", 2)
    monkeypatch.setattr(log, "tell", lambda event: None)


def check_files(plan: Plan, alter: Alter = unaltered, kind: type[World] = World) -> None:
    """Every file is in exactly one manifest that was executed, or quarantined, once the schedule has run."""
    world = kind(plan, alter)
    world.run()
    world.rest()
    world.check()


def check_claims(plan: Plan, alter: Alter = unaltered) -> None:
    """The same, if builders claim the same files."""
    check_files(plan, alter, ClaimingWorld)


def check_wake_ups(plan: Plan, alter: Alter = unaltered) -> None:
    """No file of a past day waits, and of another day fewer than a full batch, though the schedule has not run."""
    world = World(plan, alter)
    world.run()
    waiting = [item for item in world.memory.table.items.values() if "pending_shard" in item]
    dates = [str(item["date_prefix"]) for item in waiting]
    assert all(item["kind"] == "file" for item in waiting)
    assert all(date >= "2026-03-10" and dates.count(date) < 3 for date in dates)
    assert not world.memory.table.of_kind("lock")


@QUICK
@given(PLANS)
def test_every_file_is_in_one_manifest_that_is_executed(plan: Plan) -> None:
    check_files(plan)


@QUICK
@given(COLLIDING)
def test_claims_hold_without_the_lock(plan: Plan) -> None:
    check_claims(plan)


@QUICK
@given(CALM)
def test_no_batch_waits_once_all_builders_have_ended(plan: Plan) -> None:
    check_wake_ups(plan)


class AlteredTable:
    """A table that writes something else than it is told."""

    def __init__(self, table: Any, change: Callable[[Write], Write | None]) -> None:
        self._table, self._change = table, change

    def write(self, *writes: Write) -> bool:
        changed = [found for write in writes if (found := self._change(write))]
        return not changed or bool(self._table.write(*changed))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def claim_without_condition(write: Write) -> Write | None:
    return replace(write, condition=()) if write.kind == "update" and "manifest_id" in write.values else write


def claim_without_check_of_the_record(write: Write) -> Write | None:
    return None if write.kind == "check" else write


def no_mark_where_a_date_is_not_of_the_name(write: Write) -> Write | None:
    return None if write.values.get("kind") == "mark" else write


def no_wish_to_look_again(write: Write) -> Write | None:
    return None if write.values.get("wanted") is True else write


def shows_fault(plans: st.SearchStrategy[Plan], check: Check, alter: Alter) -> bool:
    """Whether one of the plans fails the check."""

    @settings(QUICK, max_examples=TRIES, derandomize=True, phases=[Phase.generate])
    @given(plans)
    def checked(plan: Plan) -> None:
        check(plan, alter)

    try:
        checked()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("change", "plans", "check"),
    [
        (claim_without_condition, COLLIDING, check_claims),
        (claim_without_check_of_the_record, COLLIDING, check_claims),
        (no_mark_where_a_date_is_not_of_the_name, PLANS, check_files),
        (no_wish_to_look_again, CALM, check_wake_ups),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_in_the_writes_is_found(
    change: Callable[[Write], Write | None], plans: st.SearchStrategy[Plan], check: Check
) -> None:
    assert shows_fault(plans, check, lambda stores: replace(stores, table=AlteredTable(stores.table, change)))


def test_a_manifest_written_before_its_claims_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Manifests._claim

    def written_first(self: Manifests, record: ManifestRecord) -> None:
        files = self._files(record)
        self.stores.objects.put_new("manifests", record.manifest_path[15:], manifest_json(record, files))
        claim(self, record)

    monkeypatch.setattr(Manifests, "_claim", written_first)
    assert shows_fault(COLLIDING, check_claims, unaltered)
