"""The row of each customer who was ever in a snapshot, as of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

from tools.c360_simulate.people import Record
from tools.c360_simulate.plan_history import Interval
from tools.c360_simulate.versions import Version, Versions, at

PERIODS_DAYS = (30, 90)


def customer_360(
    customers: Versions,
    plans: Versions,
    facts: Iterable[Record],
    histories: Mapping[str, Sequence[Interval]],
    as_of: date,
) -> Iterator[Record]:
    """Plan, tenure, status and usage; a period of 30 days is the day and the 29 days before."""
    facts_of: dict[str, list[Record]] = defaultdict(list)
    for fact in facts:
        if fact["event_date"] <= as_of:
            facts_of[fact["customer_id"]].append(fact)
    for key, versions in customers.items():
        last = versions[-1]
        intervals = [interval for interval in histories[key] if interval.valid_from.date() <= as_of]
        plan_id = intervals[-1].plan_id if intervals else None
        plan = at(plans.get(plan_id or "", ()), as_of)
        yield {
            "customer_id": key,
            "customer_sk": last.surrogate,
            "is_current": last.valid_to is None,
            "plan_id": plan_id,
            "plan_name": plan and plan.values["plan_name"],
            "tenure_days": ((last.valid_to or as_of) - versions[0].valid_from).days,
            "status": last.values["status"],
            "status_history": _statuses(versions),
            **_usage(facts_of[key], as_of),
            "last_contact": max((fact["event_timestamp"] for fact in facts_of[key]), default=None),
            "plan_changes": _changes(intervals),
        }


def _statuses(versions: Iterable[Version]) -> str:
    """Each status with the day on which it began."""
    begun = [next(group) for _, group in groupby(versions, key=lambda version: version.values["status"])]
    return ",".join(f"{version.values['status'] or 'unknown'}@{version.valid_from}" for version in begun)


def _usage(facts: Sequence[Record], as_of: date) -> dict[str, Any]:
    usage: dict[str, Any] = {}
    for days in PERIODS_DAYS:
        recent = [fact for fact in facts if fact["event_date"] > as_of - timedelta(days)]
        usage |= {
            f"events_{days}d": len(recent),
            f"mb_{days}d": round(_total(recent, "mb_used"), 3),
            f"call_minutes_{days}d": round(_total(recent, "duration_seconds") / 60, 3),
            f"spend_{days}d": _total(recent, "amount") + Decimal("0.00"),
        }
    return usage


def _total(facts: Iterable[Record], column: str) -> Any:
    return sum(fact[column] for fact in facts if fact[column] is not None)


def _changes(intervals: Iterable[Interval]) -> int:
    """How often a plan followed another one, whatever was between them."""
    plans = [interval.plan_id for interval in intervals if interval.plan_id is not None]
    return sum(before != after for before, after in pairwise(plans))
