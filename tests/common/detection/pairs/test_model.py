import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.detection.calibration.global_quantiles import ScoreQuantiles
from common.detection.pairs.activity import read_activity
from common.detection.pairs.explain import PairScores, score_pairs
from common.detection.pairs.model import Judged, PairModel, joined, raw_scores, window_surprises
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import CIDRS, SPEC, quarter, slice_row, write_pairs
from tests.types import Row

FIRST = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
TRAINING = Windows(FIRST, FIRST + timedelta(days=3))
NOW = quarter(TRAINING.end, 40)
SCORED = Windows(NOW, NOW + WINDOW)
HOSTS = [f"10.0.0.{n}" for n in range(1, 13)]


def usual() -> list[Row]:
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


def now(host: str, **differs: Any) -> Row:
    return slice_row(NOW, host_ip=host, **differs)


ODD = [
    now(HOSTS[0], peer_ip="203.0.113.66", peer_port=6000, sessions_cnt=40, failed_cnt=40),
    now(HOSTS[1], peer_ip="198.51.0.250", sessions_cnt=150, failed_cnt=140),
    *(now(HOSTS[2], peer_ip=f"203.0.{n}.7", peer_port=80) for n in range(40)),
]
CLOCK = [slice_row(quarter(NOW, -number), host_ip=HOSTS[3], peer_ip="198.51.1.251") for number in range(39)]
QUIET = [now(host, peer_ip="198.51.0.2", sessions_cnt=3) for host in HOSTS[4:]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(str(write_pairs(tmp_path_factory.mktemp("pairs"), [*usual(), *ODD, *CLOCK, *QUIET])), SPEC)


@pytest.fixture(scope="module")
def fitted(lake: Lake) -> tuple[PairModel, Judged, Judged]:
    activity = pa.concat_tables(list(read_activity(lake, TRAINING, CIDRS))).combine_chunks()
    return PairModel.fit(activity)


def keys_of(hosts: Sequence[str]) -> pa.Table:
    columns = {"host_ip": hosts, "window_start_ts": pa.array([NOW] * len(hosts), pa.timestamp("us", "UTC"))}
    return pa.table(columns)


@pytest.fixture(scope="module")
def scored(lake: Lake, fitted: tuple[PairModel, Judged, Judged]) -> PairScores:
    return score_pairs(fitted[0], lake, SCORED, CIDRS, keys_of(HOSTS))


def test_odd_hosts_rank_above_all_others(scored: PairScores) -> None:
    assert set(np.argsort(-scored.raw)[:4]) == {0, 1, 2, 3}
    assert scored.raw[:4].min() > 1.5 * scored.raw[4:].max()


def test_failures_in_a_known_network_exceed_what_is_known_there(scored: PairScores) -> None:
    names = [reason["feature"] for reason in sorted(scored.reasons[1], key=lambda reason: -reason["contribution"])]
    assert {"pair_failed_24h", "pair_sessions_24h", "pair_sessions_15m"} <= set(names[:4])
    failed = next(reason for reason in scored.reasons[1] if reason["feature"] == "pair_failed_24h")
    assert failed["value"] == 140 and failed["baseline_median"] < 10


def test_many_first_contacts_are_found_by_their_number(scored: PairScores) -> None:
    found = {reason["feature"]: reason for reason in scored.reasons[2]}
    assert found["spread_new_peers"]["value"] == 40
    assert found["spread_new_peers"]["kind"] == "outbound"


def test_a_clock_is_found_by_its_evenness(scored: PairScores) -> None:
    found = {reason["feature"]: reason for reason in scored.reasons[3]}
    for name in ("pair_regular_24h", "pair_regular_new_24h"):
        assert found[name]["value"] == 1.0 and 0 <= found[name]["baseline_median"] < 1
        assert found[name]["contribution"] > 0


def test_reasons_add_up_to_what_pairs_add(scored: PairScores) -> None:
    for raw, reasons in zip(scored.raw, scored.reasons, strict=True):
        assert sum(reason["contribution"] for reason in reasons) == pytest.approx(raw, abs=1e-4)


def test_evidence_names_the_pair(scored: PairScores) -> None:
    first = json.loads(scored.evidence[0])[0]
    assert (first["peer_ip"], first["peer_port"], first["kind"]) == ("203.0.113.66", 6000, "outbound")
    assert first["new"] == ["peer", "network", "service", "use"]
    assert (first["sessions"], first["failed"], first["others"]["peer"]) == (40, 40, 0)


def test_hosts_without_pairs_add_nothing(lake: Lake, fitted: tuple[PairModel, Judged, Judged]) -> None:
    scores = score_pairs(fitted[0], lake, SCORED, CIDRS, keys_of(["10.0.0.99", HOSTS[0]]))
    assert scores.raw[0] == 0 and scores.raw[1] > 0
    assert scores.evidence[0] == "[]" and scores.reasons[0] == []


def test_a_window_without_any_pair_adds_nothing(lake: Lake, fitted: tuple[PairModel, Judged, Judged]) -> None:
    later = Windows(NOW + 8 * WINDOW, NOW + 9 * WINDOW)
    assert score_pairs(fitted[0], lake, later, CIDRS, keys_of(HOSTS)).raw.tolist() == [0] * len(HOSTS)


def test_training_windows_are_judged_without_themselves(fitted: tuple[PairModel, Judged, Judged]) -> None:
    _, pairs, spread = fitted
    surprises = window_surprises(pairs, spread)
    raw = raw_scores(surprises)
    # decades of rarity: a tenth of ordinary windows has one decade or more, give or take
    assert 0.02 < (surprises["pairs"].to_numpy() >= 1).mean() < 0.3
    assert (raw >= 0).all() and np.isfinite(raw).all()


def test_joined_keeps_the_order_of_the_keys(fitted: tuple[PairModel, Judged, Judged]) -> None:
    _, pairs, spread = fitted
    surprises = window_surprises(pairs, spread)
    turned = surprises.select(["host_ip", "window_start_ts"]).take(pa.array(np.arange(len(surprises))[::-1]))
    assert joined(turned, surprises)["pairs"].to_pylist() == surprises["pairs"].to_pylist()[::-1]


def test_saved_model_scores_the_same(lake: Lake, fitted: tuple[PairModel, Judged, Judged], scored: PairScores) -> None:
    model = replace(fitted[0], calibration=ScoreQuantiles.fit(np.arange(10.0)))
    again = PairModel.from_dict(json.loads(json.dumps(model.to_dict())))
    found = score_pairs(again, lake, SCORED, CIDRS, keys_of(HOSTS))
    np.testing.assert_array_equal(found.raw, scored.raw)
    assert found.evidence == scored.evidence
    assert again.calibration is not None and again.calibration.rows == 10
