from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from common.config.project import DEFAULT_INTERNAL_CIDRS
from common.detection.alerts.cases import Case, find_cases
from common.lake.lake import Lake
from tests.common.detection.alerts.alerting_lake import PAIR, Alerting, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC
from tests.lakes import write_table
from tests.tools.page.hostile import graph_lake, opened
from tools.page.graph import HOSTS_NAMED, OUTSIDE, PEERS_DRAWN, SOURCES_DRAWN, Link, graph, links

OURS, THEIRS = "10.20.0.0/24", "10.30.0.0/24"
BEACON = str(PAIR["peer_ip"])


def case_of(folder: Path, *alerts: Alerting) -> tuple[Lake, Case]:
    lake = write_alerts(folder, alerts)
    (case,) = find_cases(lake, SPEC, None)
    return lake, case


def drawn(case: Case, *found: Link) -> dict[str, Any]:
    made = graph(case, found)
    assert made
    return made


def hosts(nodes: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [node["hosts"] for node in nodes]


def link(
    peer: str, port: int = 443, segment: str = OUTSIDE, sessions: int = 1, failed: int = 0, source: int = 3
) -> Link:
    return Link(host(source), peer, port, segment, sessions, failed)


def test_it_has_what_the_contacts_of_a_case_did_in_its_windows(tmp_path: Path) -> None:
    lake = Lake(str(graph_lake(tmp_path / "lake")), SPEC)
    (case,) = find_cases(lake, SPEC, None)
    (found,) = links(lake, [case], DEFAULT_INTERNAL_CIDRS)
    assert found == [link(host(5), 445, OURS, 30, 28), link(BEACON, 443, OUTSIDE, 5)]
    assert graph(case, found) == {
        "sources": [{"hosts": [host(3)], "count": 1, "segment": None, "alerted": False}],
        "peers": [
            {"hosts": [host(5)], "count": 1, "segment": OURS, "alerted": True, "sessions": 30, "failed": 28,
             "ports": [445], "ports_cnt": 1},
            {"hosts": [BEACON], "count": 1, "segment": OUTSIDE, "alerted": False, "sessions": 5, "failed": 0,
             "ports": [443], "ports_cnt": 1},
        ],
        "edges": [
            {"source": 0, "peer": 0, "sessions": 30, "failed": 28, "ports": [445], "ports_cnt": 1},
            {"source": 0, "peer": 1, "sessions": 5, "failed": 0, "ports": [443], "ports_cnt": 1},
        ],
    }  # fmt: skip


def test_what_reaches_in_is_taken_as_the_hosts_inside_had_it(tmp_path: Path) -> None:
    inward = PAIR | {"kind": "inbound", "peer_port": 22}
    lake, case = case_of(tmp_path, (0, 3, inward), (0, 4, inward))
    came = [
        opened(lake, 0, BEACON, 22, 7, 6, role="inbound", segment_id=OURS, host_ip=host(place)) for place in (3, 4, 5)
    ]
    write_table(tmp_path, "delta_pair", came)
    assert links(lake, [case], DEFAULT_INTERNAL_CIDRS)[0] == [
        Link(BEACON, host(place), 22, OURS, 7, 6) for place in (3, 4)
    ]


def test_of_a_scan_it_has_all_that_was_tried_on_its_side(tmp_path: Path) -> None:
    """The contacts are a sample; what the source met outside meanwhile is its own affair."""
    lake, case = case_of(tmp_path, *((0, place, within(3, 445, inbound=True)) for place in range(4, 14)))
    assert case.is_scan and case.source == host(3)
    tried = [opened(lake, 0, f"10.20.0.{place}", 445, 1, 1) for place in range(4, 70)]
    write_table(tmp_path, "delta_pair", [*tried, opened(lake, 0, "203.0.113.50", 443, 9, 0)])
    (found,) = links(lake, [case], DEFAULT_INTERNAL_CIDRS)
    assert (len(found), {one.segment for one in found}) == (66, {OURS})
    made = drawn(case, *found)
    assert [node["count"] for node in made["peers"]] == [1, 1, 1, 1, 1, 1, 60]  # those that alerted, some of them alone
    group = made["peers"][-1]
    assert (group["segment"], group["sessions"], group["ports"], len(group["hosts"])) == (OURS, 60, [445], HOSTS_NAMED)


@pytest.mark.parametrize("found", [[], [link(BEACON)], [link(BEACON, 80), link(BEACON, 443)]])
def test_two_hosts_that_met_are_no_graph(tmp_path: Path, found: list[Link]) -> None:
    _, case = case_of(tmp_path, (0, 3, PAIR))
    assert graph(case, found) is None


def test_many_peers_stand_by_segment_but_those_that_matter(tmp_path: Path) -> None:
    _, case = case_of(tmp_path, (0, 3, PAIR))
    few = [link(f"203.0.113.{100 + place}") for place in range(PEERS_DRAWN - 1)]
    assert [node["count"] for node in drawn(case, link(BEACON), *few)["peers"]] == [1] * PEERS_DRAWN
    inside = [link(f"10.{net}.0.{place}", 22, f"10.{net}.0.0/24") for net in range(40, 46) for place in range(net)]
    made = drawn(case, link(BEACON), *few, *inside, link("10.30.0.1", 22, THEIRS))
    assert hosts(made["peers"])[0] == [BEACON]
    told = [(node["count"], node["segment"]) for node in made["peers"][1:]]
    assert told == [*((net, f"10.{net}.0.0/24") for net in range(45, 40, -1)), (40 + len(few) + 1, None)]
    assert sum(edge["sessions"] for edge in made["edges"]) == sum(range(40, 46)) + len(few) + 2


def test_many_sources_stand_together_but_the_first(tmp_path: Path) -> None:
    _, case = case_of(tmp_path, (0, 3, PAIR), (0, 4, PAIR))
    made = drawn(case, *(link(BEACON, source=place) for place in range(3, 3 + 2 * SOURCES_DRAWN)))
    assert [node["count"] for node in made["sources"]] == [*[1] * (SOURCES_DRAWN - 1), SOURCES_DRAWN + 1]
    assert [edge["sessions"] for edge in made["edges"]] == [*[1] * (SOURCES_DRAWN - 1), SOURCES_DRAWN + 1]


def test_the_ports_with_the_most_sessions_are_named(tmp_path: Path) -> None:
    _, case = case_of(tmp_path, (0, 3, PAIR))
    (edge, _) = drawn(case, *(link(BEACON, port, sessions=port) for port in range(1, 9)), link("203.0.113.8"))["edges"]
    assert (edge["ports"], edge["ports_cnt"], edge["sessions"]) == ([5, 6, 7, 8], 8, 36)


def test_each_case_has_its_own_windows(tmp_path: Path) -> None:
    other = PAIR | {"peer_ip": "203.0.113.77"}
    lake = write_alerts(tmp_path, [(0, 3, PAIR), (5, 4, other)])
    cases = find_cases(lake, SPEC, None)
    came = [opened(lake, at, str(pair["peer_ip"]), 443, 1 + at, 0, host_ip=host(place))
            for place, pair in ((3, PAIR), (4, other)) for at in (0, 5)]  # fmt: skip
    write_table(tmp_path, "delta_pair", came)
    found = dict(zip((case.source for case in cases), links(lake, cases, DEFAULT_INTERNAL_CIDRS), strict=True))
    assert found == {
        host(3): [link(BEACON, sessions=1)],
        host(4): [link("203.0.113.77", sessions=6, source=4)],
    }
    assert links(lake, [], DEFAULT_INTERNAL_CIDRS) == []
