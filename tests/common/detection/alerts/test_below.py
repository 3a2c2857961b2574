"""What is just below the line, and part of no case."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.detection.alerts.below import find_with_below, recent_with_below
from common.detection.alerts.cases import Case, find_cases
from common.lake.lake import Lake
from tests.common.detection.alerts.alerting_lake import PAIR, Alerting, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC

OTHER = PAIR | {"peer_ip": "198.51.100.7"}
HIGH, LOW, QUIET = 0.9999, 0.9985, 0.9975


def found(folder: Path, *scored: tuple[Alerting, float]) -> tuple[list[Case], list[Case]]:
    """The cases, and what is below the line, of windows with such scores."""
    lake = write_alerts(folder, [alert for alert, _ in scored], [score for _, score in scored])
    return find_with_below(lake, SPEC, None)


def test_what_scores_just_too_little_is_a_candidate_and_no_case(tmp_path: Path) -> None:
    cases, below = found(tmp_path, ((0, 3, PAIR), HIGH), ((1, 4, OTHER), LOW), ((2, 5, OTHER), QUIET))
    assert ([case.sources for case in cases], [case.sources for case in below]) == ([(host(3),)], [(host(4),)])
    assert find_cases(Lake(str(tmp_path), SPEC), SPEC, None) == cases
    assert [case.case_id for case in recent_with_below(Lake(str(tmp_path), SPEC), SPEC)] == [
        case.case_id for case in (*cases, *below)
    ]


@pytest.mark.parametrize(
    ("low", "is_part"),
    [
        ((1, 3, PAIR), True),  # the same source with the same peer
        ((1, 3, OTHER), False),  # the same source with another: another story
        ((1, 4, OTHER), False),
        ((1, 5, within(3, 445, inbound=True)), True),  # a target of the source
    ],
)
def test_a_weaker_window_of_a_case_is_part_of_it(tmp_path: Path, low: Alerting, is_part: bool) -> None:
    cases, below = found(tmp_path, ((0, 3, PAIR), HIGH), (low, LOW))
    assert len(cases) == 1
    assert [case.windows for case in cases] == [1]  # and changes nothing of it
    assert (below == []) is is_part


def test_a_scan_has_all_of_its_source(tmp_path: Path) -> None:
    many: list[tuple[Alerting, float]] = [((0, place, within(3, 445, inbound=True)), HIGH) for place in range(4, 14)]
    cases, below = found(tmp_path, *many, ((1, 3, OTHER), LOW))
    assert ([case.is_scan for case in cases], below) == ([True], [])


def test_a_candidate_has_an_id_of_its_own(tmp_path: Path) -> None:
    """The source reaches one host with an alert, and is odd itself in the same window: two stories of one beginning."""
    cases, below = found(tmp_path, ((0, 5, within(3, 445, inbound=True)), HIGH), ((0, 3, OTHER), LOW))
    assert [case.source for case in (*cases, *below)] == [host(3), host(3)]
    assert cases[0].start == below[0].start
    assert cases[0].case_id != below[0].case_id
