from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from tools.c360_simulate.delivery import Delivery, Row
from tools.c360_simulate.people import Record
from tools.c360_simulate.plan_history import Interval, plan_at, plan_histories
from tools.c360_simulate.truth import Arrived, arrived, tables
from tools.c360_simulate.versions import versions_of

D1, D2, D3, D4 = (date(2026, 3, day) for day in range(1, 5))


def at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def customer(plan: str | None = "A", **values: Any) -> Record:
    return {"customer_id": "C1", "plan_id": plan, "registration_date": None, "status": "active"} | values


def plan(key: str, price: str = "1.00") -> Record:
    return {"plan_id": key, "plan_name": f"Plan {key}", "monthly_price": Decimal(price)}


def event(moment: datetime, key: str = "C1", **values: Any) -> Record:
    names = ("old_plan_id", "new_plan_id", "mb_used", "duration_seconds", "amount", "payload")
    return {
        "event_id": f"{key} {moment}", "customer_id": key, "event_type": "login", "event_timestamp": moment,
        **dict.fromkeys(names), **values,
    }  # fmt: skip


def change(moment: datetime, old: str, new: str) -> Record:
    return event(moment, event_type="plan_changed", old_plan_id=old, new_plan_id=new)


def history(rows: dict[date, Record | None], *events: Record) -> list[Interval]:
    snapshots = {day: {"C1": row} if row else {} for day, row in rows.items()}
    return plan_histories(snapshots, events).get("C1", [])


def test_snapshots_and_events_make_a_history_in_which_equal_plans_are_merged() -> None:
    found = history({D1: customer("A"), D2: customer("B"), D3: customer("C")}, change(at(D1, 9), "A", "B"))
    assert found == [
        Interval("A", at(D1), at(D1, 9), "snapshot", False),
        Interval("B", at(D1, 9), at(D3), "event", False),  # the snapshot of D2 says the same
        Interval("C", at(D3), None, "snapshot", False),
    ]


def test_an_event_that_names_another_old_plan_is_a_conflict_and_wins() -> None:
    found = history({D1: customer("A")}, change(at(D1, 9), "X", "B"))
    assert [(entry.plan_id, entry.is_conflict) for entry in found] == [("A", False), ("B", True)]


def test_a_snapshot_that_does_not_know_an_event_wins_from_its_day_on() -> None:
    found = history({D1: customer("A"), D2: customer("A")}, change(at(D1, 9), "A", "B"))
    assert [(entry.plan_id, entry.valid_from) for entry in found] == [("A", at(D1)), ("B", at(D1, 9)), ("A", at(D2))]


def test_a_missing_customer_has_no_plan_but_only_after_a_source_told_of_them() -> None:
    found = history({D1: None, D2: customer("A"), D3: None, D4: customer("A")})
    assert [(entry.plan_id, entry.valid_from) for entry in found] == [("A", at(D2)), (None, at(D3)), ("A", at(D4))]


def test_before_the_first_snapshot_the_plan_is_that_of_the_registration() -> None:
    row = customer("A", registration_date=D1)
    assert history({D3: row})[0] == Interval("A", at(D1), None, "registration", False)
    assert history({D3: row}, change(at(D2), "X", "A")) == [
        Interval("X", at(D1), at(D2), "registration", False),
        Interval("A", at(D2), None, "event", False),
    ]


def test_the_plan_at_a_moment_begins_with_its_interval_and_reaches_back_before_the_first() -> None:
    found = history({D2: customer("A"), D3: customer("B")})
    moments = (at(D1), at(D3) - timedelta(seconds=1), at(D3))
    assert [plan_at(found, moment) for moment in moments] == ["A", "A", "B"]
    assert plan_at([], at(D1)) is None


def test_versions_are_merged_and_closed_and_begin_anew() -> None:
    rows = {D1: {"C1": customer()}, D2: {"C1": customer()}, D3: {}, D4: {"C1": customer()}}
    found = versions_of(rows, lambda _, day: day)["C1"]
    assert [(version.valid_from, version.valid_to) for version in found] == [(D1, D3), (D4, None)]
    assert found[1].surrogate == sha256(b"C1|2026-03-04").hexdigest()


def test_of_a_key_the_last_file_wins_by_business_date_and_time() -> None:
    def file(day: date, hour: int, amount: str, dataset: str = "activity_logs", **other: Any) -> Delivery:
        row = customer(amount) if dataset == "customers" else event(at(D1), amount=Decimal(amount))
        return Delivery(dataset, "f", day, at(D1, hour), (Row(row, **other),))

    files = [
        file(D2, 1, "2"), file(D1, 5, "1"), file(D2, 0, "3"), file(D2, 9, "4", fault="no number"),
        file(D1, 3, "late", "customers"), file(D1, 2, "early", "customers"),
    ]  # fmt: skip
    found = arrived(files)
    assert [row["amount"] for row in found.events] == [Decimal(2)]
    assert found.customers[D1]["C1"]["plan_id"] == "late"


def truth(as_of: date = D4, events: tuple[Record, ...] = ()) -> dict[str, list[Record]]:
    customers = {
        D1: {"C1": customer(registration_date=date(2026, 2, 1)), "C2": customer(None, customer_id="C2")},
        D2: {"C1": customer("B", registration_date=date(2026, 2, 1), status="suspended"),
             "C2": customer("P999", customer_id="C2")},
        D3: {"C2": customer("B", customer_id="C2")},
    }  # fmt: skip
    plans = {
        D1: {"A": plan("A"), "B": plan("B")},
        D2: {"A": plan("A", "2.00"), "B": plan("B")},
        D3: {"A": plan("A", "2.00")},
    }
    return tables(Arrived(customers, plans, events), as_of)


@pytest.mark.parametrize(
    ("moment", "key", "reason"),
    [
        (at(D1), "C9", "unknown_customer"),
        (at(date(2026, 1, 31), 23), "C1", "before_registration"),
        (at(D3), "C1", "customer_closed"),
        (at(D1, 12), "C2", "no_plan"),
        (at(D2, 12), "C2", "unknown_plan"),
        (at(D3, 12), "C2", "plan_not_valid"),
    ],
)
def test_an_event_without_a_fact_has_the_reason(moment: datetime, key: str, reason: str) -> None:
    found = truth(events=(event(moment, key),))
    assert not found["fact_activity"]
    assert [row["reason"] for row in found["fact_activity_unresolved"]] == [reason]


def test_a_fact_has_the_versions_of_its_day() -> None:
    (fact,) = truth(events=(event(at(D1, 23)),))["fact_activity"]
    assert fact["customer_sk"] == sha256(b"C1|2026-02-01").hexdigest()  # from registration on
    assert fact["plan_sk"] == sha256(b"A|1970-01-01").hexdigest()  # in the first snapshot of the plans
    assert fact["plan_id"] == "A" and fact["event_date"] == D1 and "old_plan_id" not in fact


def test_a_plan_has_a_version_of_each_price_and_ends_when_it_is_closed() -> None:
    found = [(row["plan_id"], row["valid_from"], row["valid_to"]) for row in truth()["dim_plan"]]
    assert found == [("A", date(1970, 1, 1), D2), ("A", D2, None), ("B", date(1970, 1, 1), D3)]


def test_customer_360_counts_30_and_90_days_with_the_last_one() -> None:
    as_of = date(2026, 4, 10)
    used: Record = {"mb_used": 1.5, "duration_seconds": 90, "amount": Decimal("2.50")}
    moments = [at(date(2026, 3, 2), 8), at(D1, 9)]  # 30 days are those from 12 March on, 90 days from 11 January on
    first, _ = truth(as_of, tuple(event(moment, **used) for moment in moments))["customer_360"]
    assert first == {
        "customer_id": "C1", "customer_sk": sha256(b"C1|2026-03-02").hexdigest(), "is_current": False,
        "plan_id": None, "plan_name": None, "tenure_days": 30,  # 1 February to 3 March
        "status": "suspended", "status_history": "active@2026-02-01,suspended@2026-03-02",
        "events_30d": 0, "mb_30d": 0, "call_minutes_30d": 0, "spend_30d": Decimal(0),
        "events_90d": 2, "mb_90d": 3.0, "call_minutes_90d": 3.0, "spend_90d": Decimal("5.00"),
        "last_contact": at(date(2026, 3, 2), 8), "plan_changes": 1,
    }  # fmt: skip


def test_a_period_begins_29_days_before() -> None:
    as_of = D1 + timedelta(days=29)
    (first, _) = truth(as_of, (event(at(D1)), event(at(D1 - timedelta(days=1)))))["customer_360"]
    assert (first["events_30d"], first["events_90d"]) == (1, 2)


def test_of_one_moment_the_event_wins_and_contradicts_the_snapshot_or_not() -> None:
    found = history({D1: customer("A"), D2: customer("B")}, change(at(D2), "B", "C"))
    assert [(entry.plan_id, entry.is_conflict) for entry in found] == [("A", False), ("C", False)]
    assert len(history({D1: customer("A"), D2: customer("B")}, change(at(D2), "B", "A"))) == 1
