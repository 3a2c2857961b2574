"""What a status says of machines that should have begun something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from statemachines.deploy.schedules import Schedule
from statemachines.deploy.status import Part, _late_seconds, is_well

NOW = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)
DAILY = Schedule("daily", "ENABLED", "cron(0 2 * * ? *)", "sfn_a", NOW - timedelta(days=9))


@pytest.mark.parametrize(
    ("schedule", "hours_ago", "late"),
    [
        (DAILY, 25.5, 5400),  # it began at two o'clock yesterday, and should have today, 1.5 hours ago
        (DAILY, 1.5, None),
        (DAILY, 73.5, 178_200),  # 49.5 hours: since two o'clock of the day before yesterday
        (Schedule("x", "DISABLED", DAILY.cron, "sfn_a", DAILY.changed), 73.5, None),
        (Schedule("x", "ENABLED", DAILY.cron, "sfn_b", DAILY.changed), 73.5, None),
        (Schedule("x", "ENABLED", DAILY.cron, "sfn_a", NOW - timedelta(hours=1)), 73.5, None),  # resumed an hour ago
        (Schedule("x", "ENABLED", "cron(0 2 L * ? *)", "sfn_a", DAILY.changed), 73.5, None),
    ],
)
def test_a_machine_is_late_when_its_schedule_has_passed(schedule: Schedule, hours_ago: float, late: int | None) -> None:
    assert _late_seconds("sfn_a", [schedule], NOW - timedelta(hours=hours_ago), NOW) == late


def test_who_is_late_is_not_well() -> None:
    assert is_well(Part("machine", "sfn_a", "succeeded"))
    assert not is_well(Part("machine", "sfn_a", "succeeded", late_seconds=90))
