import numpy as np
import pytest

from jobs.fg_b.statistics import median_and_mad, outliers, statistics

NAN = float("nan")


def test_quantiles_are_interpolated_between_ranks() -> None:
    found = statistics(np.array([[5.0, 1.0, 2.0, 4.0, 3.0]]))  # sorted 1 2 3 4 5, ranks 0 to 4
    assert found.values["p25"][0] == 2.0  # rank 0.25 * 4 = 1
    assert found.values["median"][0] == 3.0
    assert found.values["p75"][0] == 4.0
    assert found.values["p95"][0] == pytest.approx(4.8)  # rank 3.8: 4 + 0.8 * (5 - 4)
    assert found.values["p99"][0] == pytest.approx(4.96)  # rank 3.96
    assert found.values["iqr"][0] == 2.0
    assert found.support[0] == 5


def test_mad_is_the_median_of_absolute_deviations_and_not_a_scaled_iqr() -> None:
    # median of 1 1 2 2 4 6 9 is 2; deviations 1 1 0 0 2 4 7, sorted 0 0 1 1 2 4 7: median 1
    found = statistics(np.array([[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]]))
    assert found.values["mad"][0] == 1.0
    assert found.values["iqr"][0] == 3.5  # rank 1.5: 1.5; rank 4.5: 5.0


def test_an_even_number_of_values_has_the_mean_of_the_middle_ones() -> None:
    found = statistics(np.array([[1.0, 2.0, 10.0, 20.0]]))
    assert found.values["median"][0] == 6.0  # (2 + 10) / 2
    assert found.values["mad"][0] == 4.5  # deviations 5 4 4 14: (4 + 5) / 2


def test_nulls_are_left_out_metric_by_metric() -> None:
    found = statistics(np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN], [7.0, 7.0, NAN]]))
    assert found.support.tolist() == [2, 0, 2]
    np.testing.assert_array_equal(found.values["median"], [2.0, NAN, 7.0])
    np.testing.assert_array_equal(found.values["mad"], [1.0, NAN, 0.0])


def test_no_rows_have_null_statistics_and_no_support() -> None:
    found = statistics(np.empty((2, 0)))
    assert found.support.tolist() == [0, 0]
    assert all(np.isnan(values).all() for values in found.values.values())


def test_a_constant_has_neither_mad_nor_iqr() -> None:
    found = statistics(np.full((1, 9), 4.0))
    assert (found.values["mad"][0], found.values["iqr"][0], found.values["p99"][0]) == (0.0, 0.0, 4.0)


def test_one_value_is_all_of_its_quantiles() -> None:
    found = statistics(np.array([[8.0]]))
    assert {name: values[0] for name, values in found.values.items()} == {
        "p25": 8.0, "median": 8.0, "p75": 8.0, "p95": 8.0, "p99": 8.0, "mad": 0.0, "iqr": 0.0,
    }  # fmt: skip


def test_outlier_when_any_metric_is_beyond_the_limit() -> None:
    values = np.array([[10.0, 10.0, 10.0, 16.0, 17.0], [1.0, 1.0, 30.0, 1.0, 1.0]])
    median, mad = median_and_mad(values)  # 10 and 1, both with mad 0: the floors 1 and 5 are the scales
    found = outliers(values, np.array([1.0, 5.0]), median, mad, 6)
    # first metric: 16 is exactly 6 away and stays, 17 is 7 away; second: 29 / 5 = 5.8 stays
    assert found.tolist() == [False, False, False, False, True]


def test_outlier_scale_is_the_mad_where_it_is_larger_than_the_floor() -> None:
    values = np.array([[0.0, 10.0, 20.0, 30.0, 160.0]])
    median, mad = median_and_mad(values)  # 20; deviations 20 10 0 10 140: mad 10, scale 14.826, limit 88.956
    assert outliers(values, np.array([1.0]), median, mad, 6).tolist() == [False, False, False, False, True]
