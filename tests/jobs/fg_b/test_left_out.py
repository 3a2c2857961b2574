from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.calendar.entries import read_calendar
from common.windows import Windows
from jobs.fg_b.job import FEATURES, PAIRS
from jobs.fg_b.left_out import read_without
from tests.common.calendar.calendars import put_calendar
from tests.conftest import Stages
from tests.jobs.fg_b.synthetic import fg_a_row, pair_row
from tests.lakes import write_table

pytestmark = pytest.mark.parity

WINDOWS = Windows.parse("2026-03-02T00:08Z/2026-03-04T00:08Z")
NOON = {"start": "2026-03-02T12:00Z", "end": "2026-03-02T13:00Z"}
LATER = {"start": "2027-01-01T00:00Z", "end": "2027-02-01T00:00Z", "all_hosts": True}
TIMES = [datetime(2026, 3, 2, 11, 38, tzinfo=UTC) + hours * timedelta(hours=1) for hours in (0, 1, 2, 24, 26)]
HOSTS = ("10.0.1.5", "10.0.1.6", "10.0.2.7")
ATTACKER, SERVER = "203.0.113.7", "10.0.9.9"
ENDS = (*((host, SERVER) for host in HOSTS), (ATTACKER, "10.0.2.7"), ("10.0.2.7", ATTACKER))


@pytest.mark.parametrize(
    ("entries", "about"),
    [
        ([], set()),
        ([LATER], set()),
        ([NOON | {"hosts": ["192.0.2.0/24"]}], set()),
        ([NOON | {"hosts": ["10.0.1.6", ATTACKER]}], {"10.0.1.6", ATTACKER}),
        ([NOON | {"segments": ["10.0.1.0/24"]}, LATER], {"10.0.1.5", "10.0.1.6"}),
        ([NOON | {"hosts": ["10.0.1.6"]}, NOON | {"hosts": ["10.0.1.4/30"]}], {"10.0.1.5", "10.0.1.6"}),
        ([NOON | {"all_hosts": True}], {*HOSTS, ATTACKER, SERVER}),
    ],
)
def test_rows_of_the_entry_are_left_out_and_features_that_remember_it(
    stages: Stages, entries: list[dict[str, Any]], about: set[str]
) -> None:
    write_table(stages.folder, "fg_a", [fg_a_row(at, host) for at in TIMES for host in HOSTS])
    write_table(stages.folder, "pair_counts", [pair_row(at, one, dst_ip=other) for at in TIMES for one, other in ENDS])
    put_calendar(stages.folder, *entries)
    calendar = read_calendar(stages.lake)
    features, left_out = read_without(stages.lake, stages.session, FEATURES, WINDOWS, calendar)
    pairs, _ = read_without(stages.lake, stages.session, PAIRS, WINDOWS, calendar)
    found = sorted(features.select("host_ip", "window").toArrow().to_pylist(), key=lambda row: (*row.values(),))
    keys = [Windows.parse(f"{at:%Y-%m-%dT%H:%MZ}").key for at in TIMES]
    # 12:38 lies in it, 13:38 and 11:38 of the next day remember it
    kept = [(host, key) for host in HOSTS for key in keys if not (host in about and key in keys[1:4])]
    assert [(row["host_ip"], row["window"]) for row in found] == sorted(kept)
    rows = pairs.select("src_ip", "dst_ip", "window").toArrow().to_pylist()
    assert sorted((row["src_ip"], row["dst_ip"], row["window"]) for row in rows) == sorted(
        (*both, key) for both in ENDS for key in keys if not (about & {*both} and key == keys[1])
    )
    assert left_out.rows == len(HOSTS) * len(TIMES) - len(kept)
