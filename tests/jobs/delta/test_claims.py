"""A record that is delivered with several batches counts in one window."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.windows import WINDOW
from jobs.delta import job
from jobs.delta.claims import reach
from jobs.delta.record_keys import keys_of
from tests.conftest import Stages
from tests.factories import session as session_row
from tests.factories import sessions, threat
from tests.jobs.delta.deliveries import (
    FIRST,
    Delivery,
    assert_each_once,
    check_deliveries_in_random_order,
    check_windows_at_once,
    counted,
    deliver_all,
    record,
    rows_of,
    window,
)

PROPERTY_SEEDS = 1
RACES = 1


def outcome(report: Any) -> tuple[int, int, int]:
    """Records kept, duplicate, and of the latter those that another window has."""
    found = report.details["records"]
    assert found["read"] == found["kept"] + found["duplicate"] + found["uncounted"] + found["rejected"]
    return found["kept"], found["duplicate"], report.details["other_windows"]["duplicates"]


@pytest.mark.parity
@pytest.mark.parametrize(("order", "parsed"), [((0, 1), False), ((1, 0), True)])
def test_records_that_come_again_with_a_later_batch_count_once(
    stages: Stages, tmp_path: Path, order: tuple[int, int], parsed: bool
) -> None:
    """50 of the 60 sessions of 08:08 come again with the batch of 08:23, which has 60 of its own."""
    own, later = rows_of(0, 60), rows_of(1, 60, 100)
    extra = [session_row(subtype="start")] if parsed else []  # a start log is not scanned in place
    folders = deliver_all(tmp_path, [Delivery(0, "a", (*own, *extra)), Delivery(1, "b", (*later, *own[:50], *extra))])
    inputs = {one.window: path for one, path in folders.items()}
    first, second = (stages.delta(str(window(at)), inputs[at]) for at in order)
    assert outcome(first) == ((60, 0, 0) if order == (0, 1) else (110, 0, 0))
    assert outcome(second) == ((60, 50, 50) if order == (0, 1) else (10, 50, 50))
    assert second.details["other_windows"]["with_keys"] == [window(order[0]).key]
    version = stages.lake.version("session_keys")
    assert second.tables["session_keys"] == {"version": version, "rows": outcome(second)[0]}
    sizes = {key: sum(found.values()) for key, found in counted(stages).items()}
    assert sizes == dict(zip((window(0).key, window(1).key), (60, 60) if order == (0, 1) else (10, 110), strict=True))
    before = stages.lake.arrow("delta_pair").sort_by("peer_ip")
    assert outcome(stages.delta(str(window(order[1])), inputs[order[1]])) == outcome(second)
    assert stages.lake.arrow("delta_pair").sort_by("peer_ip") == before


def test_records_without_an_id_are_never_duplicates(stages: Stages, tmp_path: Path) -> None:
    """A THREAT record without a sequence number has none, whatever its session id; one of TRAFFIC has that."""
    session, *others = rows_of(0, 5)
    nameless = [row | {"sequence_number": None, "session_id": "0"} for row in others]
    alert = threat(end_ts=session["end_ts"], session_id=session["session_id"], sequence_number=None)
    rows = (session | {"sequence_number": None}, *nameless, alert, alert)
    folders = deliver_all(tmp_path, [Delivery(0, "a", rows), Delivery(1, "b", rows)])
    found = [outcome(stages.delta(str(window(one.window)), path)) for one, path in folders.items()]
    assert found == [(7, 0, 0), (6, 1, 1)]
    assert stages.lake.arrow("session_keys").num_rows == 1


def test_threats_and_sessions_of_one_number_are_two_records(stages: Stages, tmp_path: Path) -> None:
    row = rows_of(0, 1)[0]
    same = {name: row[name] for name in ("session_id", "sequence_number", "dst_ip")}
    alert = threat(end_ts=row["end_ts"], **same)
    folders = deliver_all(tmp_path, [Delivery(0, "a", (row,)), Delivery(1, "b", (alert, row))])
    reports = [stages.delta(str(window(one.window)), path) for one, path in folders.items()]
    assert [outcome(report) for report in reports] == [(1, 0, 0), (1, 1, 1)]


def test_late_in_both_windows_is_recognised_at_the_largest_distance(stages: Stages, tmp_path: Path) -> None:
    """Ends 15 min after the first window, so that it is late in windows 0 to 1 and 3, on time in 2."""
    row = record(0, window(1).end)
    folders = deliver_all(tmp_path, [Delivery(at, f"{at}", (row, *rows_of(at, 1, 10 + at))) for at in (0, 3)])
    found = [outcome(stages.delta(str(window(one.window)), path)) for one, path in folders.items()]
    assert found == [(2, 0, 0), (1, 1, 1)]


@pytest.mark.parametrize("lateness", [0, 1, 5, 7.5, 10, 15, 30, 61])
def test_reach_is_the_largest_distance_of_windows_that_may_share_a_record(lateness: float) -> None:
    late = timedelta(minutes=lateness)
    apart = [at for at in range(20) if window(at).start - late <= window(0).end + late]
    assert reach(lateness) == apart[-1]


def test_a_lake_without_keys_takes_what_comes(stages: Stages, tmp_path: Path) -> None:
    """As after an upgrade: nothing is known of windows that an older release made."""
    folders = deliver_all(tmp_path, [Delivery(1, "b", tuple(rows_of(0, 3)))])
    report = stages.delta(str(window(1)), *folders.values())
    assert outcome(report) == (3, 0, 0)
    assert report.details["other_windows"]["with_keys"] == []


def test_a_run_that_dies_after_its_claim_can_be_repeated(
    stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = rows_of(0, 6)
    folders = deliver_all(tmp_path, [Delivery(0, "a", tuple(own)), Delivery(1, "b", (*rows_of(1, 6, 10), *own[:4]))])
    first, second = folders.values()
    with monkeypatch.context() as patch:
        patch.setattr(job, "slice_files", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stages.delta(str(window(0)), first)
    assert outcome(stages.delta(str(window(1)), second)) == (6, 4, 4)
    assert outcome(stages.delta(str(window(0)), first)) == (6, 0, 0)
    assert_each_once(stages, {row["dst_ip"] for one in folders for row in one.rows})


@pytest.mark.parametrize("seed", range(RACES))
def test_of_windows_that_run_at_once_one_has_the_record(session: SparkSession, tmp_path: Path, seed: int) -> None:
    check_windows_at_once(Stages(session, tmp_path / "lake"), tmp_path / "in", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(PROPERTY_SEEDS))
def test_every_record_counts_once_in_any_order_of_runs(session: SparkSession, tmp_path: Path, seed: int) -> None:
    check_deliveries_in_random_order(Stages(session, tmp_path / "lake"), tmp_path / "in", seed)


@pytest.mark.parity
def test_a_range_leaves_out_what_the_windows_around_it_count(stages: Stages, tmp_path: Path) -> None:
    at_start, at_end, inside = rows_of(0, 4), rows_of(3, 4, 10), rows_of(1, 4, 20)
    deliver_all(tmp_path / "before", [Delivery(0, "a", tuple(at_start))])
    deliver_all(tmp_path / "after", [Delivery(3, "d", tuple(at_end))])
    deliver_all(tmp_path / "in", [Delivery(1, "b", (*inside, *at_start[:2])), Delivery(2, "c", (*inside, *at_end[:3]))])
    stages.delta(str(window(0)), str(tmp_path / "before"))
    stages.delta(str(window(3)), str(tmp_path / "after"))
    report = stages.delta(f"{window(1)}/{window(2).end.isoformat()}", str(tmp_path / "in"))
    assert outcome(report) == (4, 4 + 2 + 3, 2 + 3)
    assert_each_once(stages, {row["dst_ip"] for row in (*at_start, *at_end, *inside)})


KEYS = [
    {"key_high": -6816619388117625330, "key_low": -8673410114910737839},
    {"key_high": -4880383788961048117, "key_low": 5029577915019831508},
    {"key_high": 3861222417642582366, "key_low": -8160826535698404998},
]


def test_keys_are_those_of_earlier_releases_and_tell_nulls_apart() -> None:
    """Made by Spark's xxhash64; the first two records differ in where the 5 is, and where nothing is."""
    rows = sessions(
        session_row(end_ts=FIRST.end, device_serial=None, session_id="5", sequence_number=7),
        session_row(end_ts=FIRST.end, device_serial="5", session_id=None, sequence_number=7),
        threat(end_ts=FIRST.end + WINDOW, device_serial="ä", session_id="9", sequence_number=None),
    )
    assert keys_of(rows).to_pylist() == KEYS


def test_lateness_of_the_project_bounds_what_counts(session: SparkSession, tmp_path: Path) -> None:
    """Beyond the lateness a record that comes again is rejected: it never counts twice."""
    stages = Stages(session, tmp_path / "lake", ProjectParameters(allowed_lateness_minutes=0))
    rows = rows_of(0, 3)
    folders = deliver_all(tmp_path, [Delivery(0, "a", tuple(rows)), Delivery(1, "b", (*rows, *rows_of(1, 3, 10)))])
    reports = [stages.delta(str(window(one.window)), path, max_rejected_ratio=1.0) for one, path in folders.items()]
    assert [outcome(report) for report in reports] == [(3, 0, 0), (3, 0, 0)]
    assert reports[1].details["records"]["rejected"] == 3
