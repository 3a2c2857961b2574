from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.detection.pairs.activity import read_activity
from common.detection.parameters import current_parameters
from common.lake.lake import Lake
from common.windows import Windows
from tests.common.calendar.calendars import put_calendar
from tests.common.detection.pairs.pair_tables import CIDRS, quarter, slice_row, write_pairs
from tests.factories import SPEC

PARAMETERS = current_parameters().pairs
FIRST = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
TESTER, OTHER, TARGET = "10.0.0.1", "10.0.0.2", "203.0.113.7"
DAYS = 5
WHOLE = {"start": "2026-03-04T00:00Z", "end": "2026-03-05T00:00Z", "hosts": [TESTER]}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Five dates on which two hosts meet a server; on the third the one meets a target, which both do on the last."""
    starts = [quarter(FIRST + timedelta(days=day), 40) for day in range(DAYS)]
    rows = [slice_row(start, host_ip=host) for start in starts for host in (TESTER, OTHER)]
    rows += [slice_row(starts[2], host_ip=TESTER, peer_ip=TARGET)]
    rows += [slice_row(starts[-1], host_ip=host, peer_ip=TARGET) for host in (TESTER, OTHER)]
    return write_pairs(tmp_path, rows)


def activity(lake: Path, days: int = DAYS) -> pa.Table:
    windows = Windows(FIRST, FIRST + timedelta(days=days))
    return pa.concat_tables(list(read_activity(Lake(str(lake), SPEC), windows, CIDRS, PARAMETERS))).combine_chunks()


def last_day(lake: Path) -> dict[str, tuple[bool, int]]:
    """Whether the target is new to each host on the last date, and how many others had met it."""
    rows = [row for row in activity(lake).to_pylist() if row["peer_ip"] == TARGET]
    return {row["host_ip"]: (row["peer_new"], row["peer_others"]) for row in rows if row["window_start_ts"].day == 6}


KNOWN = {TESTER: (False, 0), OTHER: (True, 1)}
UNKNOWN = {TESTER: (True, 0), OTHER: (True, 0)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, UNKNOWN),
        ({"hosts": ["203.0.113.0/24"]}, UNKNOWN),  # whom it is about may be the peer
        ({"keeps_contacts": True}, KNOWN),
        ({"hosts": [OTHER]}, KNOWN),
        ({"end": "2026-03-04T09:00Z"}, KNOWN),  # before they met, at 10:08
        ({"end": "2026-03-06T00:00Z"}, UNKNOWN),
        ({"end": "2026-03-06T00:01Z"}, KNOWN),  # not over by the last date
    ],
)
def test_whom_hosts_met_in_an_entry_counts_as_unknown_once_it_is_over(
    lake: Path, entry: dict[str, Any], expected: dict[str, tuple[bool, int]]
) -> None:
    assert last_day(lake) == KNOWN
    put_calendar(lake, WHOLE | entry)
    assert last_day(lake) == expected


def test_while_it_lasts_nothing_changes(lake: Path) -> None:
    before = activity(lake, 4)
    put_calendar(lake, WHOLE | {"start": "2026-03-02T00:00Z", "end": "2026-03-06T00:00Z"})
    assert activity(lake, 4).equals(before)
