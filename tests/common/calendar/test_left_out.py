from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from common.addresses import Segments
from common.calendar.entries import Calendar, Scope, parse_calendar
from common.calendar.left_out import MEMORY, LeftOut
from common.detection.parameters import current_parameters
from common.windows import WINDOW
from tests.common.calendar.calendars import calendar_text
from tests.factories import SPEC

START = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)


def calendar(*entries: dict[str, Any]) -> Calendar:
    found = parse_calendar(calendar_text(*entries).encode(), "calendar.yaml")
    return Calendar(tuple(Scope(entry, Segments({})) for entry in found.entries))


def starts(*numbers: int) -> pa.ChunkedArray:
    times = [START + number * WINDOW for number in numbers]
    return pa.chunked_array([pa.array(times, pa.timestamp("us", "UTC"))])


def texts(*values: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def test_the_memory_is_that_of_pairs_and_features() -> None:
    assert MEMORY == current_parameters().pairs.memory_windows * WINDOW == max(SPEC.window_labels.values()) * WINDOW


@pytest.mark.parametrize(
    ("end", "after", "kept"),
    [
        ("2026-03-10T00:53Z", timedelta(0), [True, False, False, True, True]),  # 00:23 and 00:38 lie in it
        ("2026-03-10T00:54Z", timedelta(0), [True, False, False, False, True]),  # and 00:53 in part
        ("2026-03-10T00:53Z", WINDOW, [True, False, False, False, True]),
    ],
)
def test_a_window_lies_in_an_entry_that_lasts_for_any_part_of_it(end: str, after: timedelta, kept: list[bool]) -> None:
    one = calendar({"start": "2026-03-10T00:23Z", "end": end, "hosts": ["10.0.0.1"]})
    hosts = texts(*["10.0.0.1"] * 5)
    assert LeftOut(one, after).kept(starts(0, 1, 2, 3, 4), hosts).tolist() == kept


def test_either_side_counts_and_so_do_overlapping_entries_once() -> None:
    span = {"start": "2026-03-10T00:00Z", "end": "2026-03-12T00:00Z"}
    left_out = LeftOut(calendar(span | {"hosts": ["10.0.0.1"]}, span | {"hosts": ["10.0.0.0/31", "203.0.113.7"]}))
    hosts = texts("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1")
    peers = texts("10.0.0.9", "203.0.113.7", "10.0.0.9", "10.0.0.9").dictionary_encode()
    assert left_out.kept(starts(0, 96, 0, 999), hosts, peers).tolist() == [False, False, True, True]
    assert left_out.kept(starts(), texts(), texts()).tolist() == []
    assert left_out.kept(starts(1), texts("10.0.0.1"), texts("10.0.0.9")).tolist() == [False]
    assert left_out.words == "left out by the calendar: 2 hosts, 2 days, 3 of 5 rows"
    assert left_out.figures() == {"hosts": 2, "days": 2, "rows": 3, "rows_found": 5}


def test_without_a_calendar_all_is_kept() -> None:
    left_out = LeftOut(Calendar())
    assert left_out.kept(starts(0, 1), texts("10.0.0.1", "10.0.0.2")).tolist() == [True, True]
    assert left_out.figures() == {"hosts": 0, "days": 0, "rows": 0, "rows_found": 2}


def test_what_parts_counted_adds_up() -> None:
    whole = LeftOut(calendar({"start": "2026-03-10T00:00Z", "end": "2026-03-11T00:00Z", "hosts": ["10.0.0.1"]}))
    for part, host in ((whole.anew(), "10.0.0.1"), (whole.anew(), "10.0.0.2")):
        part.kept(starts(0, 1), texts(host, host))
        whole.include(part)
    assert whole.figures() == {"hosts": 1, "days": 1, "rows": 2, "rows_found": 4}
