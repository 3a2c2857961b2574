"""What the warehouse holds after some loads, computed row by row in plain Python."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

from common.c360.datasets import CUSTOMERS, PLANS
from tests.jobs.c360_warehouse.snapshots import Snapshot

Rows = list[dict[str, Any]]
EPOCH = date(1970, 1, 1)
FACT = (
    *("event_id", "customer_sk", "customer_id", "plan_sk", "plan_id", "event_type", "event_timestamp", "event_date"),
    *("device_type", "network_type", "ip_address", "duration_seconds", "mb_used", "amount", "payload"),
)


def warehouse(snapshots: Iterable[Snapshot]) -> dict[str, Rows]:
    """The rows of each table after these snapshots are loaded, in any order."""
    in_order = sorted(snapshots, key=lambda snapshot: snapshot.as_of)
    events: dict[str, dict[str, Any]] = {}
    for snapshot in in_order:
        events |= {row["event_id"]: dict(row) for row in snapshot.events}
    customers = _versions(
        "customer", CUSTOMERS, [(s.customers_date or s.as_of, s.customers) for s in in_order], _since_registration
    )
    plans = _versions("plan", PLANS, [(s.plans_date or s.as_of, s.plans) for s in in_order], _since_ever)
    facts, unresolved = [], []
    for event in events.values():
        fact, reason = _resolved(event, customers, plans)
        if reason:
            names = ("event_id", "customer_id", "plan_id", "event_timestamp")
            unresolved.append({**{name: _naive(event[name]) for name in names}, "reason": reason})
        else:
            facts.append(fact)
    last = in_order[-1]
    history = last.tables["plan_history"][1]
    return {
        "dim_customer": customers,
        "dim_plan": plans,
        "fact_activity": facts,
        "fact_activity_unresolved": unresolved,
        "customer_360": _customer_360(customers, plans, facts, history, last.as_of),
    }


def key(identifier: str, valid_from: date) -> str:
    """The key of a version."""
    return hashlib.sha256(f"{identifier}|{valid_from}".encode()).hexdigest()


def _since_registration(row: Mapping[str, Any], at: date, version: int, first_day: date) -> date:
    return min(at, row["registration_date"] or at) if version == 1 else at


def _since_ever(row: Mapping[str, Any], at: date, version: int, first_day: date) -> date:
    return EPOCH if at == first_day else at


def _versions(
    entity: str,
    dataset: Any,
    deliveries: Sequence[tuple[date, Sequence[Mapping[str, Any]]]],
    start: Callable[[Mapping[str, Any], date, int, date], date],
) -> Rows:
    """Goes through the days, and opens and closes versions as rows change, vanish and return."""
    days = dict(deliveries)  # of one day, that of the greatest as-of date
    names = [column.name for column in dataset.columns]
    all_versions: dict[str, Rows] = {}
    for at in sorted(days):
        rows = {row[dataset.key]: {name: row.get(name) for name in names} for row in days[at]}
        for identifier in {*all_versions, *rows}:
            versions = all_versions.setdefault(identifier, [])
            open_one = versions[-1] if versions and versions[-1]["valid_to"] is None else None
            row = rows.get(identifier)
            if open_one is not None and row != {name: open_one[name] for name in names}:
                open_one["valid_to"] = at
                open_one = None
            if open_one is None and row is not None:
                valid_from = start(row, at, len(versions) + 1, min(days))
                versions.append(
                    {f"{entity}_sk": key(identifier, valid_from), **row, "valid_from": valid_from, "valid_to": None}
                )
    return [version for versions in all_versions.values() for version in versions]


def _at(versions: Rows, day: date) -> dict[str, Any] | None:
    found = [v for v in versions if v["valid_from"] <= day and (v["valid_to"] is None or day < v["valid_to"])]
    return found[0] if found else None


def _resolved(event: dict[str, Any], customers: Rows, plans: Rows) -> tuple[dict[str, Any], str]:
    """The fact, and why it is none."""
    day = event["event_timestamp"].date()
    own = [version for version in customers if version["customer_id"] == event["customer_id"]]
    own_plans = [version for version in plans if version["plan_id"] == event["plan_id"]]
    customer, plan = _at(own, day), _at(own_plans, day)
    if not own:
        return {}, "unknown_customer"
    if day < min(version["valid_from"] for version in own):
        return {}, "before_registration"
    if customer is None:
        return {}, "customer_closed"
    if event["plan_id"] is None:
        return {}, "no_plan"
    if plan is None:
        return {}, "plan_not_valid" if own_plans else "unknown_plan"
    found = event | {"customer_sk": customer["customer_sk"], "plan_sk": plan["plan_sk"], "event_date": day}
    return {name: _naive(found.get(name)) for name in FACT}, ""


def _naive(value: Any) -> Any:
    """The value as a column without a time zone holds it."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _customer_360(customers: Rows, plans: Rows, facts: Rows, history: Rows, today: date) -> Rows:
    rows = []
    for customer_id in {version["customer_id"] for version in customers}:
        versions = [version for version in customers if version["customer_id"] == customer_id]
        last, closed = versions[-1], versions[-1]["valid_to"]
        own = [fact for fact in facts if fact["customer_id"] == customer_id and fact["event_date"] <= today]
        evening = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
        intervals = sorted(
            (row for row in history if row["customer_id"] == customer_id and row["valid_from"] < evening),
            key=lambda row: row["valid_from"],
        )
        now = [row["plan_id"] for row in intervals if row["valid_to"] is None or row["valid_to"] >= evening]
        plan_id = now[0] if now else None
        plan = _at([version for version in plans if version["plan_id"] == plan_id], today)
        held = [row["plan_id"] for row in intervals if row["plan_id"] is not None]
        rows.append(
            {
                "customer_id": customer_id,
                "customer_sk": last["customer_sk"],
                "is_current": closed is None,
                "plan_id": plan_id,
                "plan_name": plan["plan_name"] if plan else None,
                "tenure_days": ((closed or today) - versions[0]["valid_from"]).days,
                "status": last["status"],
                "status_history": ",".join(
                    f"{status or 'unknown'}@{next(iter(group))['valid_from']}"
                    for status, group in groupby(versions, lambda version: version["status"])
                ),
                **_usage(own, today, 30),
                **_usage(own, today, 90),
                "last_contact": max((fact["event_timestamp"] for fact in own), default=None),
                "plan_changes": sum(former != later for former, later in pairwise(held)),
            }
        )
    return rows


def _usage(facts: Rows, today: date, days: int) -> dict[str, Any]:
    recent = [fact for fact in facts if (today - fact["event_date"]).days < days]
    return {
        f"events_{days}d": len(recent),
        f"mb_{days}d": round(sum(fact["mb_used"] or 0 for fact in recent), 3),
        f"call_minutes_{days}d": round(sum(fact["duration_seconds"] or 0 for fact in recent) / 60, 3),
        f"spend_{days}d": sum((fact["amount"] or Decimal(0) for fact in recent), Decimal(0)),
    }
