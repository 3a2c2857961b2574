import math

import numpy as np
import pytest

from common.arrays import Floats
from jobs.fg_c.deviations import column_floors, composites, deviation_columns, deviations
from tests.factories import SPEC

NAN = float("nan")
COLUMNS = deviation_columns(SPEC)


def cell(number: float) -> Floats:
    """A matrix of one row and one column."""
    return np.array([[number]])


def one(value: float, median: float, scale: float, floor: float) -> list[float]:
    """z_mad, ratio and log_ratio of a single value."""
    found: list[float] = deviations(cell(value), cell(median), cell(scale), cell(floor), 6)[0, :, 0].tolist()
    return found


def test_transforms() -> None:
    z, ratio, log_ratio = one(value=20, median=8, scale=4, floor=1)
    assert (z, ratio) == (3.0, 2.5)  # (20 - 8) / 4; 20 / 8
    assert log_ratio == pytest.approx(math.log(2.5))


def test_z_is_clipped_at_both_ends() -> None:
    assert one(value=1000, median=0, scale=1, floor=1)[0] == 6
    assert one(value=-1000, median=0, scale=1, floor=1)[0] == -6


def test_a_median_of_zero_is_replaced_by_the_floor() -> None:
    z, ratio, log_ratio = one(value=0, median=0, scale=1, floor=1)
    assert (z, ratio, log_ratio) == (0, 0, 0)  # ln(max(0, 1) / max(0, 1))
    assert one(value=5, median=0, scale=1, floor=1)[1:] == [5.0, pytest.approx(math.log(5))]


def test_values_below_a_negative_median_stay_finite() -> None:
    # an asymmetry of -0.5 against -0.9: divisor is the floor 0.01
    assert one(value=-0.5, median=-0.9, scale=0.1, floor=0.01) == [pytest.approx(4), pytest.approx(-50), 0.0]


@pytest.mark.parametrize(("value", "median", "scale"), [(NAN, 1, 1), (1, NAN, NAN)])
def test_null_values_and_null_medians_have_null_deviations(value: float, median: float, scale: float) -> None:
    assert all(math.isnan(number) for number in one(value, median, scale, NAN if math.isnan(median) else 1))


def test_floors_follow_the_kind_of_the_metric() -> None:
    floors = dict(zip(COLUMNS, column_floors(SPEC, np.full((len(COLUMNS), 1), 5000.0))[:, 0], strict=True))
    assert floors["sessions_cnt_w_15m"] == 1
    assert floors["in_bytes_src_sum_w_24h"] == 50  # 1 % of 5000
    assert floors["duration_mean_w_1h"] == 50
    assert floors["deny_ratio_w_1h"] == 0.01
    assert floors["peer_ip_entropy_w_1h"] == 0.1
    low = dict(zip(COLUMNS, column_floors(SPEC, np.full((len(COLUMNS), 1), 20.0))[:, 0], strict=True))
    assert low["bytes_dst_sum_w_15m"] == 1  # 1 % of 20 is below 1


def z_of(**values: float) -> Floats:
    """z_mad of one row: null but for the given columns."""
    return np.array([[values.get(name, NAN)] for name in COLUMNS])


def scores(**values: float) -> dict[str, float]:
    return {name: score[0] for name, score in composites(SPEC, z_of(**values)).items()}


def test_strength_is_the_largest_distance_of_a_core_metric_in_any_slice() -> None:
    found = scores(sessions_cnt_w_15m=2, in_deny_ratio_w_24h=-5, rst_cnt_w_15m=6)  # rst_cnt is not a core metric
    assert found["anomaly_strength_core"] == 5


def test_a_composite_is_the_largest_mean_over_the_labels() -> None:
    found = scores(
        bytes_src_sum_w_15m=6, bytes_asymmetry_ratio_w_15m=-3, peer_ip_top1_bytes_share_w_15m=0,
        new_peer_cnt_lookback30d_w_15m=2, bytes_src_sum_w_1h=1,
    )  # fmt: skip
    # w_15m: (6 + 0 + 0 + 2) / 4 = 2, because what is below the baseline counts 0; w_1h: 1, its nulls left out
    assert found["exfiltration_suspicion_score"] == 2


def test_a_label_with_few_known_metrics_counts_by_those() -> None:
    found = scores(bytes_src_sum_w_15m=1, bytes_asymmetry_ratio_w_15m=1, bytes_src_sum_w_8h=4)
    assert found["exfiltration_suspicion_score"] == 4


def test_lateral_movement_takes_both_roles() -> None:
    found = scores(admin_port_sessions_cnt_w_1h=4, in_admin_port_sessions_cnt_w_1h=2, in_sessions_cnt_w_1h=6)
    assert found["lateral_movement_suspicion_score"] == 3


def test_nothing_known_gives_null() -> None:
    assert all(math.isnan(score) for score in scores().values())
    assert math.isnan(scores(in_sessions_cnt_w_1h=6)["beacon_suspicion_score"])  # beacons look at outbound only
