"""Parts of the canary alone: addresses, sessions, ranks and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from common.detection.alerts.alerting import Alert
from common.detection.alerts.techniques import BEACON
from common.lake.canary import FILE, CanaryResult, canary_line, read_result, write_result
from common.windows import Windows
from jobs.canary.hosts import dark_addresses
from jobs.canary.table import as_table
from jobs.canary.traffic import PERIOD, Attack, beacon, scan, upload, with_attacks
from jobs.canary.verdicts import judged
from tests.factories import session, sessions

WINDOW = Windows.parse("2026-03-10T13:08Z")
DAY = WINDOW.extended(95)
NOW = datetime(2026, 3, 12, 14, tzinfo=UTC)


def scored(host: str, raw: float, score: float = 0.5) -> Alert:
    return Alert(host, "10.1.1.0/24", WINDOW.start, WINDOW.end, score, raw, (), (), BEACON)


def result(*passed: bool) -> CanaryResult:
    attacks = [
        {"attack": name, "host": f"10.1.1.{place}", "rank": place + 1, "rank_before": 9, "hosts": 12,
         "anomaly_score": 0.99951, "alerts": True, "technique": "beacon", "passed": is_found}
        for place, (name, is_found) in enumerate(zip(("beacon", "scan", "upload"), passed, strict=True))
    ]  # fmt: skip
    return CanaryResult("2026-03-10T13:23:00Z", "2026-03-10T13:08Z", "if-1", 10, tuple(attacks))


def test_dark_addresses_are_the_next_internal_ones_that_nobody_has() -> None:
    cidrs = ["10.1.0.0/23"]
    assert dark_addresses("10.1.1.254", {"10.1.1.254", "10.1.1.253"}, cidrs, 3) == [
        "10.1.1.255", "10.1.1.252", "10.1.1.251",
    ]  # fmt: skip
    assert dark_addresses("10.1.1.254@berlin", set(), cidrs, 600) == dark_addresses("10.1.1.254", set(), cidrs, 512)
    assert dark_addresses("fd00::5", {"fd00::4"}, ["fd00::/8"], 2) == ["fd00::5", "fd00::6"]


def test_a_beacon_checks_in_like_a_clock_until_the_window_ends() -> None:
    ends = [special["end_ts"] for special in beacon("10.1.1.10", DAY).sessions]
    assert len(ends) == 288  # of five minutes, a day
    assert {later - earlier for earlier, later in pairwise(ends)} == {PERIOD}
    assert DAY.start < ends[0] < ends[-1] < DAY.end


def test_scan_and_upload_lie_in_the_window() -> None:
    targets = [f"10.1.2.{place}" for place in range(200)]
    for attack in (scan("10.1.1.10", WINDOW, targets), upload("10.1.1.10", WINDOW)):
        for special in attack.sessions:
            begin = special["end_ts"] - timedelta(seconds=special["duration_s"])
            assert WINDOW.start <= begin <= special["end_ts"] < WINDOW.end
    assert sum(special["bytes_sent"] for special in upload("10.1.1.10", WINDOW).sessions) == 2_000_000_000
    assert {special["bytes_received"] for special in scan("10.1.1.10", WINDOW, targets).sessions} == {0}


def test_sessions_of_attacks_are_like_a_real_one_of_the_host_and_no_duplicates() -> None:
    like = session(src_ip="10.1.1.10", rule="by the book", device_serial="007")
    real = sessions(like)
    attacks = [beacon("10.1.1.10", WINDOW), upload("10.1.1.10", WINDOW)]
    rows = with_attacks(real, attacks, {"10.1.1.10": like}).to_pylist()
    made = rows[1:]
    assert len(made) == 3 + 20
    assert {(row["src_ip"], row["rule"], row["device_serial"]) for row in made} == {("10.1.1.10", "by the book", "007")}
    assert len({row["sequence_number"] for row in rows}) == len({row["session_id"] for row in rows}) == len(rows)


def test_ranks_are_by_raw_score_and_equals_share_the_worst() -> None:
    """b is second of four; c and d, equal, are both fourth; x was not scored and is fifth."""
    hosts = [scored("a", 9.0), scored("b", 7.0, 0.9995), scored("c", 2.0), scored("d", 2.0)]
    attacks = [Attack("beacon", "b", []), Attack("scan", "c", []), Attack("upload", "x", [])]
    found = judged(attacks, hosts, [scored("b", 0.0), *hosts[2:]], 3)
    assert [(attack["rank"], attack["passed"], attack["alerts"]) for attack in found] == [
        (2, True, True), (4, False, False), (5, False, False),
    ]  # fmt: skip
    assert found[0]["rank_before"] == 3


def test_the_table_says_what_was_missed() -> None:
    lines = as_table(result(True, False, True)).splitlines()
    assert lines[0] == "2 of 3 attacks in a copy of 2026-03-10T13:08Z are among the first 10 hosts by model if-1"
    assert lines[2] == (
        "  missed scan    10.1.1.1: rank 2 of 12 (9 without it), anomaly_score 0.9995, alerts, resembles beacon"
    )
    first = dict(result(True, True, True).attacks[0]) | {"anomaly_score": None, "host": "\x1b[2J"}
    unscored = replace(result(True, True, True), attacks=(first,))
    assert as_table(unscored).endswith("not scored") and "\x1b" not in as_table(unscored)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        ((True, True, True), "canary: passed 3 of 3, 2 days ago"),
        ((True, False, False), "canary: failed, found 1 of 3, 2 days ago; missed: scan, upload"),
    ],
)
def test_the_last_result_is_kept_beside_the_tables(tmp_path: Path, passed: tuple[bool, ...], words: str) -> None:
    assert canary_line(str(tmp_path), NOW) == "canary: never run"
    write_result(str(tmp_path), result(*passed))
    assert read_result(str(tmp_path)) == result(*passed)
    assert canary_line(str(tmp_path), NOW) == words


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"ran": "x"}', '{"attacks": null}', "\ufffd"])
def test_a_damaged_result_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert canary_line(str(tmp_path), NOW) == "canary: never run"
