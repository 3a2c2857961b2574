"""The history of plans in plain Python, a customer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from tests.jobs.c360_staging.zones import Row


class Step(NamedTuple):
    """A plan that is in force from a moment on."""

    moment: datetime
    plan: str | None
    source: str
    old: str | None = None


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def last_rows(rows: Sequence[Row], *key: str) -> list[Row]:
    """The last row of each key by business date, time of the file and hash."""
    kept: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda row: (row["business_date"], row["file_time"], row["row_hash"])):
        kept[tuple(row[name] for name in key)] = row
    return list(kept.values())


def history(snapshots: Sequence[date], seen: Sequence[Row], changes: Sequence[Row]) -> tuple[list[Row], int]:
    """The intervals of one customer, and the number of conflicts.

    Args:
        snapshots: the days of all snapshots.
        seen: the customer's rows, one a day.
        changes: the customer's `plan_changed` events.
    """
    steps = _steps(snapshots, {row["business_date"]: row for row in seen}, changes)
    conflicts, held = 0, []
    for before, step in zip([None, *steps], steps, strict=False):
        is_conflict = step.source == "event" and before is not None and step.old not in (None, before.plan)
        conflicts += is_conflict
        held.append((step, is_conflict))
    lasting = [one for one, after in zip(held, [*held[1:], None], strict=True)
               if after is None or after[0].moment > one[0].moment]  # fmt: skip
    begun: list[tuple[Step, bool]] = []
    for step, is_conflict in lasting:
        if not begun or begun[-1][0].plan != step.plan:
            begun.append((step, is_conflict))
    ends = [step.moment for step, _ in begun[1:]] + [None]
    rows = [{"plan_id": step.plan, "valid_from": step.moment, "valid_to": end, "source": step.source,
             "is_conflict": is_conflict} for (step, is_conflict), end in zip(begun, ends, strict=True)]  # fmt: skip
    return rows, conflicts


def _steps(snapshots: Sequence[date], seen: dict[date, Row], changes: Sequence[Row]) -> list[Step]:
    by_file = sorted(changes, key=lambda row: (row["business_date"], row["file_time"], row["row_hash"]))
    events = [Step(row["event_timestamp"], row["new_plan_id"], "event", row["old_plan_id"])
              for row in sorted(by_file, key=lambda row: row["event_timestamp"]) if row["new_plan_id"]]  # fmt: skip
    shown = [Step(midnight(day), seen[day]["plan_id"], "snapshot") for day in sorted(seen)]
    begin = min(step.moment for step in [*shown, *events])
    missing = [Step(midnight(day), None, "snapshot")
               for day in snapshots if day not in seen and midnight(day) > begin]  # fmt: skip
    steps = sorted([*shown, *missing, *events], key=lambda step: (step.moment, step.source == "event"))
    registered = seen[min(seen)]["registration_date"] if seen else None
    if registered and midnight(registered) < begin:
        first = steps[0]
        steps.insert(
            0, Step(midnight(registered), first.old if first.source == "event" else first.plan, "registration")
        )
    return steps


def plan_at(intervals: Sequence[Row], moment: datetime) -> str | None:
    """The plan of a customer with these intervals at a moment."""
    plan = intervals[0]["plan_id"] if intervals else None
    for interval in intervals:
        if interval["valid_from"] <= moment:
            plan = interval["plan_id"]
    return plan
