"""The oracle of deviations against values worked out by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from common.config.project import ProjectParameters
from common.contracts import tables
from common.features.spec import Horizon, load_spec
from common.windows import parse_moment
from tests.factories import fg_a_row, fg_a_table, pair_counts_row, pair_counts_table
from tests.oracle import fg_b, fg_c
from tests.types import Row

pytestmark = pytest.mark.slow

SPEC = replace(load_spec("v1"), support_min=4)
WINDOWS = [f"2026-03-09T13:{minute}Z" for minute in ("08", "23", "38", "53")] + ["2026-03-09T14:08Z"]
NOW = "2026-03-11T13:08Z"


def history(name: str, *values: Any, **overrides: Any) -> list[Row]:
    return [
        fg_a_row(SPEC, window, **{name: value}, **overrides) for window, value in zip(WINDOWS, values, strict=False)
    ]


def baselines(*rows: Row, pairs: Sequence[Row] = ()) -> dict[str, pa.Table]:
    """Of the rows within 9 March 13:08 to 10 March 13:08."""
    day = Horizon(days=1, gap_days=1)
    past, seen = fg_a_table(SPEC, *rows), pair_counts_table(SPEC, *pairs)
    return fg_b(past, seen, SPEC, ProjectParameters(), parse_moment(NOW), "7d", day)


def deviations(*cases: tuple[Row, Sequence[Row]]) -> list[Row]:
    """Of the current row of each case from the rows of its past, each case in a segment of its own."""
    past = baselines(*(moved(row, number) for number, (_, rows) in enumerate(cases) for row in rows))
    now = fg_a_table(SPEC, *(moved(row, number) for number, (row, _) in enumerate(cases)))
    rows = fg_c(now, pair_counts_table(SPEC), past, SPEC, "7d", "2026-03").to_pylist()
    return sorted(rows, key=lambda row: int(row["host_ip"].split(".")[2]))


def moved(row: Row, segment: int) -> Row:
    host: str = row["host_ip"].replace("10.1.1.", f"10.2.{segment}.")
    return row | {"host_ip": host, "segment_id": f"10.2.{segment}.0/24"}


def transforms(row: Row, name: str) -> list[Any]:
    return [row[f"{name}_{transform}"] for transform in ("z_mad", "ratio", "log_ratio")]


def test_fg_c_has_every_column_of_the_contract() -> None:
    rows = [fg_a_row(SPEC, window) for window in WINDOWS]
    made = fg_c(fg_a_table(SPEC, *rows), pair_counts_table(SPEC), baselines(*rows), SPEC, "7d", "2026-03").schema
    contract = tables(SPEC)["fg_c"].arrow
    assert dict(zip(made.names, made.types, strict=True)) == dict(zip(contract.names, contract.types, strict=True))


DEVIATIONS = [
    # median 2.5, 1.4826 · mad 1.4826 > iqr 1.5 / 1.349 = 1.11 > 1: 1.5 / 1.4826, 4 / 2.5
    ("sessions_cnt_w_15m", (1, 2, 3, 4), 4, (1.5 / 1.4826, 1.6, math.log(1.6))),
    # 0 0 0 4 8: median 0, mad 0, iqr 4 / 1.349 = 2.965 is the scale; the ratios have the floor 1
    ("rst_cnt_w_1h", (0, 0, 0, 4, 8), 3, (3 * 1.349 / 4, 3.0, math.log(3))),
    # constant: the floor of a count is 1, of bytes 1 % of the median, of a ratio 0.01, of an entropy 0.1
    ("in_threat_cnt_w_8h", (0, 0, 0, 0), 2, (2, 2, math.log(2))),
    ("bytes_src_sum_w_24h", (1000,) * 4, 1030, (3, 1.03, math.log(1.03))),
    ("bytes_src_sum_w_24h", (10,) * 4, 7, (-3, 0.7, math.log(0.7))),
    ("deny_ratio_w_15m", (0, 0, 0, 0), 0.05, (5, 5, math.log(5))),
    ("peer_ip_entropy_w_15m", (1, 1, 1, 1), 1.25, (2.5, 1.25, math.log(1.25))),
    # nothing and less: below the floor the logarithm does not go
    ("sessions_cnt_w_15m", (5,) * 4, 0, (-5, 0, math.log(1 / 5))),
    ("bytes_asymmetry_ratio_w_15m", (0.5,) * 4, -0.5, (-6, -1, math.log(0.01 / 0.5))),
    # clipped
    ("bytes_src_sum_w_24h", (1000,) * 4, 10**9, (6, 10**6, math.log(10**6))),
    ("deny_ratio_w_15m", (1,) * 4, 0, (-6, 0, math.log(0.01))),
]


@cache
def deviations_of_all_cases() -> list[Row]:
    return deviations(
        *((fg_a_row(SPEC, NOW, **{name: x}), history(name, *values)) for name, values, x, _ in DEVIATIONS)
    )


@pytest.mark.parametrize("number", range(len(DEVIATIONS)))
def test_deviation(number: int) -> None:
    name, _, _, expected = DEVIATIONS[number]
    row = deviations_of_all_cases()[number]
    assert transforms(row, name) == pytest.approx(list(expected))
    assert row["baseline_source"] == "host"


def test_whose_baseline() -> None:
    own = [fg_a_row(SPEC, window, sessions_cnt_w_15m=9) for window in WINDOWS[:2]]
    others = history("sessions_cnt_w_15m", 5, 5, 5, host_ip="10.1.1.11")
    of_another_band = history("sessions_cnt_w_15m", 1, 1, 1, 1, time_band="off_hours")
    current = fg_a_row(SPEC, NOW, sessions_cnt_w_15m=7)
    enough, *without = deviations((current, [*own, *others]), (current, own), (current, of_another_band))
    # 2 own rows are too few, 5 of the segment (5 5 5 9 9, median 5) are enough
    assert (enough["baseline_source"], enough["sessions_cnt_w_15m_ratio"]) == ("segment", pytest.approx(1.4))
    # neither has enough, or the band has no row at all
    for row in without:
        assert row["baseline_source"] == "none"
        assert {value for name, value in row.items() if name in SPEC.fg_c_features()} == {None}
        assert row["anomaly_strength_core"] is row["scan_suspicion_score"] is None


def test_composites() -> None:
    past = [fg_a_row(SPEC, window, bytes_src_sum_w_1h=1000) for window in WINDOWS]
    current = fg_a_row(SPEC, NOW, bytes_src_sum_w_1h=1030, bytes_asymmetry_ratio_w_1h=-0.01, in_sessions_cnt_w_8h=4)
    unknown = {"new_peer_cnt_lookback30d_w_1h": None}
    denied = history("deny_ratio_w_15m", 0.05, 0.05, 0.05, 0.05)
    row, without_novelty, negative = deviations(
        (current, past), (current, [row | unknown for row in past]), (fg_a_row(SPEC, NOW), denied)
    )
    # of its four metrics bytes have 3, the asymmetry -1, which counts as 0; the other labels have 0
    assert row["exfiltration_suspicion_score"] == pytest.approx(0.75)
    # of the core metrics: inbound sessions 4, bytes 3
    assert row["anomaly_strength_core"] == pytest.approx(4)
    assert row["scan_suspicion_score"] == row["lateral_movement_suspicion_score"] == 0
    # without history of novelty three metrics are left, and it has no deviation
    assert without_novelty["exfiltration_suspicion_score"] == pytest.approx(1.0)
    assert transforms(without_novelty, "new_peer_cnt_lookback30d_w_1h") == [None] * 3
    # a negative deviation is strong, but not suspicious
    assert negative["anomaly_strength_core"] == pytest.approx(5)
    assert negative["scan_suspicion_score"] == 0


def test_pair_features() -> None:
    pairs = [pair_counts_row(WINDOWS[0], sessions_cnt=5), pair_counts_row(WINDOWS[0], src_ip="10.1.1.11", dst_port=22)]
    now = [pair_counts_row(NOW), pair_counts_row(NOW, dst_port=22), pair_counts_row("2026-03-11T13:23Z", dst_port=80)]
    past = [fg_a_row(SPEC, window) for window in WINDOWS]
    current = fg_a_table(SPEC, fg_a_row(SPEC, NOW), fg_a_row(SPEC, NOW, host_ip="10.1.1.12"))
    made = fg_c(current, pair_counts_table(SPEC, *now), baselines(*past, pairs=pairs), SPEC, "7d", "2026-03")
    row, without = sorted(made.to_pylist(), key=lambda row: str(row["host_ip"]))
    # 443 was seen five times: 1/6; 22 by another host only: 1
    assert row["pair_rarity_max"] == 1
    assert row["pair_rarity_mean"] == pytest.approx((1 / 6 + 1) / 2)
    assert row["new_pair_share"] == 0.5
    assert without["pair_rarity_max"] is without["pair_rarity_mean"] is without["new_pair_share"] is None
