"""When schedules run next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from statemachines.deploy.next_times import next_time
from statemachines.deploy.schedules import OF_LAKES, OF_PROJECTS

AFTER = datetime(2026, 3, 10, 13, 8, 30, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", "2026-03-10T13:09:30"),
        ("rate(2 days)", "2026-03-12T13:08:30"),
        ("cron(30 0 1 * ? *)", "2026-04-01T00:30:00"),
        ("cron(30 5 ? * MON *)", "2026-03-16T05:30:00"),
        ("cron(0/15 8-14 ? * 2-6 *)", "2026-03-10T13:15:00"),
        ("cron(8 13 * * ? *)", "2026-03-11T13:08:00"),
        ("cron(0 12 29 FEB ? *)", "2028-02-29T12:00:00"),
        ("cron(0 12 1,15 JAN-MAR ? 2027)", "2027-01-01T12:00:00"),
    ],
)
def test_the_next_time_is_known(expression: str, expected: str) -> None:
    assert next_time(expression, AFTER) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    "expression", ["cron(0 2 L * ? *)", "cron(0 2 ? * 6#3 *)", "cron(0 2 31 2 ? *)", "at(2026-03-11)"]
)
def test_of_others_there_is_none(expression: str) -> None:
    assert next_time(expression, AFTER) is None


def test_all_schedules_that_are_deployed_have_one() -> None:
    for cron, *_ in (*OF_PROJECTS.values(), *OF_LAKES.values()):
        found = next_time(cron, AFTER)
        assert found is not None and found > AFTER
