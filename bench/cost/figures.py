"""The figures of a day, and how they compare with the goals."""

from __future__ import annotations

from collections.abc import Callable
from statistics import quantiles
from typing import Any

from bench.cost.day import Day, Usage
from bench.cost.published import TRANSITION

P95_MINUTES = 5
P95_MINUTES_DOUBLED = 8
TIMES_FEWER = 10

Result = dict[str, Any]


def result_of(day: Day) -> Result:
    """The figures of a day."""
    cuts = quantiles(day.delays.values(), n=100, method="inclusive")
    live, backfill = day.usage["live"], day.usage["backfill"]

    def figures(usage: Usage) -> dict[str, float]:
        return {
            "jobs": usage.jobs,
            "billed_hours": round(usage.billed / 3600, 2),
            "occupied_hours": round(usage.occupied / 3600, 2),
            "vcpu_hours": round(usage.vcpu_seconds / 3600, 2),
            "transitions": usage.transitions,
            "dollars_of_jobs": round(usage.price, 2),
            "dollars_of_transitions": round(usage.transitions * TRANSITION, 2),
        }

    return {
        "form": day.form.title,
        "slower": day.slower,
        "batches": len(day.delays),
        "without_publication": day.suppressed,
        "p50_minutes": round(cuts[49] / 60, 2),
        "p95_minutes": round(cuts[94] / 60, 2),
        "longest_minutes": round(max(day.delays.values()) / 60, 2),
        "live": figures(live),
        "backfill": {**figures(backfill), "hours": round(day.backfill_seconds / 3600, 2)},
    }


def goals(once: Result, doubled: Result, base: Result) -> Result:
    """Whether a form is in time, and how many times fewer hours than the base it takes."""

    def fewer(hours: Callable[[Result], float]) -> float:
        return round(hours(base) / hours(once), 1)

    return {
        "in_time": once["p95_minutes"] <= P95_MINUTES,
        "in_time_doubled": doubled["p95_minutes"] <= P95_MINUTES_DOUBLED,
        "live_billed": fewer(lambda result: result["live"]["billed_hours"]),
        "live_occupied": fewer(lambda result: result["live"]["occupied_hours"]),
        "all_billed": fewer(lambda result: result["live"]["billed_hours"] + result["backfill"]["billed_hours"]),
    }
