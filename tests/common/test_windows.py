"""The 15-minute grid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from common.errors import WindowError
from common.windows import WINDOW, Windows, closed_window, floor_to_grid, runs


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "window"),
    [
        ("2026-03-10T13:23:11", "2026-03-10T13:08Z"),
        ("2026-03-10T13:22:59", "2026-03-10T12:53Z"),
        ("2026-03-10T13:23:00", "2026-03-10T13:08Z"),
        ("2026-03-10T00:07:59.999999", "2026-03-09T23:38Z"),
    ],
)
def test_a_batch_closes_the_window_before_its_stamp(stamp: str, window: str) -> None:
    assert closed_window(at(stamp)) == Windows.parse(window)


def test_the_grid_is_utc_whatever_the_zone() -> None:
    local = datetime(2026, 3, 10, 18, 53, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))  # 13:08:01 UTC
    assert floor_to_grid(local) == at("2026-03-10T13:08:00")


def test_one_window_and_ranges() -> None:
    one = Windows.parse("2026-03-10T13:08Z")
    assert (len(one), one.end - one.start, str(one)) == (1, WINDOW, "2026-03-10T13:08Z")
    many = Windows.parse("2026-03-10T23:38+00:00/2026-03-11T00:23Z")
    assert [member.key for member in many] == ["20260310T2338Z", "20260310T2353Z", "20260311T0008Z"]
    assert [len(day) for day in many.by_day()] == [2, 1]
    assert many.extended(2).start == at("2026-03-10T23:08:00")
    assert many.predicate == (
        "date >= '2026-03-10' AND date <= '2026-03-11' AND window >= '20260310T2338Z' AND window <= '20260311T0008Z'"
    )


def test_runs_are_as_long_as_the_windows_are_consecutive() -> None:
    first, second, third, fourth = Windows.parse("2026-03-10T23:38Z/2026-03-11T00:38Z")
    assert [run.span for run in runs([fourth, first, second])] == [
        "20260310T2338Z/20260311T0008Z",
        "20260311T0023Z/20260311T0038Z",
    ]
    assert runs([third, fourth, second]) == [Windows(second.start, fourth.end)]
    assert runs([]) == []
    assert Windows.parse(Windows(first.start, third.end).span) == Windows(first.start, third.end)


@pytest.mark.parametrize(
    "text",
    ["2026-03-10T13:09Z", "2026-03-10T13:08", "2026-03-10T13:08:01Z", "2026-03-10", "x", "",
     "2026-03-10T13:08Z/", "2026-03-10T13:23Z/2026-03-10T13:08Z", "2026-03-10T13:08Z/2026-03-10T13:08Z",
     "2026-02-30T13:08Z"],
)  # fmt: skip
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(WindowError):
        Windows.parse(text)
