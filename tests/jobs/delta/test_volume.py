"""Devices and zones that fall silent, or far below their usual volume of the hour of the week."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pytest

from common.config.project import ProjectParameters
from common.lake.lake import Lake
from common.lake.window_status import read_statuses
from common.runtime.run_report import RunReport
from common.windows import WINDOW as LENGTH
from common.windows import Windows
from jobs.delta.staging import SLICE
from jobs.delta.volume import SHOWN, Fall, Volume, Week, fallen, judged, reasons, report_falls, volume_of, write_volume
from tests.conftest import Stages, write_sessions
from tests.factories import SPEC, WINDOW, sessions
from tests.jobs.delta.deliveries import Delivery, deliver_all, record, rows_of, window
from tests.types import Row

WEEK = timedelta(days=7)
DEFAULTS = ProjectParameters()


def shifted(one: Windows, by: timedelta) -> Windows:
    return Windows(one.start + by, one.end + by)


def of(**devices: int) -> Volume:
    """The volume of devices, of which all records are without a zone."""
    return {(device, None): records for device, records in devices.items()}


def hour(*volumes: Volume) -> Week:
    return dict(enumerate(volumes))


def steady(volume: Volume, weeks: int = 4) -> list[Week]:
    return [hour(*[volume] * 4)] * weeks


def falls_of(found: Volume, weeks: Sequence[Week], project: ProjectParameters = DEFAULTS, place: int = 0) -> list[Fall]:
    return fallen(found, weeks, place, project)


def lake_in(folder: Path) -> Lake:
    return Lake(str(folder), SPEC)


def log(lake: Lake, one: Windows, volume: Volume) -> None:
    """Writes what the devices and zones logged in a window."""
    keys = list(volume)
    columns = {SLICE.name: pa.array([0] * len(keys), pa.int32())}
    columns |= {"device_serial": pa.array([device for device, _ in keys], pa.string())}
    columns |= {"src_zone": pa.array([zone for _, zone in keys], pa.string())}
    write_volume(lake, pa.table(columns | {"records": pa.array(list(volume.values()), pa.int64())}), one)


def log_weeks(lake: Lake, one: Windows, volume: Volume, weeks: int = 4) -> None:
    """Writes the same volume in the window of each week before."""
    for back in range(1, weeks + 1):
        log(lake, shifted(one, -back * WEEK), volume)


def test_a_device_without_a_record_is_silent_and_its_zones_are_not_named_again() -> None:
    weeks = steady({("A", None): 100, ("A", "dmz"): 100, ("B", None): 100})
    assert falls_of(of(B=100), weeks) == [Fall("A", None, 100, 0)]
    assert [str(fall) for fall in falls_of({}, weeks)] == [
        "device A is silent: 0 of 100 expected records", "device B is silent: 0 of 100 expected records"
    ]  # fmt: skip


@pytest.mark.parametrize(("found", "falls"), [(49, [Fall("A", None, 100, 49)]), (50, []), (500, [])])
def test_below_half_is_a_fall_and_half_is_none(found: int, falls: list[Fall]) -> None:
    assert falls_of(of(A=found), steady(of(A=100))) == falls


def test_a_zone_falls_while_its_device_does_not() -> None:
    weeks = steady({("A", None): 130, ("A", "dmz"): 30, ("A", "lan"): 100})
    falls = falls_of({("A", None): 100, ("A", "lan"): 100}, weeks)
    assert falls == [Fall("A", "dmz", 30, 0)]
    assert str(falls[0]) == "zone dmz of device A is silent: 0 of 30 expected records"


def test_the_settings_say_what_is_worth_a_report() -> None:
    assert falls_of({}, steady(of(A=20))) == [Fall("A", None, 20, 0)]
    assert falls_of({}, steady(of(A=19))) == []
    weeks, found = steady(of(A=100)), of(A=79)
    assert falls_of(found, weeks, ProjectParameters(log_volume_drop=0.8)) == [Fall("A", None, 100, 79)]
    only_silence = ProjectParameters(log_volume_drop=0.0, log_volume_minimum=1)
    assert falls_of(of(A=1), weeks, only_silence) == []
    assert falls_of({}, steady(of(A=1)), only_silence) == [Fall("A", None, 1, 0)]


def test_what_is_expected_is_the_median_of_the_windows_and_no_record_is_0() -> None:
    """The counts are 0, 0, 90, 100, 110, 900: the median is (90 + 100) / 2. The week without logs says nothing."""
    weeks = [hour(of(A=900), of(A=90)), {}, hour(of(A=110), of(A=100)), hour(of(B=1), of(B=1))]
    assert falls_of({}, weeks, place=3) == [Fall("A", None, 95, 0)]


def test_where_the_windows_of_an_hour_differ_the_lesser_median_is_expected() -> None:
    """As when work begins: of 60, 200, 300 and 400 the median is 250, but at the first place 60 are usual."""
    weeks = [hour(of(A=60), of(A=200), of(A=300), of(A=400))] * 4
    assert falls_of(of(A=30), weeks) == []
    assert falls_of(of(A=29), weeks) == [Fall("A", None, 60, 29)]
    assert falls_of(of(A=124), weeks, place=3) == [Fall("A", None, 250, 124)]
    only_once = [{**weeks[0]}, *({place: week[place] for place in (1, 2, 3)} for week in weeks[:3])]
    assert falls_of(of(A=60), only_once) == [
        Fall("A", None, 300, 60)
    ]  # one 60 is no median; 60, 200 4x, 300 4x, 400 4x


def test_nothing_is_judged_without_two_weeks_of_history() -> None:
    assert falls_of({}, []) == []
    assert falls_of({}, [{}, {}, {}, *steady(of(A=100), 1)]) == []
    assert falls_of({}, [{}, hour(of(A=100)), {}, hour(of(A=100))]) == [Fall("A", None, 100, 0)]


def test_weeks_before_a_device_was_first_seen_do_not_count() -> None:
    """With them, the median of 0, 0, 100, 100 would be 50. A device of last week is not judged at all."""
    old = hour(*[of(B=1)] * 4)
    since_two = [old, old, *steady(of(A=100), 2)]
    assert falls_of(of(A=40), since_two) == [Fall("A", None, 100, 40)]
    assert falls_of({}, [old, old, old, *steady(of(A=100), 1)]) == []


def test_logs_without_a_device_are_judged_together() -> None:
    (fall,) = falls_of({}, steady({(None, None): 100}))
    assert str(fall) == "what names no device is silent: 0 of 100 expected records"


def test_an_hour_is_compared_with_the_same_hour_of_the_same_weekday(tmp_path: Path) -> None:
    """On Saturday at this hour the device never logs; on Tuesday it does. Other hours of Tuesday tell nothing."""
    lake, saturday = lake_in(tmp_path), shifted(WINDOW, timedelta(days=4))
    log(lake, WINDOW, {("B", "lan"): 1})
    log(lake, saturday, {("B", "lan"): 1})
    for at, records in enumerate((9000, 100, 115, 130, 100, 9000), -1):  # of 12:53, 13:08, ..., 14:08
        log_weeks(lake, shifted(WINDOW, at * LENGTH), {("A", "lan"): records})
    log_weeks(lake, saturday, {("B", "lan"): 1})
    assert judged(lake, WINDOW, DEFAULTS) == {WINDOW.key: [Fall("A", None, 100, 0)]}
    assert judged(lake, saturday, DEFAULTS) == {}


def test_a_fifth_week_and_later_windows_play_no_role(tmp_path: Path) -> None:
    """So a window that is made again is judged as it was."""
    lake = lake_in(tmp_path)
    log(lake, WINDOW, {("B", "lan"): 1})
    log_weeks(lake, WINDOW, {("A", "lan"): 100})
    before = judged(lake, WINDOW, DEFAULTS)
    for weeks, length in ((1, LENGTH), (2, LENGTH), (0, LENGTH), (-5, 0 * LENGTH), (0, 2 * LENGTH)):
        log(lake, shifted(WINDOW, weeks * WEEK + length), {("A", "lan"): 9000, ("C", "lan"): 9000})
    assert judged(lake, WINDOW, DEFAULTS) == before == {WINDOW.key: [Fall("A", None, 100, 0)]}


def test_a_range_is_judged_against_the_lake_and_the_range_itself(tmp_path: Path) -> None:
    """The device logs in a window of three weeks, the last two in the range, and less in that of the fourth.

    In the third week it is missing in the other windows of the hour: after two weeks, that is silence.
    """
    lake, last = lake_in(tmp_path), shifted(WINDOW, 3 * WEEK)
    for week, records in enumerate((100, 100, 100, 40)):
        log(lake, shifted(WINDOW, week * WEEK), of(A=records))
    falls = judged(lake, Windows(WINDOW.start + WEEK, last.end), DEFAULTS)
    silent = {shifted(WINDOW, 2 * WEEK + at * LENGTH).key: [Fall("A", None, 100, 0)] for at in (1, 2, 3)}
    assert falls == silent | {last.key: [Fall("A", None, 100, 40)]}


def test_records_are_counted_by_window_device_and_zone() -> None:
    few = pa.dictionary(pa.int32(), pa.string())

    def rows() -> Iterator[pa.Table]:
        for device, zones in (("A", ["dmz", "lan", "lan"]), ("B", ["lan"]), ("A", [None, "lan"]), ("A", [])):
            count = len(zones)
            yield pa.table({
                "slice": pa.array([0, 1, 1][:count], pa.int32()), "device_serial": pa.array([device] * count, few),
                "src_zone": pa.array(zones, few), "src_ip": ["10.1.1.1"] * count,
            })  # fmt: skip

    assert [tuple(row.values()) for row in volume_of(rows()).to_pylist()] == [
        (0, "A", "dmz", 1), (0, "A", None, 1), (0, "B", "lan", 1), (1, "A", "lan", 3)
    ]  # fmt: skip


def test_the_reason_names_some_and_the_report_more() -> None:
    falls = {WINDOW.key: [Fall(f"{number:04}", None, 50.5, 0) for number in range(200)]}
    assert reasons(falls)[WINDOW.key].endswith("device 0002 is silent: 0 of 50 expected records; and 197 more")
    stream = StringIO()
    report = RunReport("ndr-delta", incomplete_reason="a.gz is damaged", _stream=stream)
    report_falls(falls, report)
    assert report.incomplete_reason == f"a.gz is damaged; {reasons(falls)[WINDOW.key]}"
    assert report.details["log_volume"]["fallen"] == 200 and len(report.details["log_volume"]["falls"]) == SHOWN
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(events) == SHOWN and {event["level"] for event in events} == {"warning"}
    shown = {name: events[1][name] for name in ("window", "device", "zone", "expected", "found", "kind")}
    assert shown == {
        "window": "2026-03-10T13:08Z", "device": "0001", "zone": None, "expected": 50.5, "found": 0, "kind": "silent"
    }  # fmt: skip


def in_zone(zone: str, count: int, number: int = 0) -> list[Row]:
    return [
        record(number + at, WINDOW.start + timedelta(seconds=7 * at + 1), src_zone=zone, device_serial="A")
        for at in range(count)
    ]


@pytest.mark.parity
@pytest.mark.parametrize("parsed", [False, True], ids=["scanned", "parsed"])
def test_a_run_marks_the_window_in_which_a_zone_and_a_device_are_missing(
    stages: Stages, tmp_path: Path, parsed: bool
) -> None:
    log_weeks(stages.lake, WINDOW, {("A", "lan"): 30, ("A", "dmz"): 40, ("C", "lan"): 50})
    rows = [*in_zone("lan", 30), *in_zone("dmz", 10, 100)]
    rows += [rows[0] | {"source_line": 10**6}] if parsed else []  # a duplicate
    path = write_sessions(sessions(*rows), tmp_path / "in.parquet")
    for _ in range(2):  # a replay comes to the same
        report = stages.delta(str(WINDOW), path)
        found = stages.lake.arrow("log_volume", ["device_serial", "src_zone", "records"], WINDOW).to_pylist()
        assert sorted(map(tuple, map(dict.values, found))) == [("A", "dmz", 10), ("A", "lan", 30)]
        reason = (
            "zone dmz of device A is reduced: 10 of 40 expected records; device C is silent: 0 of 50 expected records"
        )
        assert report.incomplete_reason == reason
        assert report.tables["log_volume"]["rows"] == 2
        status = read_statuses(stages.lake)[WINDOW.key]
        assert status.incomplete_reason == reason and status.defect(["delta"]) is None
    whole = [*rows, *in_zone("dmz", 10, 200), *(row | {"device_serial": "C"} for row in in_zone("lan", 50, 300))]
    report = stages.delta(str(WINDOW), write_sessions(sessions(*whole), tmp_path / "all.parquet"))
    assert "log_volume" not in report.details and report.incomplete_reason is None
    assert read_statuses(stages.lake)[WINDOW.key].incomplete_reason is None


def test_only_the_windows_of_a_range_that_lack_logs_are_marked(stages: Stages, tmp_path: Path) -> None:
    """The device logs in the first two windows of the range, and usually in all three."""
    for at in range(3):
        log_weeks(stages.lake, window(at), {("007200001", "trust"): 30})
    rows = [row for at in range(2) for row in rows_of(at, 30, 30 * at)]
    report = stages.delta(f"{window(0)}/{window(3)}", write_sessions(sessions(*rows), tmp_path / "all.parquet"))
    reason = "device 007200001 is silent: 0 of 30 expected records"
    assert {key: status.incomplete_reason for key, status in read_statuses(stages.lake).items()} == {
        window(0).key: None, window(1).key: None, window(2).key: reason
    }  # fmt: skip
    assert report.incomplete_reason == reason


@pytest.mark.slow
def test_the_volume_is_that_of_the_records_that_the_windows_count(stages: Stages, tmp_path: Path) -> None:
    """What another window counts adds nothing here, and repeat_count no record."""
    rows = rows_of(0, 5)
    again = Delivery(1, "b", (*rows, *(row | {"repeat_count": 9} for row in rows_of(1, 3, 50))))
    for one, path in deliver_all(tmp_path, [Delivery(0, "a", tuple(rows)), again]).items():
        stages.delta(str(window(one.window)), path)
    held = Counter(stages.lake.arrow("sessions", ["window"])["window"].to_pylist())
    volumes = {row["window"]: row["records"] for row in stages.lake.arrow("log_volume").to_pylist()}
    assert volumes == held == {window(0).key: 5, window(1).key: 3}
