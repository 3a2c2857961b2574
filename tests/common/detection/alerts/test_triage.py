from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from common.detection.alerts.cases import Case, find_cases
from common.detection.alerts.terms import CLOSED, EXPECTED, FALSE, HOST, IN_PROGRESS, NEW, PAIR, SCOPES, TRUE
from common.detection.alerts.triage import TABLE, Change, read_changes, record, standing, triaged
from common.errors import InputError
from common.lake.lake import Lake
from common.windows import WINDOW
from tests.common.detection.alerts import alerting_lake
from tests.common.detection.alerts.alerting_lake import WHOLE, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
C2 = alerting_lake.PAIR
OTHER = C2 | {"peer_ip": "203.0.113.77"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A beacon, the same of another host, and one of a third host to another address."""
    popular = C2 | {"others": {"peer": 40}}
    return write_alerts(tmp_path, [(0, 3, popular), (1, 4, popular), (2, 5, OTHER), (3, 6, within(8, 445))])


def change(case: Case, status: str, scope: str = PAIR, days: float = 90.0, by: str = "ann") -> Change:
    return Change(
        case.case_id, NOW, by, status, None, "because", scope, case.source, case.segment_id,
        (case.technique.name,), tuple(sorted(case.main_peers)), NOW + timedelta(days=days),
    )  # fmt: skip


def of_host(lake: Lake, place: int) -> Case:
    return next(case for case in find_cases(lake, SPEC, None) if case.source == host(place))


@pytest.mark.slow
@pytest.mark.parametrize("status", [EXPECTED, FALSE, CLOSED])
@pytest.mark.parametrize("place", [3, 4, 5, 6])
def test_what_is_marked_is_hidden_and_nothing_else(lake: Lake, status: str, place: int) -> None:
    cases, case = find_cases(lake, SPEC, None), of_host(lake, place)
    shown, hidden = triaged(cases, [change(case, status)])
    assert [one.case_id for one, _ in hidden] == [case.case_id]
    assert [one.case_id for one in shown] == [one.case_id for one in cases if one.case_id != case.case_id]


@pytest.mark.parametrize("status", [NEW, IN_PROGRESS, TRUE])
def test_what_is_in_work_stays(lake: Lake, status: str) -> None:
    assert triaged(find_cases(lake, SPEC, None), [change(of_host(lake, 3), status)])[1] == []


@pytest.mark.parametrize(("scope", "hosts"), [*zip(SCOPES, [{3}, {3}, {3, 4}, {3, 4}], strict=True)])
def test_a_rule_reaches_as_far_as_its_scope(lake: Lake, scope: str, hosts: set[int]) -> None:
    _, hidden = triaged(find_cases(lake, SPEC, None), [change(of_host(lake, 3), EXPECTED, scope)])
    assert {case.source for case, _ in hidden} == {host(place) for place in hosts}


def test_the_segment_is_that_of_the_case(lake: Lake) -> None:
    cases, case = find_cases(lake, SPEC, None), of_host(lake, 3)
    elsewhere = replace(change(case, EXPECTED, "segment"), case_id="gone", segment_id="another")
    assert triaged(cases, [elsewhere])[1] == []
    assert len(triaged(cases, [replace(elsewhere, scope="behaviour")])[1]) == 2


def test_another_peer_is_something_new_unless_the_scope_is_the_host(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, C2), (1, 3, OTHER)])
    (case,) = find_cases(lake, SPEC, None)
    before = replace(change(case, EXPECTED), peers=("203.0.113.9",))
    assert triaged([case], [before])[1] == []
    assert len(triaged([case], [replace(before, scope=HOST)])[1]) == 1
    assert triaged([case], [replace(before, scope=HOST, techniques=("scan",))])[1] == []


def test_rules_expire(lake: Lake) -> None:
    case = of_host(lake, 4)  # the second to begin
    rule = replace(change(case, EXPECTED, "behaviour"), case_id="gone", expires_ts=WHOLE[0].start + WINDOW)
    assert [one.source for one, _ in triaged(find_cases(lake, SPEC, None), [rule])[1]] == [host(3)]


def test_what_is_said_of_a_case_comes_before_any_rule(lake: Lake) -> None:
    cases = find_cases(lake, SPEC, None)
    rule, own = change(of_host(lake, 3), EXPECTED, "behaviour"), change(of_host(lake, 4), TRUE)
    assert [case.source for case, _ in triaged(cases, [rule, own])[1]] == [host(3)]
    assert len(triaged(cases, [rule, replace(own, status=NEW)])[1]) == 2


def test_the_history_of_a_case_is_kept(lake: Lake) -> None:
    case = of_host(lake, 3)
    assert read_changes(lake) == []
    first = change(case, IN_PROGRESS)
    record(lake, first, None)
    second = replace(change(case, FALSE, by="bob"), changed_ts=NOW + timedelta(days=2), owner="bob")
    record(lake, second, first)
    assert read_changes(Lake(lake.uri, SPEC)) == [first, second]
    assert standing(read_changes(lake)) == {case.case_id: second}
    assert {*lake.arrow(TABLE)["change_id"].to_pylist()} == {first.change_id, second.change_id}


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=3)])
def test_nobody_changes_what_he_has_not_seen(lake: Lake, later: timedelta) -> None:
    case = of_host(lake, 3)
    record(lake, change(case, IN_PROGRESS), None)
    blind = replace(change(case, FALSE, by="bob"), changed_ts=NOW + later)
    with pytest.raises(InputError, match=f"ann has marked case {case.case_id} as in-progress at 2026-03-20T09:00"):
        record(lake, blind, None)
    assert [one.status for one in read_changes(lake)] == [IN_PROGRESS]


def test_two_writers_never_lose_each_others_change(lake: Lake) -> None:
    cases, errors = find_cases(lake, SPEC, None), []
    together = Barrier(len(cases))

    def write(case: Case) -> None:
        try:
            together.wait(30)
            record(Lake(lake.uri, SPEC), change(case, TRUE), None)
        except Exception as error:  # noqa: BLE001 - told by the assertion
            errors.append(error)

    threads = [Thread(target=write, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert {one.case_id for one in read_changes(lake)} == {case.case_id for case in cases}
