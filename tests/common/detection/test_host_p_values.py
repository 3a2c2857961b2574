import numpy as np
import pytest

from common.detection.host_p_values import HostPValues
from common.detection.parameters import current_parameters

PARAMETERS = current_parameters().calibration
QUIET, NOISY = np.full(500, -3), 4


def test_of_an_unknown_host_it_is_that_of_all() -> None:
    p_values = HostPValues.fit(np.arange(1000.0), np.zeros(1000, dtype=np.int64), PARAMETERS)
    # 500 of 1000 at or above 500: (500 + 1) / 1001, on a grid of ranks that grows towards the top
    assert p_values.neg_log10_p(np.array([500.0]), np.array([7]))[0] == pytest.approx(-np.log10(501 / 1001), rel=0.01)
    assert p_values.neg_log10_p(np.array([940.0]), np.array([7]))[0] == pytest.approx(-np.log10(61 / 1001), rel=0.01)


def test_a_noisy_host_ranks_below_a_quiet_one() -> None:
    scores = np.concatenate([np.zeros(500), np.full(100, 9.0), np.zeros(400)])
    hosts = np.concatenate([QUIET, np.full(500, NOISY)])
    p_values = HostPValues.fit(scores, hosts, PARAMETERS)
    quiet, noisy = p_values.neg_log10_p(np.array([9.0, 9.0]), np.array([-3, NOISY]))
    everywhere = (100 + 1) / 1001
    assert quiet == pytest.approx(-np.log10(100 * everywhere / 600))
    assert noisy == pytest.approx(-np.log10((40 + 100 * everywhere) / 600))  # 40 of its highest are kept


def test_scores_beyond_training_still_rank() -> None:
    rng = np.random.default_rng(0)
    p_values = HostPValues.fit(rng.exponential(1, 5000), np.zeros(5000, dtype=np.int64), PARAMETERS)
    found = p_values.neg_log10_p(np.array([5.0, 10.0, 20.0, 40.0]), np.zeros(4, dtype=np.int64))
    assert (np.diff(found) > 0).all()


def test_a_training_score_does_not_excuse_itself() -> None:
    scores = np.concatenate([np.zeros(499), [9.0]])
    p_values = HostPValues.fit(scores, QUIET, PARAMETERS)
    assert (
        p_values.neg_log10_p(np.array([9.0]), np.array([-3]), trained=True)[0]
        > p_values.neg_log10_p(np.array([9.0]), np.array([-3]))[0]
    )


def test_without_hosts_no_past_excuses_a_score() -> None:
    scores = np.concatenate([np.zeros(900), np.full(100, 9.0)])
    p_values = HostPValues.fit(scores, np.concatenate([np.full(900, -3), np.full(100, NOISY)]), PARAMETERS)
    alone = p_values.without_hosts()
    unknown = p_values.neg_log10_p(np.array([9.0]), np.array([7]))
    np.testing.assert_array_equal(alone.neg_log10_p(np.array([9.0]), np.array([NOISY])), unknown)
    assert unknown > p_values.neg_log10_p(np.array([9.0]), np.array([NOISY]))
    again = HostPValues.from_parts(alone.to_dict(), alone.arrays("x"), "x", PARAMETERS)
    np.testing.assert_array_equal(again.neg_log10_p(np.array([9.0]), np.array([NOISY])), unknown)


def test_saved_p_values_are_the_same() -> None:
    rng = np.random.default_rng(0)
    hosts = np.arange(3000) % 7
    p_values = HostPValues.fit(rng.gamma(1, 2, 3000), hosts, PARAMETERS)
    again = HostPValues.from_parts(p_values.to_dict(), p_values.arrays("x"), "x", PARAMETERS)
    probe = rng.gamma(1, 4, 100)
    np.testing.assert_array_equal(again.neg_log10_p(probe, hosts[:100]), p_values.neg_log10_p(probe, hosts[:100]))
