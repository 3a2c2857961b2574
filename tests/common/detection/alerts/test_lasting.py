"""Which windows alert: those above the line, and what lasts just below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.detection.alerts.alerting import Alert
from common.detection.alerts.below import find_with_below
from common.detection.alerts.cases import find_cases
from common.detection.alerts.lasting import LASTING, PAUSE, alerting, below_score
from common.detection.alerts.techniques import BEACON
from common.windows import WINDOW
from tests.common.detection.alerts.alerting_lake import PAIR, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC

LINE, HIGH, LOW = 0.999, 0.9999, 0.9985
BEGIN = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
HOST, PEER, OTHER = "10.0.0.3", "203.0.113.9", "198.51.100.7"
HOUR = timedelta(hours=1)


def window(after: timedelta, score: float, host_ip: str = HOST, peer: str = PEER, inbound: bool = False) -> Alert:
    """A prediction of a window that begins so long after the first one."""
    start = BEGIN + after
    pair = {"peer_ip": peer, "kind": "inbound" if inbound else "outbound"}
    return Alert(host_ip, "s", start, start + WINDOW, score, 5.0, (), (pair,), BEACON)


def starts(scored: Sequence[Alert]) -> list[float]:
    """The hours after the first window of what alerts."""
    return [(alert.start - BEGIN) / HOUR for alert in alerting(scored, LINE)]


def low(*hours: float, peer: str = PEER) -> list[Alert]:
    return [window(hour * HOUR, LOW, peer=peer) for hour in hours]


def test_as_many_windows_of_training_lie_below_the_line_as_above() -> None:
    assert below_score(LINE) == pytest.approx(0.998)  # two in a thousand, of which one alerts
    assert below_score(0.99) == pytest.approx(0.98)


def test_what_lasts_below_the_line_alerts_from_the_fourth_window_on() -> None:
    assert starts(low(0, 1, 2)) == []
    assert starts(low(0, 1, 2, 20, 21)) == [20, 21]
    assert starts(low(0, 1, 2, 24)) == [24]
    assert starts(low(0, 1, 2, 24.25)) == []  # the first is more than a day ago


def test_windows_about_different_peers_do_not_add_up() -> None:
    both = sorted([*low(0, 1, 2), *low(3, 4, 5, peer=OTHER)], key=lambda alert: alert.start)
    assert starts(both) == []


def test_both_ends_of_a_pair_in_one_window_count_once() -> None:
    both = [
        one
        for hour in range(LASTING)
        for one in (window(hour * HOUR, LOW), window(hour * HOUR, LOW, PEER, HOST, inbound=True))
    ]
    assert starts(both[:-2]) == []
    assert starts(both) == [LASTING - 1, LASTING - 1]


def test_what_is_left_of_an_alert_for_a_day_lasts_no_further() -> None:
    left = low(*range(1, 25))
    assert starts([window(timedelta(0), HIGH), *left]) == [0]
    assert starts([window(timedelta(0), HIGH, peer=OTHER), *left]) == [0, *range(LASTING, 25)]
    later = low(*(PAUSE / HOUR + hour for hour in (1, 2, 3, 4)))
    assert starts([window(timedelta(0), HIGH), *later]) == [0, 28]


def test_later_windows_change_nothing_of_what_alerts() -> None:
    scored = [*low(0, 1, 2, 3, 4), window(5 * HOUR, HIGH), *low(6, 7, 30, 31, 32, 33)]
    whole = starts(scored)
    assert whole == [3, 4, 5, 33]
    for count in range(len(scored)):
        assert starts(scored[:count]) == [hour for hour in whole if BEGIN + hour * HOUR < scored[count].start]


def test_it_is_a_case_with_the_windows_that_alert_and_not_below_the_line(tmp_path: Path) -> None:
    count = LASTING + 2
    lake = write_alerts(tmp_path, [(at, 3, PAIR) for at in range(count)], LOW)
    (case,), below = find_with_below(lake, SPEC, None)
    assert (case.sources, case.windows, case.severity, below) == ((host(3),), count - LASTING + 1, "low", [])
    assert find_cases(lake, SPEC, None) == [case]
