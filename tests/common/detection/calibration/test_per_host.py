import numpy as np
import pytest

from common.detection.calibration.per_host import HostSurvival

QUIET = np.array(["q"] * 500)


def test_of_an_unknown_host_it_is_that_of_all() -> None:
    survival = HostSurvival.fit(np.arange(1000.0), np.array(["a"] * 1000))
    # 500 of 1000 at or above 500: (500 + 1) / 1001, on a grid of ranks that grows towards the top
    assert survival.surprise(np.array([500.0]), np.array(["new"]))[0] == pytest.approx(-np.log10(501 / 1001), rel=0.01)
    assert survival.surprise(np.array([940.0]), np.array(["new"]))[0] == pytest.approx(-np.log10(61 / 1001), rel=0.01)


def test_a_noisy_host_ranks_below_a_quiet_one() -> None:
    scores = np.concatenate([np.zeros(500), np.full(100, 9.0), np.zeros(400)])
    hosts = np.concatenate([QUIET, np.array(["n"] * 500)])
    survival = HostSurvival.fit(scores, hosts)
    quiet, noisy = survival.surprise(np.array([9.0, 9.0]), np.array(["q", "n"]))
    everywhere = (100 + 1) / 1001
    assert quiet == pytest.approx(-np.log10(100 * everywhere / 600))
    assert noisy == pytest.approx(-np.log10((40 + 100 * everywhere) / 600))  # 40 of its highest are kept


def test_scores_beyond_training_still_rank() -> None:
    rng = np.random.default_rng(0)
    survival = HostSurvival.fit(rng.exponential(1, 5000), np.array(["a"] * 5000))
    found = survival.surprise(np.array([5.0, 10.0, 20.0, 40.0]), np.array(["a"] * 4))
    assert (np.diff(found) > 0).all()


def test_a_training_score_does_not_excuse_itself() -> None:
    scores = np.concatenate([np.zeros(499), [9.0]])
    survival = HostSurvival.fit(scores, QUIET)
    assert (
        survival.surprise(np.array([9.0]), np.array(["q"]), trained=True)[0]
        > survival.surprise(np.array([9.0]), np.array(["q"]))[0]
    )


def test_saved_survival_is_the_same() -> None:
    rng = np.random.default_rng(0)
    hosts = np.array([f"h{n % 7}" for n in range(3000)])
    survival = HostSurvival.fit(rng.gamma(1, 2, 3000), hosts)
    again = HostSurvival.from_dict(survival.to_dict())
    probe = rng.gamma(1, 4, 100)
    np.testing.assert_array_equal(again.surprise(probe, hosts[:100]), survival.surprise(probe, hosts[:100]))
