from dataclasses import replace

import numpy as np
import pytest

from common.detection.calibration import ScoreQuantiles, UpperTail
from common.detection.parameters import current_parameters

PARAMETERS = current_parameters().calibration
NAN = np.nan
MOST = 4.0
TRAINING = np.arange(0.0, 100.0)  # 0 to 99: median 49.5, maximum 99, spread 49.5
SCORES = ScoreQuantiles.fit(TRAINING, PARAMETERS)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (-5.0, 0.0),  # below the training minimum
        (0.0, 0.0),
        (49.5, 0.5 * 100 / 101),  # level 0.5 of 100 rows
        (99.0, 100 / 101),  # the maximum
        (99.0 + 49.5, 1 - 1 / 101 / 2),  # one spread above it: half of what is left
        (99.0 + 3 * 49.5, 1 - 1 / 101 / 4),
    ],
)
def test_score_is_the_quantile_among_the_training_scores(raw: float, expected: float) -> None:
    assert SCORES.anomaly_score(np.array([raw]))[0] == pytest.approx(expected, abs=1e-12)


def test_scores_above_the_training_maximum_still_rank_below_one() -> None:
    scores = SCORES.anomaly_score(99.0 + np.array([0.0, 1e-6, 0.1, 1.0, 1e3, 1e6]))
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 1


def test_score_never_falls_as_the_raw_score_rises() -> None:
    rng = np.random.default_rng(0)
    calibration = ScoreQuantiles.fit(np.round(rng.gamma(1, 1, 30_000), 2), PARAMETERS)  # many ties
    raw = np.sort(rng.gamma(1, 3, 10_000))
    scores = calibration.anomaly_score(raw)
    assert (np.diff(scores) >= 0).all()
    assert scores.min() >= 0 and scores.max() <= 1


def test_tied_scores_count_as_at_least_as_high() -> None:
    calibration = ScoreQuantiles.fit(np.array([0.0] * 90 + list(range(1, 11))), PARAMETERS)
    assert calibration.anomaly_score(np.zeros(1))[0] == 0  # all of training is at least as high as the mode
    assert calibration.neg_log10_p(np.zeros(1))[0] == 0


def test_neg_log10_p_is_that_of_the_p_value() -> None:
    # level 0.9 of 100 rows: p-value 1 - 0.9 * 100/101 = 11/101
    assert SCORES.neg_log10_p(np.array([0.9 * 99]))[0] == pytest.approx(np.log10(101 / 11))


def test_equal_training_scores_give_a_distribution() -> None:
    calibration = ScoreQuantiles.fit(np.full(50, 0.25), PARAMETERS)
    assert calibration.anomaly_score(np.array([0.2, 0.25, 0.3])).tolist() == sorted(
        calibration.anomaly_score(np.array([0.2, 0.25, 0.3])).tolist()
    )


def test_saved_distribution_scores_the_same() -> None:
    again = ScoreQuantiles.from_dict(SCORES.to_dict())
    raw = np.linspace(-10, 300, 1001)
    np.testing.assert_array_equal(again.anomaly_score(raw), SCORES.anomaly_score(raw))


def test_a_tail_gives_the_log_of_the_share_at_or_above() -> None:
    tail = UpperTail.fit(np.arange(1.0, 100.0), PARAMETERS)  # 1 to 99
    # at or above: 99 -> 1 row, 98 -> 2, 1 -> all 99; above the maximum none: log10((99 + 1) / (count + 1))
    assert tail.neg_log10_p(np.array([1.0, 98.0, 99.0, 500.0]), MOST).tolist() == pytest.approx(
        [0.0, np.log10(100 / 3), np.log10(100 / 2), 2.0]
    )


def test_below_the_minimum_or_without_a_value_a_tail_gives_zero() -> None:
    tail = UpperTail.fit(np.array([1.0, 2.0, 3.0, NAN]), PARAMETERS)
    assert tail.neg_log10_p(np.array([0.0, NAN]), MOST).tolist() == [0, 0]
    assert tail.rows == 4


def test_a_quantity_that_was_always_null_gives_zero() -> None:
    assert UpperTail.fit(np.array([NAN, NAN]), PARAMETERS).neg_log10_p(np.array([5.0, NAN]), MOST).tolist() == [0, 0]


def test_a_quantity_that_was_always_zero_is_rare_when_it_is_not() -> None:
    assert UpperTail.fit(np.zeros(999), PARAMETERS).neg_log10_p(np.array([0.0, 1.0]), MOST).tolist() == pytest.approx(
        [0, 3]
    )


def test_what_a_tail_gives_is_bounded() -> None:
    assert UpperTail.fit(np.zeros(10**6), PARAMETERS).neg_log10_p(np.array([1.0]), MOST)[0] == MOST


@pytest.mark.parametrize("zeros", [0, 700])
def test_a_tail_of_what_is_above_zero_is_that_of_the_whole_column(zeros: int) -> None:
    values = np.round(np.random.default_rng(0).gamma(1, 2, 300), 1)
    positive = values[values > 0]
    whole = UpperTail.fit(np.append(values, np.zeros(zeros)), PARAMETERS)
    again = UpperTail.of_positive(positive, len(values) - len(positive) + zeros, PARAMETERS)
    assert again.to_dict() == whole.to_dict()


def test_a_score_that_too_many_reach_is_held_below_the_alert_line() -> None:
    raw = np.arange(100_000.0)
    held = ScoreQuantiles.fit(raw, PARAMETERS).holding(99_950.0, 0.999)
    scores = held.anomaly_score(np.array([50_000.0, 99_700.0, 99_900.0, 99_950.0, 99_975.0, 99_999.0]))
    assert scores[3] == pytest.approx(0.999, abs=1e-9)
    assert scores[0] == pytest.approx(0.5, abs=1e-3)  # what is far below stays
    assert (np.diff(scores) > 0).all()
    assert scores[2] < 0.999 < scores[4] < scores[5] < 1


@pytest.mark.parametrize(("days", "alerting"), [(54, 0), (99, 1), (249, 4)])  # 20 of 1,000 further days exceed: 1, 2, 5
def test_no_more_hosts_days_alert_than_stated(days: int, alerting: int) -> None:
    """Each host's day has 20 scores up to its number."""
    host_days = np.repeat(np.arange(days), 20)
    scores = host_days.astype(float) * np.tile(np.linspace(0.05, 1.0, 20), days)
    found = ScoreQuantiles.of_host_days(scores, host_days, 0.999, replace(PARAMETERS, alerts_per_1000_host_days=20.0))
    above = found.anomaly_score(scores) > 0.999 + 1e-9
    assert len(np.unique(host_days[above])) == alerting
    assert found.anomaly_score(np.array([days * 2.0]))[0] > 0.999  # what training never reached still alerts


def test_a_score_that_few_reach_is_left_where_it_is() -> None:
    found = ScoreQuantiles.fit(np.arange(100_000.0), PARAMETERS)
    assert found.holding(99_000.0, 0.999) is found


def test_values_beyond_training_go_on_as_the_tail_does() -> None:
    tail = UpperTail.fit(np.random.default_rng(0).exponential(1.0, 100_000), PARAMETERS)
    highest = float(tail.values[-1])
    at = tail.neg_log10_p(highest + np.array([1e-9, 1.0, 2.0, 99.0]), 5.0, 2.0, 50)
    assert at[0] == pytest.approx(5.0, abs=1e-3)
    assert at[1] - at[0] == pytest.approx(np.log10(np.e), rel=0.25)  # of an exponential distribution
    assert at[3] == pytest.approx(7.0)
    assert tail.neg_log10_p(highest + np.array([1.0, 99.0]), 5.0).tolist() == [5.0, 5.0]
