"""Lasting contacts, counted by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.detection.pairs.activity import read_activity
from common.detection.pairs.contacts import LATE, Contacts
from common.detection.pairs.evidence import NOVELTIES, pair_evidence
from common.detection.pairs.lasting import HostsSeen
from common.detection.parameters import current_parameters
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import CIDRS, slice_row, write_pairs
from tests.factories import SPEC

PARAMETERS = current_parameters().pairs
NOW = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
DAY = 96  # windows
PEER = "203.0.113.9"
FIELDS = ("lasting_windows", "lasting_span", "lasting_gap_sq")


def activity_of(tmp_path: Path, ages: Iterable[int], seen: int = 20 * DAY, others: int = 0, **differs: Any) -> pa.Table:
    """The activity of a pair that met so many windows before the last one; the host began long before, elsewhere."""
    slices = [slice_row(NOW - age * WINDOW, peer_ip=PEER, **differs) for age in ages]
    slices += [slice_row(NOW - seen * WINDOW)]
    slices += [slice_row(NOW - DAY * WINDOW, host_ip=f"10.0.0.{2 + n}", peer_ip=PEER, **differs) for n in range(others)]
    lake = Lake(str(write_pairs(tmp_path, slices)), SPEC)
    (part,) = read_activity(lake, Windows(NOW, NOW + WINDOW), CIDRS, PARAMETERS)
    return part


def lasted(tmp_path: Path, ages: Iterable[int], **more: Any) -> list[int]:
    (row,) = activity_of(tmp_path, ages, **more).to_pylist()
    return [int(row[name]) for name in FIELDS]


def test_windows_of_all_days_count_since_the_first(tmp_path: Path) -> None:
    # on three dates, two windows at most on each, so that every gap is known
    assert lasted(tmp_path, [192, 96, 92, 8, 0]) == [5, 192, 96**2 + 4**2 + 84**2 + 8**2]


def test_windows_of_a_day_before_count_as_evenly_spaced(tmp_path: Path) -> None:
    # three windows on the day before, 1 and 7 apart, count as two gaps of 4
    assert lasted(tmp_path, [96, 95, 88, 1, 0]) == [5, 96, 2 * 4**2 + 87**2 + 1]


def test_protocols_count_as_one_window(tmp_path: Path) -> None:
    slices = [
        slice_row(NOW - age * WINDOW, peer_ip=PEER, protocol=name)
        for age in (100, 3, 2, 1, 0)
        for name in ("tcp", "udp")
    ]
    lake = Lake(str(write_pairs(tmp_path, [*slices, slice_row(NOW - 500 * WINDOW)])), SPEC)
    (part,) = read_activity(lake, Windows(NOW, NOW + WINDOW), CIDRS, PARAMETERS)
    assert [part[name][0].as_py() for name in FIELDS] == [5, 100, 97**2 + 3]


@pytest.mark.parametrize(
    ("first", "seen", "lasts"),
    [
        (DAY, 20 * DAY, True),
        (DAY - 1, 20 * DAY, False),  # new is what is younger
        (PARAMETERS.lasting_days * DAY - 1, 20 * DAY, True),
        (PARAMETERS.lasting_days * DAY, 20 * DAY, False),
        (2 * DAY, 3 * DAY, True),
        (2 * DAY, 3 * DAY - 1, False),  # when the host was first seen, all was new
    ],
)
def test_a_contact_lasts_from_a_day_on_for_some_days(tmp_path: Path, first: int, seen: int, lasts: bool) -> None:
    found = lasted(tmp_path, [first, 3, 2, 1, 0], seen=seen)
    assert found == ([5, first, (first - 3) ** 2 + 3] if lasts else [0, 0, 0])


def test_few_windows_do_not_last(tmp_path: Path) -> None:
    assert lasted(tmp_path, [192, 96, 8, 0]) == [0, 0, 0]


def test_a_steady_contact_has_evidence_and_stays_rare(tmp_path: Path) -> None:
    activity = activity_of(tmp_path, range(192, -1, -12))  # every three hours for two days: 16 equal gaps
    evidence = pair_evidence(activity, PARAMETERS)
    assert evidence.amounts["lasting_even"].tolist() == pytest.approx([np.sqrt(16 * 2)])
    assert evidence.amounts["lasting_days"].tolist() == pytest.approx([2.0])
    for what in set(NOVELTIES) - {"owner"}:  # which counts as the network
        assert not activity[f"{what}_bits"][0].as_py()  # not new
        assert evidence.rarities[f"{what}_rarity"].tolist() == activity[f"{what}_bits_now"].to_pylist()
    assert evidence.rarities["peer_rarity"][0] > 0


def test_uneven_contacts_have_less(tmp_path: Path) -> None:
    evidence = pair_evidence(activity_of(tmp_path, [192, 191, 190, 2, 1, 0]), PARAMETERS)
    mean, square = 192 / 5, (2 * 1 + 188**2 + 2 * 1) / 5
    variation = np.sqrt(square - mean**2) / mean  # 1.96
    assert evidence.amounts["lasting_even"].tolist() == [0.0]
    assert evidence.amounts["lasting_days"].tolist() == pytest.approx([2 * PARAMETERS.lasting_variation / variation])


@pytest.mark.parametrize(("others", "found"), [(4, True), (5, False)])
def test_what_a_quorum_of_others_met_is_no_evidence(tmp_path: Path, others: int, found: bool) -> None:
    evidence = pair_evidence(activity_of(tmp_path, range(192, -1, -12), others=others), PARAMETERS)
    assert (evidence.amounts["lasting_days"][0] > 0) == found
    assert (evidence.rarities["peer_rarity"][0] > 0) == found


def test_what_comes_in_is_no_evidence(tmp_path: Path) -> None:
    began = slice_row(NOW - DAY * WINDOW, peer_ip="198.51.100.9")
    slices = [slice_row(NOW - age * WINDOW, peer_ip=PEER, role="inbound") for age in range(192, -1, -12)]
    lake = Lake(str(write_pairs(tmp_path, [*slices, began, slice_row(NOW - 500 * WINDOW)])), SPEC)
    (part,) = read_activity(lake, Windows(NOW, NOW + WINDOW), CIDRS, PARAMETERS)
    assert part["lasting_windows"].to_pylist() == [17]
    assert pair_evidence(part, PARAMETERS).amounts["lasting_days"].tolist() == [0.0]


def test_hosts_that_were_not_seen_are_later_than_any() -> None:
    def contacts(host: list[int], start: list[int]) -> Contacts:
        some, one = np.zeros(len(host), dtype=np.int32), np.zeros(1, int)
        return Contacts(np.array(host, np.int32), some, some, np.array(start, np.int32), one, one, one, {})

    seen = HostsSeen()
    assert seen.of(np.array([0, 3])).tolist() == [LATE, LATE]
    seen.add(contacts([2, 0, 2], [7, 5, 6]))
    seen.add(contacts([0], [4]))
    assert seen.of(np.array([0, 1, 2, 3])).tolist() == [4, LATE, 6, LATE]
