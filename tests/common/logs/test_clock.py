from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from common.logs.options import ReadOptions
from common.logs.records import session_of
from common.logs.tables import sessions_of
from tests.common.logs.panos_logs import threat, traffic
from tests.common.logs.panos_reading import at, both_ways, parsed, rejected

SERIAL = "012501009999"
ZONES = (
    *("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Chatham", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago"),
)
MOMENTS = ("2026-03-29T00:59", "2026-03-29T01:01", "2026-10-25T00:30", "2026-10-25T01:30", "2026-04-04T15:10")


def wall(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y/%m/%d %H:%M:%S")


def precise(moment: datetime, zone: str) -> str:
    return (moment + timedelta(milliseconds=219)).astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")


def logged(moment: datetime, zone: str, seconds: int = 43, columns: int = 75, stamp: str = "") -> str:
    """A session that ended 17 s before the moment of its log, on a device in the zone."""
    start = moment - timedelta(seconds=seconds + 17)
    changes = {6: wall(moment, zone), 35: wall(start, zone), 36: str(seconds), 102: stamp}
    return traffic(columns, changes)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", MOMENTS)
@pytest.mark.parametrize("project", ["UTC", "Asia/Tokyo"])
def test_the_high_resolution_timestamp_says_the_zone_of_the_device(zone: str, text: str, project: str) -> None:
    moment = at(text)
    for stamp in (precise(moment, zone), precise(moment, "UTC").replace("+00:00", "Z"), precise(moment, "Asia/Tokyo")):
        row = parsed(logged(moment, zone, 20, 115, stamp), project)
        assert row["end_ts"] == moment - timedelta(seconds=17)
        assert row["log_ts"] == moment + timedelta(milliseconds=219)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", MOMENTS)
@pytest.mark.parametrize("relay", ["UTC", "America/Los_Angeles"])
@pytest.mark.parametrize(
    "form", ["<14>1 {} fw-1 - - - - ", "{} fw-1 ", "<14>1 2026-01-01T00:00:00Z a - - - - <14>1 {} b "]
)
def test_the_instant_of_the_syslog_header_says_the_zone_of_the_device(
    zone: str, text: str, relay: str, form: str
) -> None:
    moment = at(text)
    header = form.format((moment + timedelta(seconds=95)).astimezone(ZoneInfo(relay)).isoformat())
    batch = both_ways([header + logged(moment, zone)], "Asia/Tokyo")
    assert batch.zones == {"syslog_header": 1}
    assert both_ways([header + logged(moment, zone).removeprefix("1,")], "Asia/Tokyo").zones == batch.zones
    (row,) = batch.sessions.to_pylist()
    assert (row["log_ts"], row["end_ts"]) == (moment, moment - timedelta(seconds=17))


@pytest.mark.parametrize("late", [timedelta(minutes=7), timedelta(minutes=15), timedelta(days=2)])
def test_a_header_that_no_offset_in_use_explains_says_nothing(late: timedelta) -> None:
    moment = at("2026-03-03T08:10:31")
    batch = both_ways([f"<14>1 {(moment + late).isoformat()} fw - - - - {logged(moment, 'Europe/Berlin')}"], "+01:00")
    assert batch.zones == {"project": 1}
    assert batch.sessions.column("log_ts").to_pylist() == [moment]


def test_the_timestamp_of_the_device_is_right_where_the_header_disagrees() -> None:
    moment = at("2026-03-03T08:10:31")
    line = logged(moment, "UTC", 43, 115, precise(moment, "UTC"))
    batch = both_ways([f"<14>1 2026-03-03T08:10:31+01:00 pano - - - - {line}"], "Asia/Tokyo")
    assert batch.zones == {"high_resolution": 1}
    assert batch.sessions.column("log_ts").to_pylist() == [moment + timedelta(milliseconds=219)]


def test_devices_have_zones_of_their_own() -> None:
    moment = at("2026-03-03T08:10:31")
    options = ReadOptions(time_zone="Asia/Tokyo", device_time_zones={SERIAL: "Asia/Kathmandu", "7": "-03:30"})
    lines = [
        logged(moment, "Asia/Kathmandu"),
        logged(moment, "Asia/Tokyo").replace(SERIAL, "8"),
        logged(moment, "UTC").replace(SERIAL, "7"),
        traffic(75, {6: "2026-03-03T10:10:31+02:00", 35: "2026/03/03 10:09:31"}),
    ]
    batch = both_ways(lines, options)
    assert batch.zones == {"device_time_zones": 2, "project": 1, "in_record": 1}
    expected = [moment, moment, moment + timedelta(hours=3, minutes=30), moment]
    assert batch.sessions.column("log_ts").to_pylist() == expected
    assert batch.sessions.column("start_ts").to_pylist()[3] == at("2026-03-03T08:09:31")


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham"])
@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("seconds", [5, 1_700, 5_400, 86_400])
def test_a_session_that_spans_a_change_of_the_clocks(zone: str, back: bool, seconds: int) -> None:
    change = change_of(zone, back)
    for minutes in (1, 20):
        moment = change + timedelta(minutes=minutes)
        stamp = precise(moment, zone)
        row = parsed(logged(moment, zone, seconds, 115, stamp), ReadOptions(device_time_zones={SERIAL: zone}))
        assert row["end_ts"] == moment - timedelta(seconds=17)


def change_of(zone: str, back: bool) -> datetime:
    """The moment in 2026 at which the clocks of the zone are set back, or forward."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while True:
        both = (moment, moment + timedelta(minutes=15))
        before, after = (each.astimezone(ZoneInfo(zone)).utcoffset() for each in both)
        assert before is not None and after is not None
        if (after < before) is back and after != before:
            return both[1]
        moment += timedelta(minutes=15)


def test_the_hour_that_occurs_twice_is_settled_by_the_end_of_the_session() -> None:
    cases = {  # log, start, seconds: start in UTC
        ("02:00:05", "02:59:50", 10): "00:59:50",  # the clocks were set back in between
        ("02:50:10", "01:50:00", 7_195): "2026-10-24T23:50:00",  # ends at 01:49:55 UTC: the second 02:50:10
        ("02:50:10", "01:50:00", 3_595): "2026-10-24T23:50:00",  # ends at 00:49:55 UTC: the first
        ("03:00:20", "02:59:50", 10): "01:59:50",  # the second 02:59:50, or else it was logged an hour late
        ("02:30:10", "02:29:10", 43): "00:29:10",  # either would do: the first
    }
    for (log, start, seconds), expected in cases.items():
        changes = {6: f"2026/10/25 {log}", 35: f"2026/10/25 {start}", 36: str(seconds)}
        row = parsed(traffic(75, changes), "Europe/Berlin")
        assert row["start_ts"] == at(expected if "T" in expected else f"2026-10-25T{expected}"), (log, start)


def test_without_the_zone_of_the_device_no_session_ends_after_its_log() -> None:
    changes = {6: "2026/10/25 02:00:05", 35: "2026/10/25 02:59:50", 36: "10", 102: "2026-10-25T02:00:05.000+01:00"}
    assert parsed(traffic(115, changes), "UTC")["start_ts"] == at("2026-10-25T00:59:50")
    assert parsed(traffic(115, changes), "Europe/Berlin")["start_ts"] == at("2026-10-25T00:59:50")


def test_the_hour_that_occurs_twice_gives_sessions_one_hour_apart() -> None:
    times = {6: "2026/10/25 02:30:10", 35: "2026/10/25 02:29:10", 36: "43"}
    lines = [traffic(115, times | {102: f"2026-10-25T02:30:10.219{offset}"}) for offset in ("+02:00", "+01:00")]
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        starts = both_ways(lines, zone).sessions.column("start_ts").to_pylist()
        assert starts == [at("2026-10-25T00:29:10"), at("2026-10-25T01:29:10")]


@pytest.mark.parametrize(
    "stamp",
    [
        *("", "nonsense", "1969-12-31T16:00:00.000-08:00", "1970-01-01T00:00:00.000+00:00"),
        *("2026-02-30T08:10:31.000+01:00", "2026-03-09T08:10:31.219+01:00"),
        *("2026-03-03T08:10:31.219", "2026-03-03T08:10:31.219+24:00"),
    ],
)
def test_a_timestamp_that_cannot_be_says_nothing(stamp: str) -> None:
    batch = both_ways([threat(123, {6: "2026/03/03 08:10:31", 107: stamp})], "Asia/Tokyo")
    (row,) = batch.sessions.to_pylist()
    assert batch.zones == {"project": 1}
    assert row["end_ts"] == row["log_ts"] == at("2026-03-02T23:10:31" + (".219" if stamp.endswith("31.219") else ""))


@pytest.mark.parametrize("digits", ["", ".2", ".219", ".219123", ".219123456"])
def test_fractions_of_the_timestamp(digits: str) -> None:
    row = parsed(threat(123, {6: "2026/03/03 08:10:31", 107: f"2026-03-03T08:10:31{digits}+01:00"}))
    assert row["end_ts"] == at(f"2026-03-03T07:10:31{digits[:7]}")


def test_a_start_days_after_the_log_is_rejected() -> None:
    assert "is more than a day after the log time" in rejected(traffic(75, {35: "2024/03/13 16:22:50"}), "Asia/Tokyo")


@pytest.mark.parametrize("start", ["2026-03-03 08:09:31", "2026-03-03T08:09:31+05:30", ""])
@pytest.mark.parametrize("end", ["2026-03-03 18:10:14", "2026-03-03T18:10:14-03:30", ""])
@pytest.mark.parametrize("duration", [None, "43"])
def test_records_without_a_log_time(start: str, end: str, duration: str | None) -> None:
    options = ReadOptions(time_zone="Asia/Tokyo", device_time_zones={SERIAL: "Asia/Kathmandu"})
    flow = {"src_ip": "10.1.1.1", "dst_ip": "10.1.1.2", "src_port": "1", "dst_port": "2", "protocol": "tcp"}
    flow |= {"start_ts": start, "end_ts": end, "device_serial": SERIAL}
    raw = flow | ({} if duration is None else {"duration_s": duration})
    zones: Counter[str] = Counter()
    batch = pa.RecordBatch.from_pylist([raw])
    rows, certain = sessions_of(batch, "TRAFFIC", np.array([1]), "f", options, zones=zones)
    if not certain[0]:
        assert not (start and end)  # what is left to the rules of single records
        return
    expected = session_of("TRAFFIC", raw, options)
    (row,) = rows.to_pylist()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found = {name: (row[name] - epoch) // timedelta(microseconds=1) for name in ("start_ts", "end_ts")}
    assert found == {name: expected[name] for name in found}
    assert zones == {expected["zone_source"]: 1} and row["log_ts"] is None
