"""The rarity of the pairs of FG-A rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from common.contracts import tables
from common.windows import Windows
from jobs.fg_c.pairs import COUNT_COLUMNS, Pairs
from tests.factories import SPEC, fg_a_row, pair_counts_row

BOTH = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:38Z")
FIRST, SECOND = map(str, BOTH)
HOST = "10.1.1.10"


def counts(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=tables(SPEC)["pair_counts"].arrow).select(COUNT_COLUMNS)


def hosts(*rows: dict[str, Any]) -> pa.Table:
    starts = pa.array([row["window_start_ts"] for row in rows], pa.timestamp("us", "UTC"))
    return pa.table({"host_ip": [row["host_ip"] for row in rows], "window_start_ts": starts})


def known(*rows: tuple[str, str, int, float]) -> pa.Table:
    names = ("src_ip", "dst_ip", "dst_port", "pair_rarity_score")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def test_each_row_has_the_pairs_of_its_host_and_window() -> None:
    fg_a = hosts(fg_a_row(SPEC, FIRST), fg_a_row(SPEC, SECOND), fg_a_row(SPEC, SECOND, host_ip="10.1.1.11"))
    pairs = Pairs.of(
        counts(
            pair_counts_row(FIRST, dst_ip="a", dst_port=443),
            pair_counts_row(FIRST, dst_ip="a", dst_port=80),
            pair_counts_row(FIRST, dst_ip="b", dst_port=443),
            pair_counts_row(SECOND, dst_ip="a", dst_port=443),
            pair_counts_row(FIRST, src_ip="10.1.1.11", dst_ip="a", dst_port=443),  # has no row in this window
            pair_counts_row(FIRST, src_ip="198.51.100.7", dst_ip="a", dst_port=443),  # is no host
        ),
        fg_a,
        BOTH,
    )
    found = pairs.features(
        known((HOST, "a", 443, 0.25), (HOST, "b", 443, 0.5), (HOST, "c", 80, 0.1), ("x", "a", 80, 0.1))
    )
    np.testing.assert_array_equal(found["pair_rarity_max"], [1.0, 0.25, np.nan])  # port 80 is unknown, so 1
    np.testing.assert_allclose(found["pair_rarity_mean"], [1.75 / 3, 0.25, np.nan], rtol=1e-15)
    np.testing.assert_array_equal(found["new_pair_share"], [1 / 3, 0.0, np.nan])


def test_the_mean_does_not_depend_on_the_order_of_the_pairs() -> None:
    dice = np.random.default_rng(5)
    scores = 1 / (1 + dice.geometric(0.02, 3000))
    rows = [pair_counts_row(FIRST, dst_port=port) for port in range(3000)]
    baseline = known(*((HOST, "198.51.100.7", port, score) for port, score in enumerate(scores.tolist())))
    means = set()
    for _ in range(3):
        order = dice.permutation(3000)
        pairs = Pairs.of(counts(*(rows[place] for place in order)), hosts(fg_a_row(SPEC, FIRST)), BOTH)
        means.add(float(pairs.features(baseline.take(pa.array(dice.permutation(3000))))["pair_rarity_mean"][0]))
    (mean,) = means
    assert abs(mean - math.fsum(scores) / 3000) < 1e-15
