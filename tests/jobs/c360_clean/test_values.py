"""Texts as values: what they are, and why some are none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.c360_clean import values
from jobs.c360_clean.values import trimmed, typed


def one(text: str, kind: str) -> tuple[Any, str | None]:
    """The value of a text and what is wrong with it, the same alone and between usual and other values."""
    usual = {"date": "2025-12-01", "timestamp": "2025-12-01T00:00:00Z", "boolean": "y"}.get(kind, "7")
    found = typed(pa.array([text]), kind)
    among = typed(pa.array([usual, None, text, "?", text]), kind)
    assert among.values.to_pylist()[2::2] == found.values.to_pylist() * 2
    assert among.values[0].is_valid and not among.values[1].is_valid and not among.values[3].is_valid
    reasons = [reason for reason, rows in found.faults if rows[0]]
    assert reasons == [reason for reason, rows in among.faults if rows[2] and rows[4] and not rows[0] and not rows[1]]
    return found.values[0].as_py(), reasons[0] if reasons else None


DAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    "text",
    ["2026-03-10", "2026/03/10", "2026.3.10", "10.03.2026", "10/03/2026", "10-3-2026", "20260310", "10 Mar 2026",
     "10 march 2026", "10-MAR-2026", "Mar 10, 2026", "2026-03-10T23:00:00Z", "2026-03-10 23:00"],
)  # fmt: skip
def test_dates(text: str) -> None:
    assert one(text, "date") == (DAY, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("03/04/2026", date(2026, 4, 3)), ("12/31/2026", date(2026, 12, 31)), ("2024-02-29", date(2024, 2, 29))],
)
def test_the_day_is_first_unless_that_is_impossible(text: str, expected: date) -> None:
    assert one(text, "date") == (expected, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("2025-02-29", "impossible date"), ("2025-02-30", "impossible date"), ("31/04/2025", "impossible date"),
     ("0000-00-00", "impossible date"), ("13/13/2025", "impossible date"), ("20251301", "impossible date"),
     ("30 Feb 2025", "impossible date"), ("soon", "no date"), ("10 Foo 2025", "no date"), ("25-01-01", "no date"),
     ("202501", "no date")],
)  # fmt: skip
def test_what_is_no_date(text: str, reason: str) -> None:
    assert one(text, "date") == (None, reason)


MOMENT = datetime(2026, 3, 10, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-03-10T12:30:15Z", "2026-03-10 12:30:15", "2026-03-10T13:30:15+01:00", "2026-03-10T12:30:15.000Z",
     "2026-03-10T11:30:15-0100", "20260310T123015Z", "10/03/2026 12:30:15", "10 Mar 2026 12:30:15",
     "2026-03-10 12:30:15 UTC", "2026-03-10 13:30:15 +0100", "1773145815", "1773145815000", "1773145815000000",
     "1773145815.0"],
)  # fmt: skip
def test_times(text: str) -> None:
    assert one(text, "timestamp") == (MOMENT, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-10", datetime(2026, 3, 10, tzinfo=UTC)),
        ("2026-03-10T9:05", datetime(2026, 3, 10, 9, 5, tzinfo=UTC)),
        ("2026-03-31T00:00:00.123456789Z", datetime(2026, 3, 31, 0, 0, 0, 123456, tzinfo=UTC)),
        ("1773145815.25", datetime(2026, 3, 10, 12, 30, 15, 250_000, tzinfo=UTC)),
        ("1773145815001", datetime(2026, 3, 10, 12, 30, 15, 1000, tzinfo=UTC)),
    ],
)
def test_times_of_other_precision(text: str, expected: datetime) -> None:
    assert one(text, "timestamp") == (expected, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("2025-02-30T00:00:00Z", "impossible date"), ("2025-01-01T25:00:00Z", "impossible date"),
     ("2025-01-01T00:61:00Z", "impossible date"), ("now", "no date"), ("17731458", "impossible date"),
     ("17731", "no date")],
)  # fmt: skip
def test_what_is_no_time(text: str, reason: str) -> None:
    assert one(text, "timestamp") == (None, reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2212.81", "2212.81"), ("2,212.81", "2212.81"), ("2.212,81", "2212.81"), ("2 212,81", "2212.81"),
     ("₦2212.81", "2212.81"), ("₦ 2,212.81", "2212.81"), ("EUR 5", "5.00"), ("5 eur", "5.00"), ("2'212.81", "2212.81"),
     ("1,234,567", "1234567.00"), ("1.234.567", "1234567.00"), ("2,5", "2.50"), ("2,345", "2345.00"), ("2.345", "2.35"),
     ("0.005", "0.01"), ("1e2", "100.00"), ("+5", "5.00"), ("9999999999.99", "9999999999.99")],
)  # fmt: skip
def test_amounts(text: str, expected: str) -> None:
    assert one(text, "decimal(12,2)") == (Decimal(expected), None)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [("free", "decimal(12,2)", "no number"), ("₦", "decimal(12,2)", "no number"), ("1,2,3", "double", "no number"),
     ("1.2.3", "double", "no number"), ("12,34.5", "double", "no number"), ("nan", "double", "no number"),
     ("inf", "double", "no number"), ("1e999", "double", "number out of range"), ("10000000000", "decimal(12,2)",
      "number out of range"), ("unlimited", "long", "no number"), ("2.5", "long", "no whole number"),
     ("99999999999999999999", "long", "no whole number"), ("maybe", "boolean", "neither yes nor no")],
)  # fmt: skip
def test_what_is_no_number(text: str, kind: str, reason: str) -> None:
    assert one(text, kind) == (None, reason)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("-1", "long", -1),
        ("-0.5", "double", -0.5),
        ("-0,5", "double", -0.5),
        ("-₦3", "decimal(12,2)", Decimal("-3.00")),
    ],
)
def test_negative_numbers_are_wrong(text: str, kind: str, value: Any) -> None:
    assert one(text, kind) == (value, "negative")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [("300", "long", 300), ("300.0", "long", 300), ("1,000", "long", 1000), ("1e3", "long", 1000),
     ("2.5", "double", 2.5), ("1.234,5", "double", 1234.5), ("0", "long", 0), ("Y", "boolean", True),
     ("no", "boolean", False), ("TRUE", "boolean", True), ("0", "boolean", False)],
)  # fmt: skip
def test_other_values(text: str, kind: str, value: Any) -> None:
    assert one(text, kind) == (value, None)


def test_usual_values_are_never_parsed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_one", None)
    usual = {"date": "2024-02-29", "timestamp": "2025-01-31T00:00:00Z", "long": "5", "double": "5.5",
             "decimal(12,2)": "5.55"}  # fmt: skip
    for kind, text in usual.items():
        assert typed(pa.array([text, None]), kind).values.null_count == 1
    assert typed(pa.array(["2025-01-31 00:00:00"]), "timestamp").values.null_count == 0


def test_blanks_are_trimmed_and_empty_is_null() -> None:
    assert trimmed(pa.array([" a b\t", "", " \u00a0", None, "c"])).to_pylist() == ["a b", None, None, None, "c"]
    assert np.array_equal(trimmed(pa.array(["a"])).to_pylist(), ["a"])
