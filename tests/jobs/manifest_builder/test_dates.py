"""The date of a file is the first of the calendar in its name, and never one that makes it wait for ever."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.manifest_builder.dates import file_date

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("fw-2026-03-09.ndjson", "2026-03-09"),
        ("2026-01-01/fw-2026-03-09.ndjson", "2026-03-09"),  # the folder says nothing
        ("fw-2026-99-99-2026-03-08.ndjson", "2026-03-08"),
        ("fw-2026-02-29_2026-02-28.ndjson", "2026-02-28"),
        ("2026-03-2026-03-07.ndjson", "2026-03-07"),
        ("2024-02-29.ndjson", "2024-02-29"),
        ("0001-01-01.ndjson", "0001-01-01"),
        ("2026-03-09T2026-03-08.ndjson", "2026-03-09"),
        ("fw-2026-03-11.ndjson", "2026-03-11"),  # one day ahead
    ],
)
def test_the_first_valid_date_of_the_name_is_taken(key: str, expected: str) -> None:
    found = file_date(key, TODAY)
    assert (found.date_prefix, found.home, found.warning) == (expected, expected, None)


@pytest.mark.parametrize(
    "key",
    [
        "fw.ndjson",
        "2026-03-09/fw.ndjson",
        "2026-02-30.ndjson",
        "2026-3-9.ndjson",
        "0000-00-00.ndjson",
        "12026-03-09.ndjson",
        "2026-03-091.ndjson",
        "٢٠٢٦-٠٣-٠٩.ndjson",
        "/",
    ],
)
def test_without_one_it_is_today(key: str) -> None:
    found = file_date(key, TODAY)
    assert (found.date_prefix, found.home) == ("2026-03-10", "UNDATED")
    assert found.warning == "the name has no valid date YYYY-MM-DD; today is taken"


@pytest.mark.parametrize("named", ["2026-03-12", "9999-12-31"])
def test_a_date_more_than_one_day_ahead_is_today(named: str) -> None:
    found = file_date(f"fw-{named}.ndjson", TODAY)
    assert (found.date_prefix, found.home) == ("2026-03-10", named)
    assert found.warning == f"the date {named} in the name is more than one day ahead; today is taken"
