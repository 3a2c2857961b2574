import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.arrays import Floats
from common.detection.explanation import PieceExplanation
from common.detection.members.member import Samples
from common.detection.members.pairs import PairsMember, pair_samples
from common.detection.members.spread import SpreadMember
from common.detection.pairs import explain
from common.detection.pairs.activity import read_activity
from common.detection.pairs.common_maxima import CommonMaxima
from common.detection.pairs.evidence import EXCESSES, SPREADS, pair_evidence, spreads
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.scoring import EvidenceModel
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import CIDRS, quarter, slice_row, write_pairs
from tests.common.detection.synthetic import PARAMETERS, SETTINGS
from tests.factories import SPEC

FIRST = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
TRAINING = Windows(FIRST, FIRST + timedelta(days=3))
NOW = quarter(TRAINING.end, 40)
SCORED = Windows(NOW, NOW + WINDOW)
HOSTS = [f"10.0.0.{n}" for n in range(1, 13)]


def usual() -> list[dict[str, Any]]:
    """Three days in which every host deals with ten peers of two networks, some of them on a day only."""
    rng = np.random.default_rng(5)
    rows = []
    for host in HOSTS:
        for number in range(0, 288, 2):
            start = quarter(FIRST, number)
            for peer in rng.choice(10, 2, replace=False):
                address = (
                    f"198.51.{peer % 2}.{peer}" if rng.random() < 0.97 else f"198.51.{peer % 2}.{rng.integers(200)}"
                )
                rows.append((start, host, address, int(rng.integers(1, 9)), int(rng.random() < 0.05)))
    kept = {row[:3]: row for row in rows}
    return [
        slice_row(start, host_ip=host, peer_ip=peer, sessions_cnt=sessions, failed_cnt=failed)
        for start, host, peer, sessions, failed in kept.values()
    ]


def now(host: str, **differs: Any) -> dict[str, Any]:
    return slice_row(NOW, host_ip=host, **differs)


ANOMALOUS = [
    now(HOSTS[0], peer_ip="203.0.113.66", peer_port=6000, sessions_cnt=40, failed_cnt=40),
    now(HOSTS[1], peer_ip="198.51.0.250", sessions_cnt=150, failed_cnt=140),
    *(now(HOSTS[2], peer_ip=f"203.0.{n}.7", peer_port=80) for n in range(40)),
]
CLOCK = [slice_row(quarter(NOW, -number), host_ip=HOSTS[3], peer_ip="198.51.1.251") for number in range(39)]
QUIET = [now(host, peer_ip="198.51.0.2", sessions_cnt=3) for host in HOSTS[4:]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(str(write_pairs(tmp_path_factory.mktemp("pairs"), [*usual(), *ANOMALOUS, *CLOCK, *QUIET])), SPEC)


Members = dict[str, PairsMember | SpreadMember]


@pytest.fixture(scope="module")
def samples(lake: Lake) -> Samples:
    """The windows that the members are fitted on."""
    parts = list(read_activity(lake, TRAINING, CIDRS, PARAMETERS.pairs))
    return pair_samples(pa.concat_tables(parts).combine_chunks(), PARAMETERS.pairs)


@pytest.fixture(scope="module")
def fitted(samples: Samples) -> dict[str, tuple[PairsMember | SpreadMember, Floats]]:
    """Both members, and the scores of the windows that they were fitted on."""
    return {"pairs": PairsMember.fit(samples, SETTINGS), "spread": SpreadMember.fit(samples, SETTINGS)}


@pytest.fixture(scope="module")
def members(fitted: dict[str, tuple[PairsMember | SpreadMember, Floats]]) -> Members:
    return {name: member for name, (member, _) in fitted.items()}


def keys_of(hosts: list[str]) -> pa.Table:
    columns = {"host_ip": hosts, "window_start_ts": pa.array([NOW] * len(hosts), pa.timestamp("us", "UTC"))}
    return pa.table(columns)


def explained(members: Members, lake: Lake, hosts: list[str], windows: Windows = SCORED) -> dict[str, PieceExplanation]:
    """What both members say of the hosts."""
    parts = list(read_activity(lake, windows, CIDRS, PARAMETERS.pairs))
    activity = pa.concat_tables(parts).combine_chunks() if parts else None
    samples = Samples(keys=keys_of(hosts), activity=activity)
    return {name: member.explain(samples) for name, member in members.items()}


def raw_of(found: dict[str, PieceExplanation]) -> Floats:
    """What the members add to the raw scores."""
    return np.asarray(found["pairs"].scores + 0.25 * found["spread"].scores)


def reasons_of(found: dict[str, PieceExplanation], row: int) -> list[dict[str, Any]]:
    """The reasons of both members for one row."""
    return found["pairs"].reasons(1.0)[row] + found["spread"].reasons(0.25)[row]


@pytest.fixture(scope="module")
def scored(lake: Lake, members: Members) -> dict[str, PieceExplanation]:
    return explained(members, lake, HOSTS)


def test_anomalous_hosts_rank_above_all_others(scored: dict[str, PieceExplanation]) -> None:
    raw = raw_of(scored)
    assert set(np.argsort(-raw)[:4]) == {0, 1, 2, 3}
    assert raw[:4].min() > 1.5 * raw[4:].max()


def test_failures_in_a_known_network_exceed_what_is_known_there(scored: dict[str, PieceExplanation]) -> None:
    reasons = sorted(reasons_of(scored, 1), key=lambda reason: -reason["contribution"])
    names = [reason["feature"] for reason in reasons]
    assert {"pair_failed_24h", "pair_sessions_24h", "pair_sessions_15m"} <= set(names[:4])
    failed = next(reason for reason in reasons if reason["feature"] == "pair_failed_24h")
    assert failed["value"] == 140 and failed["baseline_median"] < 10


def test_many_first_contacts_are_found_by_their_number(scored: dict[str, PieceExplanation]) -> None:
    found = {reason["feature"]: reason for reason in reasons_of(scored, 2)}
    assert found["spread_new_peers"]["value"] == 40
    assert found["spread_new_peers"]["kind"] == "outbound"


def test_a_clock_is_found_by_its_evenness(scored: dict[str, PieceExplanation]) -> None:
    found = {reason["feature"]: reason for reason in reasons_of(scored, 3)}
    for name in ("pair_regular_24h", "pair_regular_new_24h"):
        assert found[name]["value"] == 1.0 and 0 <= found[name]["baseline_median"] < 1
        assert found[name]["contribution"] > 0


def test_reasons_add_up_to_what_pairs_add(scored: dict[str, PieceExplanation]) -> None:
    for row, raw in enumerate(raw_of(scored)):
        assert sum(reason["contribution"] for reason in reasons_of(scored, row)) == pytest.approx(raw, abs=1e-4)


@pytest.mark.parametrize("name", ["pairs", "spread"])
def test_what_a_member_explains_adds_up_to_its_score(
    lake: Lake, members: Members, scored: dict[str, PieceExplanation], name: str
) -> None:
    found = scored[name]
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.scores, rtol=1e-12)
    parts = list(read_activity(lake, SCORED, CIDRS, PARAMETERS.pairs))
    again = members[name].score_samples(Samples(keys=keys_of(HOSTS), activity=pa.concat_tables(parts).combine_chunks()))
    np.testing.assert_array_equal(again, found.scores)


def test_the_foremost_pairs_are_scored_and_explained_as_among_all(
    lake: Lake, members: Members, scored: dict[str, PieceExplanation]
) -> None:
    activity = pa.concat_tables(read_activity(lake, SCORED, CIDRS, PARAMETERS.pairs)).combine_chunks()
    evidence = pair_evidence(activity, PARAMETERS.pairs)
    rows = members["pairs"].model.score(evidence)
    foremost = activity.take(pa.array(rows.foremost(explain.PEERS_SHOWN)))
    assert len(foremost) < len(activity)
    samples = Samples(
        keys_of(HOSTS),
        activity=foremost,
        counts=spreads(activity),
        common={"pairs": CommonMaxima.of(evidence, PARAMETERS.pairs)},
        levels={"pairs": NetworkLevels.of(HostScores.of_kinds(rows), PARAMETERS.pairs)},
    )
    for name, member in members.items():
        found = member.explain(samples)
        for what, values in vars(scored[name]).items():
            np.testing.assert_array_equal(getattr(found, what), values, err_msg=f"{name} {what}")


def test_evidence_names_the_pair(scored: dict[str, PieceExplanation]) -> None:
    first = json.loads(scored["pairs"].strongest_pairs[0])[0]
    assert (first["peer_ip"], first["peer_port"], first["kind"]) == ("203.0.113.66", 6000, "outbound")
    assert first["new"] == ["peer", "network", "service", "use"]
    assert (first["sessions"], first["failed"], first["others"]["peer"]) == (40, 40, 0)


def test_the_pair_that_the_reasons_are_about_is_always_named(
    lake: Lake, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "PEERS_SHOWN", 0)
    found = explained(members, lake, HOSTS)
    for row, text in enumerate(found["pairs"].strongest_pairs):
        pairs = json.loads(text)
        told = {reason["feature"] for reason in reasons_of(found, row) if reason["feature"].startswith("pair_")}
        assert {f"pair_{name}" for pair in pairs for name in pair["pieces"]} >= told
        assert len(pairs) == bool(told)


def test_hosts_without_pairs_add_nothing(lake: Lake, members: Members) -> None:
    found = explained(members, lake, ["10.0.0.99", HOSTS[0]])
    raw = raw_of(found)
    assert raw[0] == 0 and raw[1] > 0
    assert found["pairs"].strongest_pairs[0] == "[]" and reasons_of(found, 0) == []


def test_a_window_without_any_pair_adds_nothing(lake: Lake, members: Members) -> None:
    found = explained(members, lake, HOSTS, Windows(NOW + 8 * WINDOW, NOW + 9 * WINDOW))
    assert raw_of(found).tolist() == [0] * len(HOSTS)
    assert found["pairs"].strongest_pairs == ["[]"] * len(HOSTS)
    assert [reasons_of(found, row) for row in range(len(HOSTS))] == [[]] * len(HOSTS)


def test_training_windows_are_judged_without_themselves(
    fitted: dict[str, tuple[PairsMember | SpreadMember, Floats]],
) -> None:
    scores = {name: found for name, (_, found) in fitted.items()}
    raw = scores["pairs"] + 0.25 * scores["spread"]
    # log10 units: a tenth of ordinary windows has 1 or more, give or take
    assert 0.02 < (scores["pairs"] >= 1).mean() < 0.3
    assert (raw >= 0).all() and np.isfinite(raw).all()


def test_scores_keep_the_order_of_the_keys(samples: Samples, members: Members) -> None:
    turned = replace(samples, keys=samples.keys.take(pa.array(np.arange(len(samples.keys))[::-1])))
    for member in members.values():
        np.testing.assert_array_equal(member.score_samples(turned)[::-1], member.score_samples(samples))


def test_saved_members_score_the_same(lake: Lake, members: Members, scored: dict[str, PieceExplanation]) -> None:
    def saved(name: str, amounts: tuple[str, ...]) -> EvidenceModel:
        model = members[name].model
        raw = json.loads(json.dumps(model.to_dict()))
        return EvidenceModel.from_parts(raw, model.arrays(name), name, amounts, PARAMETERS)

    again: Members = {
        "pairs": PairsMember(saved("pairs", EXCESSES)),
        "spread": SpreadMember(saved("spread", SPREADS)),
    }
    found = explained(again, lake, HOSTS)
    np.testing.assert_array_equal(raw_of(found), raw_of(scored))
    assert found["pairs"].strongest_pairs == scored["pairs"].strongest_pairs
