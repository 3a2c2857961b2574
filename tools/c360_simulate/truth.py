"""What must come out of the pipeline: the tables of the warehouse, from what the sources delivered as it was meant.

Nothing is read from the files: a row that is rejected did not arrive, one that is corrected arrived as it is last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tools.c360_simulate.customer_360 import customer_360
from tools.c360_simulate.delivery import Delivery
from tools.c360_simulate.people import Record
from tools.c360_simulate.plan_history import plan_at, plan_histories
from tools.c360_simulate.versions import Snapshots, Versions, at, versions_of

EPOCH = date(1970, 1, 1)
PLAN_IDS = ("old_plan_id", "new_plan_id")


@dataclass(frozen=True)
class Arrived:
    """The rows that arrived: snapshots by business date and key, and each event once."""

    customers: Snapshots
    plans: Snapshots
    events: tuple[Record, ...]


def arrived(deliveries: Iterable[Delivery]) -> Arrived:
    """The rows of valid files; of a key, the last one of the day, and of an event the last one of all."""
    snapshots: dict[str, dict[date, dict[str, Record]]] = {"customers": defaultdict(dict), "plans": defaultdict(dict)}
    events: dict[str, Record] = {}
    for delivery in sorted(deliveries, key=lambda delivery: (delivery.day, delivery.moment)):
        if delivery.fault or delivery.is_known:
            continue
        rows = [row.values for row in delivery.rows if not row.fault]
        if delivery.dataset == "activity_logs":
            events |= {row["event_id"]: row for row in rows}
        else:
            key = "customer_id" if delivery.dataset == "customers" else "plan_id"
            snapshots[delivery.dataset][delivery.day] |= {row[key]: row for row in rows}
    return Arrived(snapshots["customers"], snapshots["plans"], tuple(events.values()))


def tables(found: Arrived, as_of: date) -> dict[str, list[Record]]:
    """The tables by name, each in the order of its key."""
    histories = plan_histories(found.customers, found.events)
    customers = versions_of(found.customers, lambda row, day: min(row["registration_date"] or day, day))
    first_day = min(found.plans)
    plans = versions_of(found.plans, lambda _, day: EPOCH if day == first_day else day)
    events = sorted(found.events, key=lambda event: str(event["event_id"]))
    told = [_fact(event, plan_at(histories.get(event["customer_id"], ()), event["event_timestamp"]), customers, plans)
            for event in events]  # fmt: skip
    facts = [fact for fact in told if "reason" not in fact]
    return {
        "dim_customer": _dimension("customer_sk", customers),
        "dim_plan": _dimension("plan_sk", plans),
        "fact_activity": facts,
        "fact_activity_unresolved": [fact for fact in told if "reason" in fact],
        "customer_360": list(customer_360(customers, plans, facts, histories, as_of)),
        "plan_history": [{"customer_id": key, **vars(interval)} for key, found in histories.items()
                         for interval in found],
    }  # fmt: skip


def _dimension(surrogate: str, versions: Versions) -> list[Record]:
    return [
        {surrogate: version.surrogate, **version.values, "valid_from": version.valid_from, "valid_to": version.valid_to}
        for found in versions.values()
        for version in found
    ]


def _fact(event: Record, plan_id: str | None, customers: Versions, plans: Versions) -> Record:
    """The fact of an event, or why it has none."""
    day = event["event_timestamp"].date()
    known = customers.get(event["customer_id"], [])
    customer, plan = at(known, day), at(plans.get(plan_id or "", ()), day)
    if customer and plan:
        keys = {"customer_sk": customer.surrogate, "plan_sk": plan.surrogate, "plan_id": plan_id, "event_date": day}
        return {name: value for name, value in event.items() if name not in PLAN_IDS} | keys
    reason = (
        "unknown_customer" if not known
        else "before_registration" if day < known[0].valid_from
        else "customer_closed" if not customer
        else "no_plan" if plan_id is None
        else "plan_not_valid" if plan_id in plans
        else "unknown_plan"
    )  # fmt: skip
    kept = {name: event[name] for name in ("event_id", "customer_id", "event_timestamp")}
    return kept | {"plan_id": plan_id, "reason": reason}
