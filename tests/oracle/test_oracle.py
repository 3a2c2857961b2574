"""The oracle against values worked out by hand."""

from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection

from common.contracts import tables
from common.windows import WINDOW as LENGTH
from common.windows import Windows, floor_to_grid
from tests.factories import EDGE_PROJECT, SPEC, WINDOW, edge_case_sessions, session, sessions, threat
from tests.oracle import delta_host, delta_pair, fg_a, pair_counts, prepare
from tests.types import Row


def database(*rows: Row, windows: Windows | None = None) -> DuckDBPyConnection:
    return prepare(sessions(*rows), SPEC, EDGE_PROJECT, windows)


@cache
def edge_tables() -> dict[str, pa.Table]:
    con = prepare(edge_case_sessions(), SPEC, EDGE_PROJECT, None)
    return {
        "delta_host": delta_host(con),
        "delta_pair": delta_pair(con),
        "pair_counts": pair_counts(con),
        "fg_a": fg_a(con, WINDOW),
    }


def rows_of(name: str, **wanted: Any) -> list[Row]:
    rows = edge_tables()[name].to_pylist()
    return [row for row in rows if all(row[column] == value for column, value in wanted.items())]


def one(name: str, **wanted: Any) -> Row:
    (row,) = rows_of(name, **wanted)
    return row


def host(ip: str, role: str = "outbound") -> Row:
    return one("delta_host", host_ip=ip, role=role, window_start_ts=WINDOW.start)


def features(ip: str) -> Row:
    return one("fg_a", host_ip=ip)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["delta_host", "delta_pair", "pair_counts", "fg_a"])
def test_every_column_of_the_contract_is_there_with_its_type(name: str) -> None:
    contract = tables(SPEC)[name].arrow
    made = edge_tables()[name].schema
    assert {field.name: field.type for field in made} == {field.name: field.type for field in contract}
    required = [field.name for field in contract if not field.nullable]
    assert [column for column in required if edge_tables()[name][column].null_count] == []


def test_start_logs_and_duplicates_do_not_count() -> None:
    assert rows_of("delta_host", host_ip="10.1.1.1") == []
    # the copy of the earlier file (5 bytes), another start, another subtype, another device: 4 records
    assert (host("10.1.1.2")["sessions_cnt"], host("10.1.1.2")["bytes_src_sum"]) == (4, 5 + 3 * 1000)
    assert host("10.1.1.3")["sessions_cnt"] == 4
    assert host("10.1.1.4")["sessions_cnt"] == 1


def test_repeats_add_to_counts_and_to_nothing_else() -> None:
    row = host("10.1.1.5")
    assert (row["sessions_cnt"], row["short_session_cnt"], row["max_sessions_per_minute"]) == (8, 1, 8)
    # bytes of the two records: 100 and 700; p25 = 100 + 0.25 · 600
    assert (row["bytes_src_sum"], row["bytes_src_p25"], row["bytes_src_p50"]) == (800, 250.0, 400.0)


def test_threat_records_count_as_threats_and_alerts_only() -> None:
    row = host("10.1.1.6")
    assert (row["threat_cnt"], row["alert_cnt"], row["deny_cnt"], row["sessions_cnt"]) == (4, 1, 0, 0)
    assert row["bytes_src_p50"] is None
    assert rows_of("delta_pair", host_ip="10.1.1.6") == []
    assert host("10.1.1.11")["threat_cnt"] == 2
    assert (host("10.1.1.7")["alert_cnt"], host("10.1.1.7")["threat_cnt"]) == (1, 0)


def test_refusals_and_failures() -> None:
    row = host("10.1.1.8")
    assert (row["deny_cnt"], row["drop_cnt"], row["rst_cnt"], row["zero_reply_cnt"]) == (6, 2, 0, 6)
    assert host("10.1.1.9")["aged_out_cnt"] == 1
    failed = {row["peer_port"]: row["failed_cnt"] for row in rows_of("delta_pair", host_ip="10.1.1.9")}
    assert failed == {443: 1, 8443: 1, 22: 1, 8080: 1, 53: 0}


def test_roles_and_segments() -> None:
    assert {row["role"] for row in rows_of("delta_host", host_ip="10.2.1.5")} == {"outbound", "inbound"}
    assert {row["role"] for row in rows_of("delta_host", host_ip="10.2.1.2")} == {"inbound"}
    assert rows_of("delta_host", host_ip="172.16.1.1") == []
    assert (host("10.2.2.4", "inbound")["segment_id"], host("fd00:2::1")["segment_id"]) == (
        "10.2.2.0/24",
        "fd00:2::/64",
    )
    segments = {row["peer_ip"]: row["peer_segment_id"] for row in rows_of("delta_pair", host_ip="10.2.1.7")}
    assert segments == {
        "10.9.1.1": "servers",
        "10.9.8.1": "vault",
        "10.9.8.2": "vault",
        "192.168.7.127": "lab",
        "192.168.7.128": "192.168.7.0/24",
        "203.0.112.5": "203.0.112.0/24",
        "203.0.113.5": "partner",
    }
    row = features("10.2.1.7")
    # vault 2 + 1, lab 1, 203.0.112.0/24 1
    assert (row["high_risk_segment_sessions_cnt_w_15m"], row["high_risk_segment_unique_dsts_w_15m"]) == (5, 4)
    assert features("10.2.1.8")["in_high_risk_segment_sessions_cnt_w_15m"] == 1


def test_pair_counts_hold_each_session_with_an_internal_end_once() -> None:
    assert len(rows_of("pair_counts", src_ip="10.2.1.3")) == 1
    assert one("pair_counts", dst_ip="10.2.1.2")["segment_id"] == "198.51.100.0/24"
    assert rows_of("pair_counts", src_ip="198.51.100.7", dst_ip="172.16.1.1") == []
    assert len(rows_of("pair_counts", src_ip="10.3.1.6")) == 1


def test_gaps() -> None:
    row = one("delta_pair", host_ip="10.5.1.1", role="outbound")
    # 30 + 60 + 0 + 0.25 and 900 + 3600 + 0 + 0.0625
    assert (row["gap_sum_s"], row["gap_sq_sum_s"]) == (90.25, 4500.0625)
    assert {row["gap_sum_s"] for row in rows_of("delta_pair", host_ip="10.5.1.2")} == {0.0}
    # 13:08:30 - 12:00:00 = 4110 s; the record that repeats nine times starts once
    assert one("delta_pair", host_ip="10.5.1.3")["gap_sum_s"] == 4110.0


def test_bounds_of_windows_to_the_microsecond() -> None:
    ends = {f"{row['window_end_ts']:%H:%M}": row["sessions_cnt"] for row in rows_of("delta_host", host_ip="10.4.1.1")}
    assert ends == {"13:08": 1, "13:23": 2, "13:38": 1}
    days = {row["window"]: row["sessions_cnt"] for row in rows_of("delta_host", host_ip="10.4.1.3")}
    assert days == {"20260309T2353Z": 2, "20260310T0008Z": 1}
    assert one("delta_host", host_ip="10.4.1.3", window="20260309T2353Z")["date"] == "2026-03-09"
    assert host("10.4.1.4")["max_sessions_per_minute"] == 3
    row = features("10.4.1.5")
    found = [row[f"sessions_cnt_{label}"] for label in SPEC.window_labels]
    assert found == [1, 2, 4, 6, 8]


def test_a_window_takes_late_records_and_a_range_those_that_end_in_it() -> None:
    ends = ("12:52:59.999999", "12:53", "13:07", "13:23", "13:38", "13:38:00.000001")
    con = database(*(session(end_ts=f"2026-03-10T{end}") for end in ends), windows=WINDOW)
    assert [row["sessions_cnt"] for row in delta_host(con).to_pylist()] == [4]
    # ends at 12:53 and 13:07 are before the range, at 13:38 after it
    two = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:38Z")
    con = database(*(session(end_ts=f"2026-03-10T{end}") for end in ends), windows=two)
    assert [row["sessions_cnt"] for row in delta_host(con).to_pylist()] == [1]


def test_entropy_and_top_shares() -> None:
    row = features("10.3.1.9")
    # peers with 4, 2 and 2 of 8 sessions: 0.5 · 1 + 2 · 0.25 · 2 = 1.5 bits; bytes 20, 60 and 20 of 100
    assert row["peer_ip_entropy_w_15m"] == pytest.approx(1.5)
    assert row["peer_ip_top1_sessions_share_w_15m"] == 0.5
    assert row["peer_ip_top1_bytes_share_w_15m"] == pytest.approx(0.6)
    assert (row["peer_ip_nunique_w_15m"], row["peer_port_nunique_w_15m"], row["peer_port_entropy_w_15m"]) == (3, 1, 0)
    # 70 bytes out, 30 back
    assert row["bytes_asymmetry_ratio_w_15m"] == pytest.approx(0.4)
    assert row["in_sessions_cnt_w_24h"] == row["in_peer_ip_entropy_w_24h"] == 0


def test_zeros_and_nulls() -> None:
    row = features("10.3.1.1")
    assert row["peer_ip_top1_bytes_share_w_15m"] == row["bytes_asymmetry_ratio_w_15m"] == 0
    assert host("10.3.1.2")["zero_reply_cnt"] == 1
    # durations 2 and 4 of three sessions: the mean is over sessions, the median over what is known
    assert (features("10.3.1.3")["duration_mean_w_15m"], host("10.3.1.3")["duration_p50"]) == (2.0, 3.0)
    assert host("10.3.1.4")["bytes_src_sum"] == 2**54
    assert (host("10.3.1.5")["icmp_cnt"], host("10.3.1.5")["tcp_cnt"]) == (1, 0)
    assert features("10.3.1.6")["peer_port_nunique_w_15m"] == 1
    assert host("10.3.1.7")["short_session_cnt"] == 1
    assert (host("10.3.1.8")["admin_port_sessions_cnt"], host("10.3.1.8")["high_risk_port_sessions_cnt"]) == (1, 1)
    assert features("10.1.1.8")["deny_ratio_w_1h"] == 1.0


def test_novelty() -> None:
    row = features("10.6.1.1")
    found = {metric: row[f"{metric}_w_15m"] for metric in SPEC.metric_names if "lookback30d" in metric}
    # peers: .1 on two days, .2 on one, .3 on none; ports: 443 on two, 22 on one, 8443 on none;
    # pairs with port: (.1, 22) and (.3, 8443)
    assert found == {
        "new_peer_cnt_lookback30d": 1,
        "rare_peer_cnt_lookback30d": 2,
        "new_peer_ratio_lookback30d": pytest.approx(1 / 3),
        "new_dst_port_cnt_lookback30d": 1,
        "rare_dst_port_cnt_lookback30d": 2,
        "new_pair_cnt_lookback30d": 1,
        "new_src_dst_port_cnt_lookback30d": 2,
    }
    assert row["in_new_peer_cnt_lookback30d_w_15m"] == 0


@pytest.mark.parametrize(
    ("ip", "feature", "expected"),
    [
        ("10.6.1.2", "new_peer_cnt_lookback30d_w_15m", None),
        ("10.6.1.3", "in_new_peer_cnt_lookback30d_w_15m", 1),
        ("10.6.1.4", "in_new_peer_cnt_lookback30d_w_15m", 1),
        ("10.6.1.5", "new_peer_cnt_lookback30d_w_15m", 1),
        ("10.6.1.5", "rare_peer_cnt_lookback30d_w_15m", 2),
        # the 24-hour look-back begins on 9 March: its history on 7 February
        ("10.6.1.5", "new_peer_cnt_lookback30d_w_24h", 0),
        ("10.6.1.7", "new_peer_cnt_lookback30d_w_15m", None),
        ("10.6.1.8", "new_peer_cnt_lookback30d_w_15m", 0),
        ("10.6.1.8", "new_peer_cnt_lookback30d_w_24h", 1),
        ("10.6.1.9", "rare_peer_cnt_lookback30d_w_15m", 1),
        ("10.6.1.10", "new_peer_cnt_lookback30d_w_15m", None),
    ],
)
def test_novelty_case(ip: str, feature: str, expected: int | None) -> None:
    assert features(ip)[feature] == expected


def test_a_host_with_threats_only_has_a_row() -> None:
    con = database(threat())
    (row,) = fg_a(con, WINDOW).to_pylist()
    assert (row["threat_cnt_w_15m"], row["sessions_cnt_w_24h"], row["peer_ip_nunique_w_15m"]) == (1, 0, 0)
    assert row["new_peer_cnt_lookback30d_w_15m"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "hour", "flags", "band"),
    [
        # working, off, night, weekend; New York is UTC-5 until 8 March 07:00, then UTC-4
        ("07T13:10", 8, (1, 0, 0, 1), "off_hours"),
        ("08T06:55", 1, (0, 0, 1, 1), "off_hours"),
        ("08T07:10", 3, (0, 0, 1, 1), "off_hours"),
        ("09T02:00", 21, (0, 1, 0, 1), "off_hours"),
        ("09T10:55", 6, (0, 0, 1, 0), "off_hours"),
        ("09T11:10", 7, (1, 0, 0, 0), "working_hours"),
        ("09T20:55", 16, (1, 0, 0, 0), "working_hours"),
        ("09T21:10", 17, (0, 1, 0, 0), "off_hours"),
        ("10T02:10", 22, (0, 0, 1, 0), "off_hours"),
    ],
)
def test_hours_are_local(end: str, hour: int, flags: tuple[int, int, int, int], band: str) -> None:
    row = session(end_ts=f"2026-03-{end}:00")
    start = floor_to_grid(row["end_ts"])
    (found,) = fg_a(database(row), Windows(start, start + LENGTH)).to_pylist()
    assert found["hour_of_day"] == hour
    assert tuple(found[f"is_{name}"] for name in ("working_hours", "off_hours", "night_hours", "weekend")) == flags
    assert found["time_band"] == band
