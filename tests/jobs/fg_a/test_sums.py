"""Sums over the peers, ports or segments of hosts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from common.windows import Windows
from jobs.fg_a import sums
from jobs.fg_a.sums import TABLE_SIZE, Keyed, days_met, entropy, spreads
from jobs.fg_a.timeline import Timeline

TIMELINE = Timeline(Windows.parse("2026-03-10T13:08Z"), {"w_15m": 1, "w_1h": 4}, lookback_days=2)
"""Buckets 0 (the three slices before) and 1 (the window); all of one day."""


def keyed(owners: list[int], entries: list[tuple[int, int, int, int]], past_days: list[int] | None = None) -> Keyed:
    """Keys of these owners, and entries of key, bucket, sessions and bytes."""
    key, bucket, sessions, size = np.array(entries, dtype=np.int64).reshape(-1, 4).T
    past = np.array(past_days or [0] * len(owners), dtype=np.int64)
    return Keyed(np.array(owners), max(owners) + 1, key, bucket, sessions, size, past)


TWO_HOSTS = keyed(
    [0, 0, 1],
    # host 0 has 3 sessions with key 0, of which 2 before, and 1 with key 1; host 1 has 5 with key 2, all before
    [(0, 0, 2, 200), (0, 1, 1, 10), (1, 1, 1, 90), (2, 0, 5, 50)],
)


def figures(found: Any, name: str) -> list[int]:
    values: list[int] = getattr(found, name)[:, 0].tolist()
    return values


def test_look_backs_add_up_what_lies_in_them() -> None:
    found = spreads(TWO_HOSTS, TIMELINE, rare_days=1)
    assert figures(found["w_15m"], "total") == [2, 0]
    assert figures(found["w_1h"], "total") == [4, 5]
    assert figures(found["w_15m"], "distinct") == [2, 0]
    assert figures(found["w_1h"], "distinct") == [2, 1]
    assert figures(found["w_1h"], "largest") == [3, 5]
    assert figures(found["w_1h"], "bytes_total") == [300, 50]
    assert figures(found["w_1h"], "bytes_largest") == [210, 50]


def test_chunks_of_keys_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = spreads(TWO_HOSTS, TIMELINE, rare_days=1)
    monkeypatch.setattr(sums, "CELLS_PER_CHUNK", 1)  # one key at a time
    for label, spread in spreads(TWO_HOSTS, TIMELINE, rare_days=1).items():
        for name, values in vars(spread).items():
            np.testing.assert_array_equal(values, getattr(whole[label], name), err_msg=f"{label} {name}")


def test_new_is_what_was_never_met_before_the_look_back() -> None:
    # key 0 was met earlier on the day of the look-back, key 1 two days before it, key 2 never
    known = keyed([0, 0, 0], [(0, 0, 1, 0), (0, 1, 1, 0), (1, 1, 1, 0), (2, 1, 1, 0)], [0, 0b001, 0])
    found = spreads(known, TIMELINE, rare_days=2)
    assert figures(found["w_15m"], "new") == [1]
    assert figures(found["w_1h"], "new") == [2]  # key 0 was met inside the hour only
    assert figures(found["w_15m"], "rare") == [3]  # none was met on two dates
    assert figures(spreads(known, TIMELINE, rare_days=1)["w_15m"], "rare") == [1]


def test_days_before_the_origin_and_of_the_run_are_counted_once() -> None:
    timeline = Timeline(Windows.parse("2026-03-10T00:23Z"), {"w_15m": 1, "w_1h": 4}, lookback_days=2)
    assert timeline.edges.tolist() == [0, 2, 3, 4]  # 23:38 and 23:53 of 9 March; 00:08; the window
    present = np.array([[True, False, True], [False, True, False]])
    past = np.array([0b100, 0b011])  # key 0: earlier on 9 March; key 1: on 7 and on 8 March
    # key 0: 9 March only, then 10 March is not over; key 1: 7 and 8 March; from 10 March on 8 March and 10 March
    assert days_met(present, past, timeline).tolist() == [[1, 1, 1, 2], [2, 1, 2, 2]]


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([5], 0.0), ([1, 1], 1.0), ([2, 2, 2, 2], 2.0), ([3, 1], 2 - 0.75 * math.log2(3)), ([TABLE_SIZE] * 2, 1.0)],
)
def test_entropy_of_the_shares(counts: list[int], bits: float) -> None:
    found = spreads(keyed([0] * len(counts), [(key, 1, n, 0) for key, n in enumerate(counts)]), TIMELINE, 1)["w_15m"]
    assert entropy(found.total, found.n_log_n)[0, 0] == pytest.approx(bits, abs=1e-9)


def test_entropy_of_nothing_is_zero() -> None:
    assert entropy(np.array([0]), np.array([0.0])).tolist() == [0.0]
