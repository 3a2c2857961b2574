"""The lock of a date, as several builders see it."""

from __future__ import annotations

import pytest

from jobs.manifest_builder.lock import DateLock
from tests.jobs.manifest_builder.memory import Memory


@pytest.fixture
def memory() -> Memory:
    return Memory()


def lock(memory: Memory, builder: str) -> DateLock:
    return DateLock(memory.stores, "2026-03-10", builder, seconds=60)


def test_one_builder_has_it_until_it_gives_it_back(memory: Memory) -> None:
    first, second = lock(memory, "first"), lock(memory, "second")
    assert first.acquire() == "free" and DateLock(memory.stores, "2026-03-11", "second", 60).acquire() == "free"
    assert first.release()
    assert second.acquire() == "free"


def test_its_holder_looks_again_if_another_one_wanted_it(memory: Memory) -> None:
    first, second = lock(memory, "first"), lock(memory, "second")
    assert first.acquire() == "free"
    assert second.acquire() is None
    assert [first.release(), first.release()] == [False, True]
    assert not memory.table.items


def test_it_is_taken_over_once_its_lease_has_ended(memory: Memory) -> None:
    first, second = lock(memory, "first"), lock(memory, "second")
    first.acquire()
    memory.clock.wait(50)
    assert first.renew()
    memory.clock.wait(60)
    assert second.acquire() is None  # the lease ends with this second
    memory.clock.wait(1)
    assert second.acquire() == "expired"
    assert not first.renew()
    assert first.release()  # there is nothing to give back, nor to look for
    assert second.renew() and second.release() and not memory.table.items
