from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.detection.pairs import first_seen, pair_keys, reading
from common.detection.pairs.activity import read_activity
from common.detection.pairs.contacts import networks
from common.detection.pairs.evidence import pair_evidence
from common.detection.pairs.owners import OwnersFile, read_owners
from common.detection.pairs.reading import has_pairs
from common.detection.pairs.regularity import evenness
from common.detection.parameters import current_parameters
from common.errors import TableError
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.owner_files import CLOUD, HOSTING, write_owners
from tests.common.detection.pairs.pair_tables import CIDRS, busy_hosts, slice_row, write_pairs
from tests.factories import SPEC
from tests.types import Row

PARAMETERS = current_parameters().pairs
NOW = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOWS = Windows(NOW, NOW + WINDOW)


def read(
    tmp_path: Path,
    slices: list[Row],
    windows: Windows = WINDOWS,
    unfinished: str = "",
    owners: OwnersFile | None = None,
) -> dict[tuple[Any, ...], Row]:
    """The activity of the windows as rows by host, peer, port and start."""
    lake = Lake(str(write_pairs(tmp_path, slices, unfinished)), SPEC)
    parts = read_activity(lake, windows, CIDRS, PARAMETERS, owners=owners)
    rows = [row for part in parts for row in part.to_pylist()]
    return {(row["host_ip"], row["peer_ip"], row["peer_port"], row["window_start_ts"]): row for row in rows}


def only(found: dict[tuple[Any, ...], Row]) -> Row:
    assert len(found) == 1
    return next(iter(found.values()))


def test_the_last_day_adds_up_to_and_with_the_window(tmp_path: Path) -> None:
    slices = [
        slice_row(NOW, sessions_cnt=5, failed_cnt=2, bytes_src_sum=10),
        slice_row(NOW, protocol="udp", sessions_cnt=1, failed_cnt=0, bytes_src_sum=1),  # protocols count together
        slice_row(NOW - 95 * WINDOW, sessions_cnt=7, failed_cnt=7, bytes_src_sum=100),  # the first slice of 24 hours
        slice_row(NOW - 96 * WINDOW, sessions_cnt=1000),
        slice_row(NOW - WINDOW, peer_port=80, sessions_cnt=500),
    ]
    row = only(read(tmp_path, slices))
    assert (row["sessions"], row["failed"], row["sent"]) == (6, 2, 11)
    assert (row["sessions_day"], row["failed_day"], row["sent_day"]) == (13, 9, 111)


def times(start: datetime, *seconds: float) -> Row:
    """The times and gaps of sessions that start these seconds after the window does."""
    gaps = np.diff(seconds)
    first, last = (start + timedelta(seconds=seconds[place]) for place in (0, -1))
    sums = {"gap_sum_s": float(gaps.sum()), "gap_sq_sum_s": float((gaps**2).sum())}
    return {"first_ts": first, "last_ts": last, "sessions_cnt": len(seconds)} | sums


def test_gaps_reach_from_window_to_window_but_not_before_the_day(tmp_path: Path) -> None:
    slices = [
        slice_row(NOW - 96 * WINDOW, **times(NOW - 96 * WINDOW, 10)),
        slice_row(NOW - 95 * WINDOW, **times(NOW - 95 * WINDOW, 20, 50)),
        slice_row(NOW - WINDOW, **times(NOW - WINDOW, 0)),
        slice_row(NOW, **times(NOW, 100, 200, 400)),
    ]
    row = only(read(tmp_path, slices))
    gaps = np.array([30, 94 * 900 - 50, 1000, 100, 200])
    assert (row["sessions_day"], row["gap_s_day"], row["gap_sq_s_day"]) == (6, gaps.sum(), (gaps**2).sum())


def activity_of(tmp_path: Path, starts: Iterable[float]) -> pa.Table:
    """The activity of a pair whose sessions start at these seconds before the end of the window."""
    slices = []
    for number in range(96):
        start = NOW - number * WINDOW
        mine = sorted(s for at in starts if 0 <= (s := (NOW + WINDOW - start).total_seconds() - at) < 900)
        slices += [slice_row(start, **times(start, *mine))] if mine else []
    lake = Lake(str(write_pairs(tmp_path, slices)), SPEC)
    (part,) = read_activity(lake, WINDOWS, CIDRS, PARAMETERS)
    return part


def test_evenness_is_one_for_a_clock_and_none_for_chance(tmp_path: Path) -> None:
    clock = activity_of(tmp_path / "clock", range(30, 86_000, 1_200))
    least = PARAMETERS.regular_sessions
    assert evenness(clock, least).tolist() == [1.0]
    assert pair_evidence(clock, PARAMETERS).amounts["regular_24h"][0] == pytest.approx(
        np.sqrt(clock["sessions_day"][0].as_py() - 1)
    )
    rng = np.random.default_rng(3)
    jitter = activity_of(tmp_path / "jitter", [200 + 1_200 * n + rng.uniform(-120, 120) for n in range(70)])
    assert (
        0.9 < evenness(jitter, least)[0] < 0.95
    )  # differences of two uniform numbers within a tenth: sqrt(2 / 3) / 10
    chance = activity_of(tmp_path / "chance", [30, *np.cumsum(rng.exponential(1_000, 80))])
    assert evenness(chance, least)[0] < 0.25
    few = activity_of(tmp_path / "few", range(30, 4_000, 1_200))
    assert evenness(few, least).tolist() == [0.0]  # four sessions


@pytest.mark.parametrize(
    ("age", "new"),
    [(96 * WINDOW, False), (95 * WINDOW, True), (timedelta(0), True), (29 * DAY, False), (31 * DAY, True)],
)
def test_what_was_met_before_the_last_day_and_within_30_is_not_new(tmp_path: Path, age: timedelta, new: bool) -> None:
    other = slice_row(NOW - 2 * DAY, host_ip="10.0.0.2", peer_ip="203.0.113.9", peer_port=22)
    row = only(read(tmp_path, [slice_row(NOW), slice_row(NOW - age), other] if age else [slice_row(NOW), other]))
    assert [row[f"{what}_new"] for what in ("peer", "network", "service", "use")] == [new] * 4


def test_rarity_counts_the_other_hosts(tmp_path: Path) -> None:
    slices = [slice_row(NOW), slice_row(NOW - 2 * DAY, peer_ip="192.0.2.1", peer_port=443)]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="198.51.100.8") for n in (2, 3)]
    slices += [slice_row(NOW - 2 * DAY, host_ip="10.0.0.4", peer_ip="198.51.100.7", peer_port=22)]
    row = only(read(tmp_path, slices))
    # four hosts with history; one had the peer, three its network, two 443 in that network
    assert (row["peer_new"], row["peer_others"], row["peer_bits"]) == (True, 1, pytest.approx(np.log2(5 / 2)))
    assert (row["network_others"], row["network_bits"]) == (3, pytest.approx(np.log2(5 / 4)))
    assert (row["use_others"], row["use_bits"]) == (2, pytest.approx(np.log2(5 / 3)))
    assert (row["service_new"], row["service_bits"]) == (False, 0)  # the host used 443 before


def test_what_the_host_has_long_met_is_as_rare_among_others_as_what_is_new(tmp_path: Path) -> None:
    slices = [slice_row(NOW), slice_row(NOW - 2 * DAY), slice_row(NOW - WINDOW, host_ip="10.0.0.2")]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="198.51.100.8") for n in range(2, 8)]
    slices += [slice_row(NOW + WINDOW, host_ip="10.0.0.3")]  # too late to count
    row = only(read(tmp_path, slices))
    # seven hosts with history; one other has met the peer by now, six others its network, a quorum
    assert (row["peer_new"], row["peer_bits"], row["peer_others"]) == (False, 0, 0)
    assert (row["peer_others_now"], row["peer_bits_now"], row["peer_usual"]) == (1, pytest.approx(2), False)
    assert (row["network_others_now"], row["network_bits_now"], row["network_usual"]) == (
        6,
        pytest.approx(np.log2(8 / 7)),
        True,
    )


def test_an_owner_is_met_in_any_of_its_networks(tmp_path: Path) -> None:
    owners = read_owners(write_owners(tmp_path / "asn.mmdb"))
    slices = [slice_row(NOW), slice_row(NOW, peer_ip="203.0.113.9"), slice_row(NOW, peer_ip="192.0.2.9")]
    slices += [slice_row(NOW, peer_ip="10.1.4.9"), slice_row(NOW - 2 * DAY, peer_ip="198.51.0.7")]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="198.51.1.8") for n in (2, 3)]
    slices += [slice_row(NOW - 2 * DAY, host_ip="10.0.0.4", peer_ip="198.51.100.200")]
    found = {peer: row for (_, peer, _, _), row in read(tmp_path, slices, owners=owners).items()}
    # four hosts with history; one other has met Example Hosting, and this one Example Cloud, in another network
    hosting, cloud, unknown, inside = (found[peer] for peer in ("198.51.100.7", "203.0.113.9", "192.0.2.9", "10.1.4.9"))
    assert [row["owner"] for row in (hosting, cloud, unknown, inside)] == [HOSTING, CLOUD, None, None]
    assert (hosting["owner_new"], hosting["owner_others"]) == (True, 1)
    assert hosting["owner_bits"] == hosting["owner_bits_now"] == pytest.approx(np.log2(5 / 2))
    assert (cloud["owner_new"], cloud["owner_bits"], cloud["owner_others_now"]) == (False, 0, 2)
    assert (cloud["network_new"], cloud["network_bits"]) == (True, pytest.approx(np.log2(5)))
    for row in (unknown, inside):
        assert (row["owner_new"], row["owner_bits"], row["owner_bits_now"], row["owner_others"]) == (False, 0, 0, 0)
        assert row["network_new"]


def test_a_network_is_as_rare_as_its_owner_where_that_is_known(tmp_path: Path) -> None:
    owners = read_owners(write_owners(tmp_path / "asn.mmdb"))
    slices = [slice_row(NOW, peer_ip=peer) for peer in ("192.0.2.9", "198.51.100.7", "203.0.113.9")]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="198.51.1.8") for n in (1, 2)]
    lake = Lake(str(write_pairs(tmp_path, slices)), SPEC)
    for given, bits in ((owners, [np.log2(3), np.log2(3), 0.0]), (None, [np.log2(3)] * 3)):
        (part,) = read_activity(lake, WINDOWS, CIDRS, PARAMETERS, owners=given)
        evidence = pair_evidence(part, PARAMETERS)
        assert list(evidence.rarities) == ["peer_rarity", "network_rarity", "service_rarity", "use_rarity"]
        assert evidence.rarities["network_rarity"].tolist() == pytest.approx(bits)
        assert evidence.among_others is not None
        now = [np.log2(3), np.log2(3), np.log2(3 / 2) if given else np.log2(3)]
        assert evidence.among_others.rarities["network_rarity"].tolist() == pytest.approx(now)


@pytest.mark.parametrize(("age", "young"), [(191 * WINDOW, True), (192 * WINDOW, False)])
def test_to_a_host_without_a_past_only_what_few_others_have_met_is_new(
    tmp_path: Path, age: timedelta, young: bool
) -> None:
    slices = [slice_row(NOW), slice_row(NOW, peer_ip="203.0.113.9")]
    slices += [slice_row(NOW - age, peer_ip="192.0.2.1", peer_port=22)]
    slices += [slice_row(NOW - 3 * DAY, host_ip=f"10.0.0.{n}") for n in range(2, 7)]
    slices += [slice_row(NOW - WINDOW, host_ip="10.0.0.7", peer_ip="203.0.113.9")]
    found = {key[1]: row for key, row in read(tmp_path, slices).items()}
    usual, rare = found["198.51.100.7"], found["203.0.113.9"]
    # five of the six others have long met the one, one has just met the other
    assert [usual[f"{what}_new"] for what in ("peer", "network", "use")] == [not young] * 3
    assert (rare["peer_new"], rare["peer_others"]) == (True, 1 if young else 0)
    # of seven hosts by now; of five with contacts before the last 24 hours, and the host itself
    bits = np.log2(8 / 2) if young else np.log2(7)
    assert (usual["peer_bits"] == 0, rare["peer_bits"]) == (young, pytest.approx(bits))


def test_on_the_first_day_of_a_network_what_one_host_meets_is_rare(tmp_path: Path) -> None:
    slices = [slice_row(NOW - n * WINDOW, host_ip=f"10.0.0.{n}") for n in range(2, 8)]
    slices += [slice_row(NOW), slice_row(NOW, peer_ip="203.0.113.9", peer_port=6667)]
    found = {key[1]: row for key, row in read(tmp_path, slices).items() if key[0] == "10.0.0.1"}
    usual, rare = found["198.51.100.7"], found["203.0.113.9"]
    assert [(row["peer_new"], row["use_new"]) for row in (usual, rare)] == [(False, False), (True, True)]
    assert (usual["peer_bits"], rare["peer_bits"]) == (0.0, pytest.approx(np.log2(8)))  # none of seven hosts but one


def test_roles_do_not_mix(tmp_path: Path) -> None:
    slices = [slice_row(NOW), slice_row(NOW - 2 * DAY, role="inbound")]
    assert only(read(tmp_path, slices))["peer_new"]


@pytest.mark.parametrize("unfinished", ["", "2026-03-10"])
@pytest.mark.parametrize("before", [timedelta(0), 40 * WINDOW])
def test_what_a_quorum_begins_at_once_is_not_rare(tmp_path: Path, before: timedelta, unfinished: str) -> None:
    slices = [slice_row(NOW, host_ip=f"10.0.0.{n}") for n in range(1, 7)]
    slices += [slice_row(NOW - before, host_ip=f"10.0.0.{n}") for n in range(1, 7) if before]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="192.0.2.1", peer_port=22) for n in range(1, 9)]
    found = read(tmp_path, slices, unfinished=unfinished)
    # five others of eight began today: they count, and the pair is marked
    marked = {(row["use_joined"], row["use_others"], row["use_bits"]) for row in found.values()}
    assert marked == {(True, 5, 0.0)}
    four = [row for row in slices if row["window_start_ts"] < NOW - DAY or row["host_ip"] < "10.0.0.5"]
    assert {(row["use_joined"], row["use_others"]) for row in read(tmp_path, four).values()} == {(False, 0)}


def test_what_fails_for_the_host_is_rare_whoever_else_begins_it(tmp_path: Path) -> None:
    slices = [slice_row(NOW, host_ip=f"10.0.0.{n}", failed_cnt=int(n == 1)) for n in range(1, 7)]
    slices += [slice_row(NOW - 2 * DAY, host_ip=f"10.0.0.{n}", peer_ip="192.0.2.1", peer_port=22) for n in range(1, 9)]
    found = {key[0]: row for key, row in read(tmp_path, slices).items()}
    assert [found[f"10.0.0.{n}"]["peer_joined"] for n in (1, 2)] == [False, True]
    assert [found[f"10.0.0.{n}"]["peer_bits"] for n in (1, 2)] == [pytest.approx(np.log2(9)), 0.0]


@pytest.mark.slow
def test_a_window_alone_is_as_in_its_range(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    slices = {}
    for number in range(0, 400):
        start = NOW - int(rng.integers(0, 400)) * WINDOW
        host, peer, port = f"10.0.0.{rng.integers(1, 9)}", f"198.51.{rng.integers(3)}.{rng.integers(9)}", 443
        slices[start, host, peer] = slice_row(
            start,
            host_ip=host,
            peer_ip=peer,
            peer_port=port,
            **times(start, *sorted(rng.uniform(0, 900, number % 9 + 1))),
        )
    whole = read(tmp_path, list(slices.values()), Windows(NOW - 40 * WINDOW, NOW + WINDOW))
    for start in {key[3] for key in whole}:
        lake = Lake(str(tmp_path), SPEC)
        for part in read_activity(lake, Windows(start, start + WINDOW), CIDRS, PARAMETERS):
            for row in part.to_pylist():
                assert row == whole[row["host_ip"], row["peer_ip"], row["peer_port"], start]


def test_how_much_is_read_at_once_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slices = busy_hosts(NOW - 3 * DAY, 4, 3 * 96)
    windows, owners = Windows(NOW - DAY, NOW + WINDOW), read_owners(write_owners(tmp_path / "asn.mmdb"))
    whole = read(tmp_path, slices, windows, owners=owners)
    assert len(whole) > 100
    monkeypatch.setattr(reading, "SLICES_AT_ONCE", 1)  # window by window
    monkeypatch.setattr(first_seen, "CONTACTS_AT_ONCE", 1)
    assert read(tmp_path, slices, windows, owners=owners) == whole


@pytest.mark.parametrize(
    ("differs", "judged"),
    [
        ({}, False),  # swept, and nobody is there
        ({"failed_cnt": 0}, True),
        ({"sent": NOW - 20 * DAY}, True),  # it has sent something, so it is a host
        ({"sent": NOW - 31 * DAY}, False),
    ],
)
def test_an_address_that_never_sent_and_does_not_answer_is_no_host(tmp_path: Path, differs: Row, judged: bool) -> None:
    sent = differs.pop("sent", None)
    dark = {"host_ip": "10.0.0.99", "failed_cnt": 1} | differs
    slices = [slice_row(NOW), slice_row(NOW, role="inbound", peer_ip="10.0.0.1", **dark)]
    slices += [slice_row(sent, host_ip="10.0.0.99", peer_ip="192.0.2.9")] if sent else []
    assert ("10.0.0.99" in {key[0] for key in read(tmp_path, slices)}) == judged


def test_only_the_named_hosts_are_read_but_all_count(tmp_path: Path) -> None:
    slices = [slice_row(NOW), slice_row(NOW, host_ip="10.0.0.2"), slice_row(NOW - 2 * DAY, host_ip="10.0.0.3")]
    lake = Lake(str(write_pairs(tmp_path, slices)), SPEC)
    (part,) = read_activity(lake, WINDOWS, CIDRS, PARAMETERS, ["10.0.0.1"])
    assert part["host_ip"].to_pylist() == ["10.0.0.1"]
    assert part["peer_others"].to_pylist() == [2]  # to a host without a past, both have met it by now


def test_more_pairs_than_numbers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_keys, "KEYS_MOST", 40)  # 3 hosts, 3 peers in 1 network and none of these, 3 services
    slices = [slice_row(NOW, host_ip=f"10.0.0.{n}", peer_ip=f"192.0.2.{n}") for n in range(3)]
    with pytest.raises(TableError, match=r"too many hosts, peers and services.*internal_cidrs"):
        read(tmp_path, slices)


def test_each_date_is_read_once_and_only_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(write_pairs(tmp_path, [slice_row(NOW - age * DAY) for age in (0, 1, 3, 40)])), SPEC)
    read_dates: list[str] = []

    def arrow(name: str, columns: Sequence[str], *rest: Any, **more: Any) -> pa.Table:
        read_dates.extend(more.get("equal", {}).get("date", []))
        return Lake.arrow(lake, name, columns, *rest, **more)

    monkeypatch.setattr(lake, "arrow", arrow)
    assert len(list(read_activity(lake, Windows(NOW - DAY, NOW + WINDOW), CIDRS, PARAMETERS))) == 2
    assert read_dates == ["2026-03-07", "2026-03-09"]


def test_a_lake_without_pairs_says_so(tmp_path: Path) -> None:
    assert not has_pairs(Lake(str(tmp_path), SPEC))
    assert has_pairs(Lake(str(write_pairs(tmp_path, [slice_row(NOW)])), SPEC))


def test_networks() -> None:
    addresses = ["10.1.2.3", "198.51.100.7", "fd00::1:2", "2001:db8:0:1:2::3", "172.32.0.1"]
    assert networks(pa.array(addresses), 64).to_pylist() == [
        "10.1.2",
        "198.51.100",
        "fd00::/64",
        "2001:db8:0:1::/64",
        "172.32.0",
    ]
