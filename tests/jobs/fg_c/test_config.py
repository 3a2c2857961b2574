import pytest

from common.errors import TableError
from common.windows import Windows
from jobs.fg_c.config import baseline_months, bounded_parts

TURN = Windows.parse("2026-03-31T23:38Z/2026-04-01T00:23Z")
LAST, FIRST = Windows.parse("2026-03-31T23:38Z/2026-04-01T00:08Z"), Windows.parse("2026-04-01T00:08Z")


def months(published: dict[str, list[str]], chosen: str | None = None) -> list[tuple[Windows, dict[str, str]]]:
    return list(baseline_months(TURN, published, chosen))


def test_each_window_takes_its_own_month() -> None:
    assert months({"7d": ["2026-03", "2026-04"]}) == [(LAST, {"7d": "2026-03"}), (FIRST, {"7d": "2026-04"})]


def test_else_the_latest_month_before_it_and_never_a_later_one() -> None:
    assert months({"7d": ["2025-12", "2026-02", "2026-05"]}) == [(TURN, {"7d": "2026-02"})]


def test_horizons_look_for_themselves() -> None:
    found = months({"7d": ["2026-03", "2026-04"], "30d": ["2026-03"]})
    assert found == [(LAST, {"7d": "2026-03", "30d": "2026-03"}), (FIRST, {"7d": "2026-04", "30d": "2026-03"})]


def test_a_chosen_month_holds_for_all_windows() -> None:
    assert months({"7d": ["2026-03", "2026-05"]}, "2026-05") == [(TURN, {"7d": "2026-05"})]


def test_windows_before_the_first_baseline_have_none() -> None:
    assert months({"7d": ["2026-04"], "30d": []}) == [(LAST, {}), (FIRST, {"7d": "2026-04"})]


def test_a_chosen_month_without_a_baseline_is_an_error_that_names_table_horizon_and_month() -> None:
    with pytest.raises(TableError, match=r"fg_b/publications .* horizon 7d for month 2026-02 .published: 2026-04."):
        months({"7d": ["2026-04"]}, "2026-02")


def test_parts_are_bounded_in_days_and_rows() -> None:
    windows = Windows.parse("2026-03-10T10:08Z/2026-03-10T11:38Z")  # six windows
    rows = {window.key: number for window, number in zip(windows, (4, 4, 4, 50, 4, 4), strict=True)}
    lengths = [len(run) for run in bounded_parts(windows, rows, most_rows=10)]
    assert lengths == [2, 1, 1, 2]  # the window of 50 rows is alone
    assert [len(run) for run in bounded_parts(windows, {}, 10)] == [6]
    night = Windows.parse("2026-03-10T23:38Z/2026-03-11T00:23Z")  # two windows that start on the 10th, one on the 11th
    assert [len(run) for run in bounded_parts(night, {}, 10)] == [2, 1]
