"""Which windows the demo trains on, scores, and receives live."""

from __future__ import annotations

import pytest

from common.errors import InputError
from common.windows import Windows
from tools.demo.plan import plan

DAY = Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z")
WEEK = Windows.parse("2026-03-03T00:08Z/2026-03-11T00:08Z")


def test_the_last_two_hours_of_the_scored_day_come_live() -> None:
    found = plan(WEEK, None, None)
    assert str(found.train) == "2026-03-03T00:08Z/2026-03-10T00:08Z"
    assert str(found.score) == "2026-03-10T00:08Z/2026-03-11T00:08Z"
    assert str(found.live) == "2026-03-10T22:08Z/2026-03-11T00:08Z"
    assert str(found.history) == "2026-03-03T00:08Z/2026-03-10T22:08Z"
    assert str(found.scored_before) == "2026-03-10T00:08Z/2026-03-10T22:08Z"


def test_when_little_is_scored_all_of_it_comes_live() -> None:
    found = plan(Windows.parse("2026-03-03T00:08Z/2026-03-03T01:08Z"), None, None)
    assert (len(found.score), found.live, found.scored_before) == (1, found.score, None)
    assert found.history == found.train


def test_less_than_an_hour_has_no_live_part() -> None:
    whole = Windows.parse("2026-03-03T00:08Z/2026-03-03T00:38Z")
    found = plan(whole, None, None)
    assert found.live is None and found.history == whole and found.scored_before == whole


def test_asking_for_more_days_than_the_logs_cover_is_an_error() -> None:
    with pytest.raises(InputError, match=r"cover 1.00 days, but training and scoring need 3.00"):
        plan(DAY, 2, 1)
