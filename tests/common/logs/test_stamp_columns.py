"""Columns of times are what the rule for single times makes of each value."""

from __future__ import annotations

import pyarrow as pa
import pytest

from common.logs import values
from common.logs.stamp_columns import NONE, precise_stamps, read_stamps
from common.logs.values import FieldError

USUAL = "2024/03/11 16:23:00"
PRECISE = "2024-03-11T16:23:00.125+01:00"


def expected(column: list[str | None]) -> list[tuple[int, int] | None]:
    """Wall clock and offset of each time, None of what is no time."""
    found: list[tuple[int, int] | None] = []
    for value in column:
        try:
            wall, own = values.stamp("time", value)
        except FieldError:
            found.append(None)
        else:
            found.append((wall, int(NONE) if own is None else own))
    return found


@pytest.mark.parametrize(
    "other",
    [
        *("1970/01/01 00:00:00", "2199/12/31 23:59:59", "1969/12/31 23:59:59", "2200/01/01 00:00:00"),
        *("2024/02/30 10:00:00", "2024/03/11 24:00:00", "2024/03/11 10:60:00", "2024/03/11 10:00:60"),
        *("2024-03-11 10:00:00", "2024/03-11 10:00:00", "2024/03/11T10:00:00", "2024/03/11 10.00:00"),
        *("2024/03/11 10:00", "2024/3/11 10:00:000", "2024/03/11 1a:00:00", PRECISE, "", None),
    ],
)
def test_times(other: str | None) -> None:
    column = [USUAL, other, USUAL]
    stamps, valid = read_stamps(pa.array(["before", *column], pa.string()).slice(1), "time")
    rows = zip(stamps.wall.tolist(), stamps.own.tolist(), valid.tolist(), strict=True)
    assert [(wall, own) if right else None for wall, own, right in rows] == expected(column)


@pytest.mark.parametrize(
    "other",
    [
        *("2024-03-11T16:23:00.125-07:59", "2024-03-11T16:23:00.125Z", "2024-03-11T16:23:00.125456+01:00"),
        *("2024-03-11T16:23:00.125+24:00", "2024-03-11T16:23:00.125,01:00", "2024-03-11T16:23:00.125+01:60"),
        *("2024-02-30T16:23:00.125+01:00", "1970-01-01T00:00:00.000+01:00", "2199-12-31T23:59:59.000-01:00"),
        *("2200-01-01T00:00:00.000+01:00", "1969-12-31T23:30:00.000-01:00", USUAL, "", None),
    ],
)
def test_high_resolution_times(other: str | None) -> None:
    column = [PRECISE, other, PRECISE]
    stamps, valid = precise_stamps(pa.array(column, pa.string()))
    instants = zip((stamps.wall - stamps.own * stamps.named).tolist(), valid.tolist(), strict=True)
    wanted = [None if each is None else each[0] - (0 if each[1] == NONE else each[1]) for each in expected(column)]
    assert [instant if right else None for instant, right in instants] == wanted
