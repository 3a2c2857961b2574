"""Histories of plans: made by hand, and drawn at random against plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.c360_staging.plans import EVENT, SNAPSHOT, intervals
from tests.jobs.c360_staging import oracle
from tests.jobs.c360_staging.zones import Row, change, day, hashed, moment

SAID = pa.schema(
    {
        "customer_id": pa.string(), "moment": pa.timestamp("us", "UTC"), "source": pa.int32(), "plan_id": pa.string(),
        "old_plan_id": pa.string(), "registration_date": pa.date32(), "business_date": pa.date32(),
        "file_time": pa.timestamp("us", "UTC"), "row_hash": pa.string(),
    }
)  # fmt: skip
REGISTERED = date(2025, 1, 1)


def seen(number: int, plan: str | None, registered: date | None = REGISTERED, customer: str = "C1") -> Row:
    """A customer in the snapshot of a day."""
    return {"customer_id": customer, "business_date": day(number), "plan_id": plan, "registration_date": registered}


def said(rows: Sequence[Row], changes: Sequence[Row]) -> pa.Table:
    shown = [{"customer_id": row["customer_id"], "moment": oracle.midnight(row["business_date"]), "source": SNAPSHOT,
              "plan_id": row["plan_id"], "registration_date": row["registration_date"]} for row in rows]  # fmt: skip
    told = [row | {"moment": row["event_timestamp"], "source": EVENT, "plan_id": row["new_plan_id"]}
            for row in changes if row["new_plan_id"]]  # fmt: skip
    return pa.Table.from_pylist([dict.fromkeys(SAID.names) | row for row in [*told, *shown]], SAID)


def told(row: Row, customer: str = "C1", delivered: int = 1) -> Row:
    """An event as the clean zone has it."""
    return row | {"customer_id": customer, "business_date": day(delivered), "file_time": moment(delivered, 30),
                  "row_hash": hashed(row)}  # fmt: skip


def made(snapshots: Sequence[int], rows: Sequence[Row], *changes: Row) -> tuple[list[tuple[Any, ...]], int]:
    """Plan, begin, end, source and conflict of each interval, and the number of conflicts."""
    found = intervals(said(rows, [told(row) for row in changes]), [day(number) for number in snapshots])
    columns = ("plan_id", "valid_from", "valid_to", "source", "is_conflict")
    return [tuple(row[name] for name in columns) for row in found.to_pylist()], sum(found["conflicts"].to_pylist())


def test_a_plan_is_that_of_the_registration_until_a_snapshot_says_another() -> None:
    start, third = oracle.midnight(REGISTERED), moment(3)
    found = made([1, 2, 3], [seen(1, "P1"), seen(2, "P1"), seen(3, "P2")])
    assert found == ([("P1", start, third, "registration", False), ("P2", third, None, "snapshot", False)], 0)


def test_without_a_registration_before_it_the_first_snapshot_begins() -> None:
    for registered in (None, day(1), day(5)):
        assert made([1], [seen(1, "P1", registered)])[0] == [("P1", moment(1), None, "snapshot", False)]


def test_an_event_before_the_first_snapshot_gives_the_plan_of_the_registration() -> None:
    start, noon = oracle.midnight(REGISTERED), moment(1, 12)
    assert made([2], [seen(2, "P2")], change("e", noon, "P0", "P2"))[0] == [
        ("P0", start, noon, "registration", False), ("P2", noon, None, "event", False),
    ]  # fmt: skip


def test_later_observations_win() -> None:
    """The event changes the plan at noon, and the next snapshot says that it has not."""
    noon = moment(1, 12)
    assert made([1, 2], [seen(1, "P1", None), seen(2, "P1", None)], change("e", noon, "P1", "P2"))[0] == [
        ("P1", moment(1), noon, "snapshot", False), ("P2", noon, moment(2), "event", False),
        ("P1", moment(2), None, "snapshot", False),
    ]  # fmt: skip


def test_conflicts_are_events_that_name_another_old_plan() -> None:
    """P1 -> P2 -> P3 agrees; then P1 -> P4 contradicts P3, P9 -> P4 contradicts P4 but changes nothing."""
    changes = [
        change("a", moment(1, 1), "P1", "P2"), change("b", moment(1, 2), "P2", "P3"),
        change("c", moment(1, 3), "P1", "P4"), change("d", moment(1, 4), "P9", "P4"),
        change("e", moment(1, 5), None, "P5"),
    ]  # fmt: skip
    found, conflicts = made([1], [seen(1, "P1", None)], *changes)
    assert [(plan, conflict) for plan, *_, conflict in found] == [
        ("P1", False), ("P2", False), ("P3", False), ("P4", True), ("P5", False),
    ]  # fmt: skip
    assert conflicts == 2


def test_the_first_that_is_said_of_a_customer_contradicts_nothing() -> None:
    assert made([], [], change("e", moment(1, 1), "P1", "P2")) == (
        [("P2", moment(1, 1), None, "event", False)], 0,
    )  # fmt: skip


def test_a_customer_who_is_missing_has_no_plan_until_the_return() -> None:
    """Missing on days 2 and 3; an event of day 2 is followed by the snapshot of day 3 that lacks the customer."""
    event = change("e", moment(2, 12), None, "P7")
    assert made([1, 2, 3, 4], [seen(1, "P1", None), seen(4, "P1", None)], event)[0] == [
        ("P1", moment(1), moment(2), "snapshot", False), (None, moment(2), moment(2, 12), "snapshot", False),
        ("P7", moment(2, 12), moment(3), "event", False), (None, moment(3), moment(4), "snapshot", False),
        ("P1", moment(4), None, "snapshot", False),
    ]  # fmt: skip


def test_a_customer_is_not_missing_before_the_first_sight() -> None:
    assert made([1, 2], [seen(2, "P1")])[0] == [("P1", oracle.midnight(REGISTERED), None, "registration", False)]


def test_of_one_moment_an_event_comes_after_the_snapshot_and_the_last_event_wins() -> None:
    changes = [change(name, moment(1), old, new) for name, old, new in (("a", "P1", "P2"), ("b", "P2", "P3"))]
    first, last = sorted(changes, key=hashed)
    found, conflicts = made([1], [seen(1, "P1", None)], *changes)
    assert [row[:4] for row in found] == [(last["new_plan_id"], moment(1), None, "event")]
    assert conflicts == (first["old_plan_id"] != "P1") + (last["old_plan_id"] != first["new_plan_id"])


@pytest.mark.parametrize("later", ["a", "b"])
def test_events_of_one_moment_are_ordered_by_their_files(later: str) -> None:
    rows = [told(change(name, moment(1), None, name), delivered=1 + (name == later)) for name in "ab"]
    assert intervals(said([], rows), [])["plan_id"].to_pylist() == [later]


HOURS = st.integers(0, 5 * 4).map(lambda number: moment(1, 6 * number))
PLANS = st.sampled_from(["P1", "P2", "P3"])
MAYBE = st.one_of(st.none(), PLANS)
CUSTOMERS = st.sampled_from(["C1", "C2", "C3"])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    snapshots=st.sets(st.integers(1, 6)),
    seen_rows=st.lists(st.tuples(st.integers(1, 6), CUSTOMERS, MAYBE, st.integers(0, 9)), max_size=12),
    events=st.lists(st.tuples(CUSTOMERS, HOURS, MAYBE, MAYBE, st.integers(1, 3)), max_size=10),
)
def test_any_history_is_that_of_plain_python(
    snapshots: set[int],
    seen_rows: list[tuple[int, str, str | None, int]],
    events: list[tuple[str, Any, str | None, str | None, int]],
) -> None:
    days = sorted(map(day, snapshots))
    rows = {(customer, number): seen(number, plan, day(2) + timedelta(days=offset - 4) if offset else None, customer)
            for number, customer, plan, offset in seen_rows if number in snapshots}  # fmt: skip
    changes = [told(change(f"e{place}", when, old, new), customer, delivered)
               for place, (customer, when, old, new, delivered) in enumerate(events)]  # fmt: skip
    table = said(list(rows.values()), changes)
    expected, conflicts = defaultdict(list), 0
    for customer in sorted({*table["customer_id"].to_pylist()}):
        mine = [row for row in rows.values() if row["customer_id"] == customer]
        found, count = oracle.history(days, mine, [row for row in changes if row["customer_id"] == customer])
        expected[customer], conflicts = found, conflicts + count
    if not len(table):
        return
    made_rows = intervals(table, days).to_pylist()
    assert sum(row["conflicts"] for row in made_rows) == conflicts
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for row in made_rows:
        assert row["is_first"] == (not by_customer[row["customer_id"]])
        by_customer[row["customer_id"]].append({name: row[name] for name in (
            "plan_id", "valid_from", "valid_to", "source", "is_conflict")})  # fmt: skip
    assert by_customer == expected
