import numpy as np
import pytest

from common.detection.calibration.global_quantiles import ScoreQuantiles

TRAINING = np.arange(0.0, 100.0)  # 0 to 99: median 49.5, maximum 99, spread 49.5
SCORES = ScoreQuantiles.fit(TRAINING)


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
    calibration = ScoreQuantiles.fit(np.round(rng.gamma(1, 1, 30_000), 2))  # many ties
    raw = np.sort(rng.gamma(1, 3, 10_000))
    scores = calibration.anomaly_score(raw)
    assert (np.diff(scores) >= 0).all()
    assert scores.min() >= 0 and scores.max() <= 1


def test_tied_scores_count_as_at_least_as_odd() -> None:
    calibration = ScoreQuantiles.fit(np.array([0.0] * 90 + list(range(1, 11))))
    assert calibration.anomaly_score(np.zeros(1))[0] == 0  # all of training is at least as odd as the mode
    assert calibration.surprise(np.zeros(1))[0] == 0


def test_surprise_is_decades_of_rarity() -> None:
    # level 0.9 of 100 rows: survival 1 - 0.9 * 100/101 = 11/101
    assert SCORES.surprise(np.array([0.9 * 99]))[0] == pytest.approx(np.log10(101 / 11))


def test_equal_training_scores_give_a_distribution() -> None:
    calibration = ScoreQuantiles.fit(np.full(50, 0.25))
    assert calibration.anomaly_score(np.array([0.2, 0.25, 0.3])).tolist() == sorted(
        calibration.anomaly_score(np.array([0.2, 0.25, 0.3])).tolist()
    )


def test_saved_distribution_scores_the_same() -> None:
    again = ScoreQuantiles.from_dict(SCORES.to_dict())
    raw = np.linspace(-10, 300, 1001)
    np.testing.assert_array_equal(again.anomaly_score(raw), SCORES.anomaly_score(raw))
