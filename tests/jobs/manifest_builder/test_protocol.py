"""The claim protocol under schedules that are drawn: builders that interleave, die, come late and see an old index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from common.ingestion.states import FileState
from common.ingestion.writes import Write, all_of
from jobs.manifest_builder import claims, log
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.stores import Stores
from tests.jobs.manifest_builder.worlds import BUILDERS, FILES, Plan, Stint, World

EXAMPLES = int(os.environ.get("NDR_PROTOCOL_EXAMPLES", "150"))
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
Alter = Callable[[Stores], Stores]

MESSAGES = st.lists(st.sampled_from(FILES), max_size=6)
EVENTS = st.lists(st.lists(MESSAGES, max_size=3), min_size=BUILDERS, max_size=BUILDERS)


def stints(*fates: Any, waits: tuple[int, ...]) -> st.SearchStrategy[list[Stint]]:
    return st.lists(
        st.builds(
            Stint,
            st.integers(0, BUILDERS),
            st.integers(1, 25),
            st.sampled_from(fates),
            st.sampled_from(waits),
        ),
        max_size=30,
    )


PLANS = st.builds(
    Plan,
    EVENTS,
    stints("goes on", "goes on", "dies", "loses the answer", waits=(0, 0, 0, 61, 1000, 43_200)),
    st.lists(st.integers(0, 12), max_size=60),
    st.lists(st.sampled_from(["completes", "is busy", "aborts", "aborts late"]), max_size=4),
)
CALM = st.builds(Plan, EVENTS, stints("goes on", waits=(0,)))
"""Plans in which nobody dies, no lease ends, and the index is up to date."""


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of a manifest take several transactions; events of so many runs are not shown."""
    monkeypatch.setattr(claims, "MOST_WRITES", 3)
    monkeypatch.setattr(log, "tell", lambda event: None)


def play(plan: Plan, alter: Alter = lambda stores: stores) -> World:
    world = World(plan, alter)
    world.run()
    return world


@QUICK
@given(PLANS)
def test_every_file_is_in_one_manifest_that_is_executed(plan: Plan) -> None:
    world = play(plan)
    world.rest()
    world.check()


@QUICK
@given(CALM)
def test_no_full_or_past_batch_waits_once_all_builders_have_ended(plan: Plan) -> None:
    check_wake_ups(play(plan))


def check_wake_ups(world: World) -> None:
    """Nothing of a past day is pending, nothing unfinished, and too little of any other day for a manifest."""
    waiting = [item for item in world.memory.table.items.values() if "pending_shard" in item]
    assert all(item["kind"] == "file" for item in waiting)
    dates = [str(item["date_prefix"]) for item in waiting]
    assert all(date >= "2026-03-10" and dates.count(date) < 3 for date in dates)
    assert not world.memory.table.of_kind("lock")


class Altered:
    """A table that writes something else than it is told."""

    def __init__(self, table: Any, alter: Callable[[Write], Write | None]) -> None:
        self._table, self._alter = table, alter

    def write(self, *writes: Write) -> bool:
        altered = [found for write in writes if (found := self._alter(write))]
        return self._table.write(*altered) if altered else True  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def altering(change: Callable[[Write], Write | None]) -> Alter:
    return lambda stores: replace(stores, table=Altered(stores.table, change))


def claims_without_condition(write: Write) -> Write | None:
    is_claim = write.kind == "update" and "manifest_id" in write.values
    return replace(write, condition=()) if is_claim else write


def claims_without_check(write: Write) -> Write | None:
    return None if write.kind == "check" else write


def without_token(write: Write) -> Write | None:
    conditions = tuple(
        tuple(test for test in tests if test.attribute != "claim_token") for tests in write.condition
    )
    return replace(write, condition=conditions)


def without_mark_of_undated(write: Write) -> Write | None:
    return None if write.values.get("kind") == "mark" else write


def without_wanted(write: Write) -> Write | None:
    return None if write.values.get("wanted") is True else write


def found_fault(plans: st.SearchStrategy[Plan], check: Callable[[Plan], None], examples: int) -> bool:
    """Whether one of the plans fails the check."""

    @settings(QUICK, max_examples=examples, derandomize=True, phases=[Phase.generate], print_blob=False)
    @given(plans)
    def checked(plan: Plan) -> None:
        check(plan)

    try:
        checked()
    except AssertionError:
        return True
    return False
