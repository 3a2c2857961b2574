"""The plan of each customer over time, from snapshots and `plan_changed` events."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from tools.c360_simulate.people import Record
from tools.c360_simulate.versions import Snapshots, midnight


class Observation(NamedTuple):
    """A source says that a customer has a plan from a moment on; of one moment, the later rank wins."""

    moment: datetime
    rank: int
    plan_id: str | None
    source: str
    old_plan_id: str | None = None


@dataclass(frozen=True)
class Interval:
    """A customer's plan from a moment to another, exclusive; without an end, it is in force."""

    plan_id: str | None
    valid_from: datetime
    valid_to: datetime | None
    source: str
    is_conflict: bool


def plan_histories(snapshots: Snapshots, events: Iterable[Record]) -> dict[str, list[Interval]]:
    """The intervals of each customer who is in a snapshot or changed plans, in the order of time."""
    changes: dict[str, list[Observation]] = defaultdict(list)
    for event in events:
        if event["event_type"] == "plan_changed":
            said = Observation(event["event_timestamp"], 1, event["new_plan_id"], "event", event["old_plan_id"])
            changes[event["customer_id"]].append(said)
    keys = sorted({*changes, *(key for customers in snapshots.values() for key in customers)})
    rows = {key: {day: snapshots[day].get(key) for day in sorted(snapshots)} for key in keys}
    return {key: _history(rows[key], changes[key]) for key in keys}


def plan_at(history: Sequence[Interval], moment: datetime) -> str | None:
    """The plan at a moment: before the first interval, that of the first; None if there is no interval."""
    place = bisect_right([interval.valid_from for interval in history], moment) - 1
    return history[max(place, 0)].plan_id if history else None


def _history(rows: Mapping[date, Record | None], changes: Sequence[Observation]) -> list[Interval]:
    """The intervals of a customer; a day without a row has a snapshot in which the customer is missing."""
    shown = [Observation(midnight(day), 0, row["plan_id"] if row else None, "snapshot") for day, row in rows.items()]
    present = [(day, row) for day, row in rows.items() if row]
    first = min([*(midnight(day) for day, _ in present), *(change.moment for change in changes)])
    said = [*changes, *(observation for observation in shown if observation.moment >= first)]
    said.sort(key=lambda observation: (observation.moment, observation.rank))
    if present:
        registered = present[0][1]["registration_date"]
        if registered and midnight(registered) < first:
            is_event_first = said[0].source == "event"
            plan_id = said[0].old_plan_id if is_event_first else present[0][1]["plan_id"]
            said.insert(0, Observation(midnight(registered), 0, plan_id, "registration"))
    return list(_intervals(said))


def _intervals(said: Sequence[Observation]) -> Iterator[Interval]:
    """An interval for each observation that changes the plan, until the next one; of one moment, the last counts."""
    begun: list[tuple[Observation, bool]] = []
    for before, observation, after in zip([None, *said], said, [*said[1:], None], strict=False):
        is_conflict = before is not None and before.plan_id != observation.old_plan_id
        is_last = after is None or after.moment > observation.moment
        if is_last and not (begun and begun[-1][0].plan_id == observation.plan_id):
            begun.append((observation, is_conflict and observation.source == "event"))
    ends = [observation.moment for observation, _ in begun[1:]]
    for (observation, is_conflict), end in zip(begun, [*ends, None], strict=True):
        yield Interval(observation.plan_id, observation.moment, end, observation.source, is_conflict)
