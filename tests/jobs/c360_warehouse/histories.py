"""Histories at random: snapshots of successive days, with all that can happen between them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.jobs.c360_warehouse.snapshots import Row, Snapshot, customer, day, event, in_force, moment, plan

LONG_AGO = day(1) - timedelta(days=40)
STATUSES = ("active", "suspended", None)


def history(seed: int, days: int = 4) -> list[Snapshot]:
    """A snapshot for each day: customers and plans change, vanish and return, deliveries fail, events are corrected."""
    random = Random(seed)
    snapshots: list[Snapshot] = []
    customers: dict[str, Row] = {}
    plans: dict[str, Row] = {"P1": plan("P1"), "P2": plan("P2")}
    events: dict[str, Row] = {}
    for number in range(2, 2 + days):
        customers = _next_customers(random, customers, number)
        plans = _next_plans(random, plans)
        for index in range(random.randrange(4, 8)):
            new = _event(random, f"E{number}-{index}", number)
            events[new["event_id"]] = new
        for event_id in random.sample(sorted(events), 2):
            events[event_id] = {**events[event_id], "plan_id": random.choice(("P1", "P2", None)), "mb_used": 7.25}
        before = snapshots[-1] if snapshots else None
        arrived = before is None or random.random() < 0.75
        snapshots.append(
            Snapshot(
                day(number),
                tuple(customers.values()) if arrived or before is None else before.customers,
                tuple(plans.values()),
                tuple(events.values()),
                tuple(row for customer_id in sorted(customers) for row in _plan_history(random, customer_id)),
                None if arrived or before is None else before.customers_date or before.as_of,
                files=random.choice((1, 2)),
            )
        )
    return snapshots


def _next_customers(random: Random, before: dict[str, Row], number: int) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for customer_id in ("C1", "C2", "C3", "C4", "C5"):
        if random.random() < 0.2:
            continue  # not there, not yet, or not any more
        row = before.get(customer_id)
        if row is None or random.random() < 0.4:
            registered = random.choice((*[LONG_AGO] * 3, day(number), day(number + 1), None))
            row = customer(
                customer_id,
                plan_id=random.choice(("P1", "P2", None)),
                status=random.choice(STATUSES),
                phone=random.choice(("+234800", None)),
                registration_date=row["registration_date"] if row else registered,
            )
        rows[customer_id] = row
    return rows


def _next_plans(random: Random, before: dict[str, Row]) -> dict[str, Row]:
    rows = dict(before)
    if random.random() < 0.5:
        rows["P2"] = plan("P2", monthly_price=Decimal(random.choice(("10.00", "12.50"))))
    if random.random() < 0.3:
        rows.pop("P2", None)
    if random.random() < 0.3:
        rows["P3"] = plan("P3", monthly_price=None)
    return rows or {"P1": plan("P1")}


def _event(random: Random, event_id: str, number: int) -> Row:
    at = moment(random.randrange(1, number + 1), random.randrange(24)) - timedelta(days=random.choice((0, 0, 35)))
    usage: dict[str, Any] = random.choice(
        ({"mb_used": 1.37}, {"duration_seconds": 31.0}, {"amount": Decimal("500.25")}, {"mb_used": None})
    )
    return event(
        event_id,
        customer_id=random.choice(("C1", "C2", "C3", "C4", "C5", "X9")),
        plan_id=random.choice(("P1", "P1", "P1", "P2", "P3", "P9", None)),
        event_timestamp=at,
        **{"mb_used": None, **usage},
    )


def _plan_history(random: Random, customer_id: str) -> list[Row]:
    """Intervals without a gap."""
    cuts = sorted(
        random.sample([moment(number, hour) for number in range(1, 7) for hour in (0, 9)], random.randrange(3))
    )
    starts, ends = [in_force()["valid_from"], *cuts], [*cuts, None]
    return [
        in_force(customer_id, random.choice(("P1", "P2", None)), valid_from=start, valid_to=end)
        for start, end in zip(starts, ends, strict=True)
    ]
