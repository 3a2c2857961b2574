"""Buckets of a run: stretches of slices that no look-back and no midnight divides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from common.windows import Windows
from jobs.fg_a.timeline import MAX_STRETCHES, Timeline

LABELS = {"w_15m": 1, "w_1h": 4, "w_2h": 8}


def timeline(windows: str, labels: Mapping[str, int] = LABELS) -> Timeline:
    return Timeline(Windows.parse(windows), labels, lookback_days=2)


def test_one_window_has_a_bucket_for_each_step_of_its_look_backs() -> None:
    found = timeline("2026-03-10T13:08Z")
    assert (found.before, len(found.history)) == (7, 8)
    # the window is slice 7; look-backs of 8, 4 and 1 slices begin at slices 0, 4 and 7
    assert found.edges.tolist() == [0, 4, 7, 8]
    assert found.n_buckets == 3
    assert found.current_buckets.tolist() == [2]
    assert {label: found.starts(label).tolist() for label in LABELS} == {"w_15m": [2], "w_1h": [1], "w_2h": [0]}
    assert found.ends.tolist() == [3]


def test_midnight_divides_a_bucket() -> None:
    found = timeline("2026-03-10T00:23Z")
    # slices from 22:38 on: the first of 10 March, 00:08, is slice 6, the window slice 7
    assert found.edges.tolist() == [0, 4, 6, 7, 8]
    assert found.bucket_days.tolist() == [0, 0, 1, 1]
    assert found.edge_days.tolist() == [0, 0, 1, 1, 1]


def test_in_a_long_run_each_slice_is_a_bucket() -> None:
    found = timeline("2026-03-10T08:08Z/2026-03-10T14:08Z")
    slices = 7 + 24
    assert slices > MAX_STRETCHES
    assert found.edges.tolist() == list(range(slices + 1))
    assert found.ends.tolist() == list(range(8, slices + 1))
    assert found.starts("w_1h").tolist() == list(range(4, slices - 3))
    assert found.end_columns == slice(8, slices + 1)
    assert found.start_columns("w_15m") == slice(7, slices)


def test_a_short_run_is_cut_where_its_look_backs_begin_and_end() -> None:
    found = timeline("2026-03-10T12:08Z/2026-03-10T12:38Z", {"w_15m": 1, "w_1h": 4, "w_24h": 96})
    # windows end at slices 96 and 97; look-backs begin at 95, 96, 92, 93, 0 and 1; 10 March begins at slice 47
    assert found.edges.tolist() == [0, 1, 47, 92, 93, 95, 96, 97]
    assert found.ends.tolist() == [6, 7]
    np.testing.assert_array_equal(np.arange(8)[found.end_columns], [6, 7])
    assert found.starts("w_24h").tolist() == [0, 1]
