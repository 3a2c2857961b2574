from datetime import UTC, datetime, timedelta

import pytest

from common.lake import Lake
from common.model import pair_training
from common.model.pair_training import sample
from common.windows import Windows
from tests.common.model.pair_tables import SPEC, quarter, slice_row, write_pairs

END = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
LAST = quarter(END, -1)
RANGE = Windows(END - timedelta(days=60), END)
HOSTS = 40


@pytest.fixture
def lake(tmp_path):
    """A lake in whose last window each of 40 hosts has one pair: 40 x 96 rows a day."""
    rows = [slice_row(LAST, host_ip=f"10.0.0.{number}") for number in range(HOSTS)]
    return Lake(str(write_pairs(tmp_path, rows)), SPEC)


@pytest.mark.parametrize(("limit_days", "days"), [(100, 28), (28, 28), (9, 9), (5, 5)])
def test_as_many_days_as_the_limit_allows(lake, monkeypatch, limit_days, days):
    last_day = RANGE.by_day()[-1]
    rows_a_day = HOSTS * 96 / len(last_day)  # only the last window holds rows
    monkeypatch.setattr(pair_training, "ACTIVITY_ROWS_MAX", limit_days * rows_a_day + 1)
    windows, hosts = sample(lake, RANGE)
    assert (windows.end, windows.end - windows.start, hosts) == (END, timedelta(days=days), None)


def test_below_the_fewest_days_hosts_are_drawn_and_always_the_same(lake, monkeypatch):
    rows_a_day = HOSTS * 96 / len(RANGE.by_day()[-1])
    monkeypatch.setattr(pair_training, "ACTIVITY_ROWS_MAX", 2.5 * rows_a_day)
    windows, hosts = sample(lake, RANGE)
    assert len(windows) == 5 * 96
    assert 10 <= len(hosts) <= 30  # about half of 40
    assert sample(lake, RANGE) == (windows, hosts)


def test_a_short_range_is_taken_whole(lake):
    short = Windows(END - timedelta(days=2), END)
    assert sample(lake, short) == (short, None)
