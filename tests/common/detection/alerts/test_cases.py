from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from common.detection.alerts import techniques
from common.detection.alerts.alerting import Alert
from common.detection.alerts.cases import Case, find_cases, group
from common.detection.alerts.lasting import PAUSE
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, parse_moment
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, Alerting, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC
from tests.types import Row

NOON = parse_moment("20260310T1208Z")


def cases(lake: Path, *alerts: Alerting) -> list[Case]:
    return find_cases(write_alerts(lake, alerts), SPEC, None)


def alert(source: str, windows_later: int, *pairs: Row) -> Alert:
    """An alert of a host so many windows after noon."""
    start = NOON + windows_later * WINDOW
    found = pairs or (PAIR,)
    return Alert(source, "lan", start, start + WINDOW, 0.9999, 9.0, (), found, techniques.resembles((), found, SPEC))


def test_the_targets_of_a_host_stand_under_it(tmp_path: Path) -> None:
    """Two hosts that alert because a third one reached them are no cases of their own, nor is its second technique."""
    lateral, back = within(5, 445), [within(3, 445, 4.0, inbound=True), within(3, 445, 8.0, inbound=True)]
    (case,) = cases(tmp_path, (0, 3, lateral), (1, 3, PAIR), (0, 5, back[0]), (2, 6, back[1]))
    assert (case.sources, case.targets) == ((host(3),), (host(5), host(6)))
    assert (case.start, case.end, case.windows) == (WHOLE[0].start, WHOLE[2].end, 3)
    assert (case.peak_host, case.peak) == (host(3), WHOLE[1].start)
    assert {*case.techniques} == {"lateral movement", "beacon"}
    assert {(one.source, one.target, one.port) for one in case.contacts} == {
        (host(3), host(5), 445), (host(3), "203.0.113.9", 443), (host(3), host(6), 445)
    }  # fmt: skip
    assert case.raw_score == 11.0  # of a target, which is the highest


def test_a_source_that_does_not_alert_is_a_case_of_its_targets(tmp_path: Path) -> None:
    reached = within(9, 3389, inbound=True)
    (case,) = cases(tmp_path, (0, 3, reached), (1, 4, reached))
    assert (case.source, case.targets, case.technique) == (host(9), (host(3), host(4)), techniques.LATERAL)


def test_what_reaches_in_from_outside_is_one_case(tmp_path: Path) -> None:
    inward = PAIR | {"kind": "inbound", "peer_port": 22, "sessions_day": 50}
    (case,) = cases(tmp_path, (0, 3, inward), (1, 4, inward))
    assert (case.source, case.targets, case.technique) == ("203.0.113.9", (host(3), host(4)), techniques.BRUTE_FORCE)


@pytest.mark.parametrize(("others", "new", "count"), [(0, ["peer"], 1), (2, ["peer"], 1), (3, ["peer"], 2), (0, [], 2)])
def test_hosts_with_one_new_address_outside_are_one_case_unless_it_is_popular(
    tmp_path: Path, others: int, new: list[str], count: int
) -> None:
    """Different attacks that share a popular address stay apart."""
    pair = PAIR | {"others": {"peer": others}, "new": new}
    found = cases(tmp_path, (0, 3, pair), (2, 4, pair))
    assert len(found) == count
    assert {source for case in found for source in case.sources} == {host(3), host(4)}


def test_a_minor_contact_joins_nothing(tmp_path: Path) -> None:
    """Two attacked hosts that also met one new address, which neither case is about."""
    strong = [PAIR | {"peer_ip": f"198.51.100.{number}", "decades": 20.0} for number in (1, 2)]
    found = cases(tmp_path, (0, 3, strong[0]), (0, 3, PAIR), (0, 4, strong[1]), (0, 4, PAIR))
    assert [case.sources for case in found] == [(host(3),), (host(4),)]


def test_a_victim_of_two_is_in_both_cases_and_in_none_of_its_own(tmp_path: Path) -> None:
    found = cases(tmp_path, (0, 5, within(3, 445, inbound=True)), (4, 5, within(4, 22, inbound=True)))
    assert {(case.source, case.targets) for case in found} == {(host(3), (host(5),)), (host(4), (host(5),))}


@pytest.mark.parametrize(("pause", "count"), [(PAUSE, 1), (PAUSE + WINDOW, 2)])
def test_a_day_without_an_alert_ends_a_case(pause: timedelta, count: int) -> None:
    later = pause // WINDOW + 1
    found = group([alert("10.1.1.1", 0), alert("10.1.1.1", later)])
    assert [case.earlier for case in found] == [*range(count)]
    assert found[0].case_id != found[-1].case_id or count == 1


def test_a_case_is_the_same_whatever_windows_are_asked_for(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, PAIR), (1, 3, PAIR), (7, 3, PAIR), (2, 5, within(8, 445))])
    whole = {case.case_id: case for case in find_cases(lake, SPEC, None)}
    for window in (WHOLE[1], WHOLE[7]):
        part = find_cases(lake, SPEC, Windows(window.start, window.end))
        assert [case.start for case in part] == [WHOLE[0].start] and part[0].case_id in whole
    assert find_cases(lake, SPEC, Windows(WHOLE[5].start, WHOLE[5].end)) == []  # of the case, nothing alerts there
    assert len(whole) == 2 and not find_cases(lake, SPEC, None, min_score=1.0)
    before = Windows(WHOLE[0].start - timedelta(days=9), WHOLE[0].start - timedelta(days=8))
    assert find_cases(lake, SPEC, before) == []
    assert find_cases(Lake(str(tmp_path / "none"), SPEC), SPEC, None) == []


def test_a_contact_has_its_busiest_day_and_what_was_new_to_its_source() -> None:
    busy = PAIR | {"sessions_day": 900, "sent_day": 7, "decades": 3.0, "new": []}
    (case,) = group([alert("10.1.1.1", 0), alert("10.1.1.1", 1, busy)])
    (contact,) = case.contacts
    assert (contact.sessions, contact.sent, contact.decades, contact.new) == (900, 4000, 9.0, ("peer",))
    assert (contact.first, contact.last) == (NOON, NOON + 2 * WINDOW)


@pytest.mark.parametrize(
    ("score", "severity", "decades"),
    [(0.99995, "critical", 4.3), (0.9998, "medium", 3.7), (0.9999, "critical", 4.0), (0.999, "low", 3.0)],
)
def test_severity_is_the_score_in_decades(tmp_path: Path, score: float, severity: str, decades: float) -> None:
    (case,) = find_cases(write_alerts(tmp_path, [(0, 3, PAIR)], score), SPEC, None)
    assert round(case.decades, 1) == decades
    if score != 0.9998:  # at the edge, where floating point decides
        assert case.severity == severity


def test_many_targets_of_a_silent_source_have_been_scanned() -> None:
    tried = [PAIR | {"peer_ip": "10.9.9.9", "kind": "inbound_internal", "peer_port": 8000 + n} for n in range(12)]
    found = group([alert(f"10.1.1.{number}", 0, tried[number]) for number in range(12)])
    assert [(case.source, case.technique, len(case.targets)) for case in found] == [("10.9.9.9", techniques.SCAN, 12)]


def by_id(found: Sequence[Case]) -> dict[str, Case]:
    return {case.case_id: case for case in found}


def test_a_case_keeps_its_id_while_it_goes_on() -> None:
    first = [alert("10.1.1.1", 0), alert("10.1.1.2", 3, within(7, 445))]
    grown = [*first, alert("10.1.1.1", 5), alert("10.1.1.3", 90)]
    assert by_id(group(first)).keys() <= by_id(group(sorted(grown, key=lambda one: one.start))).keys()
