from dataclasses import replace

import numpy as np
import pytest

from common.arrays import Matrix
from common.detection.detector import Detector
from common.detection.members import forest as forest_module
from common.detection.members.member import FitSettings, ForestParameters, Samples
from tests.common.detection.synthetic import NAMES, PARAMETERS, SEED, SETTINGS

ANOMALOUS = NAMES.index("peer_ip_nunique_w_15m_z_mad")


def fit(matrix: Matrix, settings: FitSettings = SETTINGS) -> Detector:
    """A detector of the rows."""
    return Detector.fit(Samples(features=matrix), settings)[0]


@pytest.fixture(scope="module")
def training() -> Matrix:
    """Random rows, a tenth of the values null."""
    rng = np.random.default_rng(0)
    values = rng.gamma(1, 1, (300, len(NAMES))).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture(scope="module")
def detector(training: Matrix) -> Detector:
    return fit(training, replace(SETTINGS, forest=ForestParameters(20, 256, SEED, n_jobs=1)))


def test_contributions_add_up_to_the_raw_score(detector: Detector, training: Matrix) -> None:
    found = detector.explain_features(Samples(features=training))
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.scores, rtol=1e-9)
    assert (found.contributions >= 0).all()


@pytest.mark.parametrize("name", ["forest", "rarity"])
def test_what_a_member_explains_adds_up_to_its_score(detector: Detector, training: Matrix, name: str) -> None:
    samples = Samples(features=training)
    found = detector.members[name].explain(samples)
    np.testing.assert_array_equal(found.scores, detector.members[name].score_samples(samples))
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.scores, rtol=1e-9, atol=1e-12)
    assert found.inputs == NAMES


def test_raw_score_is_the_weighted_sum_of_the_members_scores(detector: Detector, training: Matrix) -> None:
    samples = Samples(features=training)
    forest = detector.forest.calibration.p_values(detector.forest.path_scores(training))
    rarity = detector.rarity.calibration.p_values(detector.rarity.rarity.sums(training))
    assert detector.weights == {"forest": 0.25, "rarity": 1.0}
    np.testing.assert_allclose(detector.score_samples(samples), -0.25 * np.log10(forest) - np.log10(rarity))


def test_training_scores_are_spread_evenly(detector: Detector, training: Matrix) -> None:
    scores = detector.calibration.anomaly_score(detector.score_samples(Samples(features=training)))
    # the score is the quantile of the training scores: the k-th of 300 has k / 301 at most, less half a step
    np.testing.assert_allclose(np.sort(scores), np.arange(300) / 301, atol=0.01)


def test_one_wildly_anomalous_feature_is_enough(detector: Detector, training: Matrix) -> None:
    rows = training[:2].copy()
    rows[1, ANOMALOUS] = 1e6
    found = detector.explain_features(Samples(features=rows))
    assert found.scores[1] > found.scores[0] or ANOMALOUS in np.argsort(-found.contributions[1])[:3]
    assert found.contributions[1, ANOMALOUS] > found.contributions[0, ANOMALOUS]


def test_scores_do_not_depend_on_how_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch, training: Matrix) -> None:
    whole = fit(training)
    monkeypatch.setattr(forest_module, "ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(whole.calibration.values, fit(training).calibration.values)


def test_forest_of_very_many_rows_grows_on_a_part(training: Matrix) -> None:
    parameters = replace(PARAMETERS, forest=replace(PARAMETERS.forest, growing_rows=100))
    first, second = (fit(training, replace(SETTINGS, parameters=parameters)) for _ in range(2))
    assert first.forest.forest.count[0] == 100
    assert first.forest.calibration.rows == 300
    np.testing.assert_array_equal(first.calibration.values, second.calibration.values)
