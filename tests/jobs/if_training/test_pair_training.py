from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from common.detection.pairs.activity import read_activity
from common.detection.parameters import PairParameters
from common.lake.lake import Lake
from common.windows import Windows
from jobs.if_training.pair_training import Chosen, examined, sample
from tests.common.detection.pairs.pair_tables import CIDRS, quarter, slice_row, write_pairs
from tests.common.detection.synthetic import PARAMETERS, SETTINGS
from tests.factories import SPEC

END = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
LAST = quarter(END, -1)
RANGE = Windows(END - timedelta(days=60), END)
HOSTS = 40


DAYS = 30


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in which each of 40 hosts has one pair in the last window of each of 30 days: 40 rows a day."""
    starts = [quarter(END - timedelta(days=age), -1) for age in range(DAYS)]
    rows = [slice_row(start, host_ip=f"10.0.0.{number}") for start in starts for number in range(HOSTS)]
    return Lake(str(write_pairs(tmp_path, rows)), SPEC)


def at_most(rows: float) -> PairParameters:
    """The parameters with this limit of pair rows to learn from."""
    return replace(PARAMETERS.pairs, training_rows=int(rows))


@pytest.mark.parametrize(("limit_days", "days"), [(100, 28), (28, 28), (9.5, 9), (9, 9), (5, 5)])
def test_as_many_days_as_the_limit_allows(lake: Lake, limit_days: float, days: int) -> None:
    found = sample(lake, RANGE, at_most(limit_days * HOSTS))
    windows = Windows(END - timedelta(days=days), END)
    assert found == Chosen(windows, None, HOSTS, days * HOSTS)
    assert found.figures(0) == {"hosts": HOSTS, "hosts_found": HOSTS, "days": days}


def test_below_the_fewest_days_hosts_are_drawn_and_always_the_same(lake: Lake) -> None:
    found = sample(lake, RANGE, at_most(2.5 * HOSTS))
    assert found.hosts is not None
    assert len(found.windows) == 5 * 96
    assert 10 <= len(found.hosts) <= 30  # about half of 40
    assert sample(lake, RANGE, at_most(2.5 * HOSTS)) == found
    assert found.figures(100) == {
        "hosts": len(found.hosts),
        "hosts_found": HOSTS,
        "days": 5,
        "hosts_reason": "200 pair rows of 5 days are more than the training_rows 100",
    }


def test_days_without_rows_take_no_room_from_hosts(tmp_path: Path) -> None:
    """A lake that is a day old: its rows are fewer than the limit, which five such days would exceed."""
    rows = [slice_row(LAST, host_ip=f"10.0.0.{number}") for number in range(HOSTS)]
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    assert sample(lake, RANGE, at_most(HOSTS)).hosts is None


def test_a_short_range_is_taken_whole(lake: Lake) -> None:
    short = Windows(END - timedelta(days=2), END)
    assert sample(lake, short, PARAMETERS.pairs) == Chosen(short, None, HOSTS, 2 * HOSTS)


def workload(tmp_path: Path, anomalous_from: int) -> pa.Table:
    """Four days of 20 hosts that meet one of 5 peers in every second window; from some window on, ever new ones."""
    start = END - timedelta(days=4)
    rows = []
    for number in range(0, 4 * 96, 2):
        for host in range(20):
            new = number >= anomalous_from
            peer = f"203.{number % 250}.{number // 250}.{host + 1}" if new else f"198.51.100.{(host + number) % 5 + 1}"
            rows.append(slice_row(quarter(start, number), host_ip=f"10.0.0.{host}", peer_ip=peer, failed_cnt=int(new)))
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    return pa.concat_tables(list(read_activity(lake, Windows(start, END), CIDRS, PARAMETERS.pairs))).combine_chunks()


def test_a_workload_that_goes_on_alerts_as_rarely_as_before(tmp_path: Path) -> None:
    found = examined(workload(tmp_path, 1_000), 0.2, 0.99, SETTINGS)
    assert found["alert_share"] <= 0.01
    assert (found["windows"], found["windows_before"]) == (20 * 38, 20 * 92)  # the first two fifths are history only


def test_a_model_that_alerts_in_the_block_shows_it(tmp_path: Path) -> None:
    assert examined(workload(tmp_path, 350), 0.2, 0.99, SETTINGS)["alert_share"] > 0.3


def test_few_windows_are_not_judged(tmp_path: Path) -> None:
    activity = workload(tmp_path, 1_000)
    assert "20 windows in the validation block" in examined(activity, 0.005, 0.99, SETTINGS)["reason"]
    one = activity.filter(pc.equal(activity["window_start_ts"], activity["window_start_ts"][0]))
    assert "one side of the validation block" in examined(one, 0.2, 0.99, SETTINGS)["reason"]
