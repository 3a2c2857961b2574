from datetime import timedelta
from pathlib import Path

from common.cases.inventory import read_inventory, strangers
from common.cases.met import Met, in_order, met_in
from common.detection.alerts.cases import find_cases
from common.lake.lake import Lake
from common.windows import WINDOW, iso
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, within, write_alerts
from tests.common.detection.model_lake import RANGE, host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.page.findings import BAD, QUIET, STRANGER, findings_lake


def test_a_case_has_what_its_contacts_met_and_others_stand_alone(tmp_path: Path) -> None:
    lake = Lake(str(findings_lake(tmp_path / "lake")), SPEC)
    cases = find_cases(lake, SPEC, None)
    scores = [(case.case_id, case.score, case.raw_score) for case in cases]
    met = met_in(lake, RANGE, cases)
    assert {case.source: [one.peer_ip for one in met.of(case)] for case in cases} == {host(3): [BAD], host(4): []}
    assert [(one.host_ip, one.peer_ip, one.sessions) for one in met.alone] == [(QUIET, BAD, 2)]
    assert [(case.case_id, case.score, case.raw_score) for case in find_cases(lake, SPEC, None)] == scores


def test_what_a_source_met_while_its_case_lasted_is_of_the_case(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    lake = Lake(str(folder), SPEC)
    pairs = lake.table("delta_pair")
    met = {"role": "outbound", "peer_ip": BAD, "peer_port": 80, "protocol": "tcp", "sessions_cnt": 2}
    rows = [
        table_row(pairs, window, host_ip=host(4), first_ts=window.start, last_ts=window.start, **met)
        for window in (WHOLE[1], WHOLE[5])
    ]
    write_table(folder, "delta_pair", rows)
    cases = find_cases(lake, SPEC, None)
    found = met_in(lake, RANGE, cases)
    ((of_case,),) = [found.of(case) for case in cases if case.source == host(4)]
    assert (of_case.peer_ip, of_case.peer_port, of_case.sessions, of_case.last) == (BAD, 80, 4, WHOLE[5].start)
    assert found.alone == ()
    only_later = met_in(lake, WHOLE[5], cases)
    assert [one.host_ip for one in only_later.alone] == [host(4)]  # after its case


def test_a_case_from_outside_has_the_indicator_of_its_source(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    inbound = PAIR | {"peer_ip": BAD, "kind": "inbound", "peer_port": 22}
    write_alerts(folder, [(0, 3, inbound), (1, 4, within(5, 445))])
    lake = Lake(str(folder), SPEC)
    cases = find_cases(lake, SPEC, None)
    met = met_in(lake, RANGE, cases)
    assert {case.source: {(one.host_ip, one.role) for one in met.of(case)} for case in cases} == {
        BAD: {(host(3), "inbound"), (QUIET, "outbound")}, host(4): set(),
    }  # fmt: skip


def test_cases_of_one_severity_are_ordered_by_what_matters_most(tmp_path: Path) -> None:
    lake = Lake(str(findings_lake(tmp_path / "lake")), SPEC)
    inventory = read_inventory(lake)
    cases = sorted(find_cases(lake, SPEC, None), key=lambda case: case.source)
    assert len({case.severity for case in cases}) == 1
    assert [case.source for case in in_order(cases, inventory, Met({}, ()))] == [host(4), host(3)]
    assert [case.source for case in in_order(cases, inventory, met_in(lake, RANGE, cases))] == [host(3), host(4)]
    machine = inventory.machine(cases[1])
    assert (machine.criticality, machine.role, machine.owner) == ("critical", "domain controller", "ops")


def test_severity_comes_before_criticality(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    lake = write_alerts(folder, [(0, 3, PAIR)], score=0.99995)
    severe = find_cases(lake, SPEC, None)
    lake = write_alerts(folder, [(1, 4, PAIR)], score=0.9995)
    milder = find_cases(lake, SPEC, None)
    ordered = in_order([*milder, *severe], read_inventory(lake), Met({}, ()))
    assert [(case.source, case.severity) for case in ordered] == [(host(3), "critical"), (host(4), "medium")]


def test_an_indicator_moves_no_case_to_another_severity(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    severe = find_cases(write_alerts(folder, [(0, 4, within(5, 445))], score=0.99995), SPEC, None)
    lake = write_alerts(folder, [(1, 3, PAIR | {"peer_ip": BAD})], score=0.9995)
    cases = [*find_cases(lake, SPEC, None), *severe]
    met = met_in(lake, RANGE, cases)
    assert [met.is_about(case) for case in cases] == [True, False]
    assert [case.source for case in in_order(cases, read_inventory(lake), met)] == [host(4), host(3)]


def test_what_a_case_is_not_mainly_about_does_not_move_it_and_is_told_last(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    other = PAIR | {"peer_ip": "203.0.113.50"}
    beside = [PAIR | {"peer_ip": BAD, "decades": 4.0}, other]  # less than half as odd
    lake = write_alerts(folder, [(0, 4, other), *((0, 3, pair) for pair in beside)])
    cases = find_cases(lake, SPEC, None)
    met = met_in(lake, RANGE, cases)
    assert {case.source: (bool(met.of(case)), met.is_about(case)) for case in cases if host(3) in case.sources} == {
        cases[0].source: (True, False)
    }


def test_addresses_in_no_inventory_with_when_they_were_seen(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    lake = Lake(str(folder), SPEC)
    hosts = lake.table("delta_host")
    for days in (20, 31):
        earlier = type(RANGE)(WHOLE[0].start - timedelta(days=days), WHOLE[0].start - timedelta(days=days) + WINDOW)
        row = table_row(hosts, earlier, host_ip=STRANGER, role="inbound", sessions_cnt=100)
        write_table(folder, "delta_host", [row], mode="append")
    found = strangers(lake, read_inventory(lake), RANGE)
    first = WHOLE[0].start - timedelta(days=20)
    assert found == [{"host_ip": STRANGER, "first": iso(first), "last": iso(WHOLE[0].start), "sessions": 4}]


def test_without_an_inventory_nobody_is_a_stranger(tmp_path: Path) -> None:
    folder = findings_lake(tmp_path / "lake")
    lake = Lake(str(folder), SPEC)
    write_table(folder, "machine_inventory", [])
    assert strangers(lake, read_inventory(lake), RANGE) == []
