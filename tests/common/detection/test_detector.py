import numpy as np
import pytest

from common.detection import detector as module
from common.detection.detector import Detector
from common.detection.inputs import model_features
from common.detection.members.forest import ForestParameters, PathAttribution
from common.features.spec import load_spec
from tests.types import Matrix

SPEC = load_spec("v1")
NAMES = model_features(SPEC).names
ODD = NAMES.index("peer_ip_nunique_w_15m_z_mad")


@pytest.fixture(scope="module")
def training() -> Matrix:
    """Random rows, a tenth of the values null."""
    rng = np.random.default_rng(0)
    values = rng.gamma(1, 1, (300, len(NAMES))).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture(scope="module")
def detector(training: Matrix) -> Detector:
    return Detector.fit(training, SPEC, ForestParameters(n_estimators=20, n_jobs=1))


def test_contributions_add_up_to_the_raw_score(detector: Detector, training: Matrix) -> None:
    raw, contributions = detector.explain(training, PathAttribution(detector.forest))
    np.testing.assert_allclose(contributions.sum(axis=1), raw, rtol=1e-9)
    assert (contributions >= 0).all()


def test_raw_score_is_the_weighted_sum_of_the_surprises(detector: Detector, training: Matrix) -> None:
    raw, _ = detector.explain(training, PathAttribution(detector.forest))
    forest, evidence = detector.member_scores(training)
    rarity = {name: detector.calibrations[name].survival(scores) for name, scores in
              (("forest", forest), ("evidence", evidence))}  # fmt: skip
    np.testing.assert_allclose(raw, -0.25 * np.log10(rarity["forest"]) - np.log10(rarity["evidence"]))


def test_training_scores_are_spread_evenly(detector: Detector, training: Matrix) -> None:
    raw, _ = detector.explain(training, PathAttribution(detector.forest))
    scores = detector.calibrations["ensemble"].anomaly_score(raw)
    # the score is the quantile of the training scores: the k-th of 300 has k / 301 at most, less half a step
    np.testing.assert_allclose(np.sort(scores), np.arange(300) / 301, atol=0.01)


def test_one_wildly_odd_feature_is_enough(detector: Detector, training: Matrix) -> None:
    rows = training[:2].copy()
    rows[1, ODD] = 1e6
    raw, contributions = detector.explain(rows, PathAttribution(detector.forest))
    assert raw[1] > raw[0] or ODD in np.argsort(-contributions[1])[:3]
    assert contributions[1, ODD] > contributions[0, ODD]


def test_scores_do_not_depend_on_how_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch, training: Matrix) -> None:
    parameters = ForestParameters(n_estimators=5, n_jobs=1)
    whole = Detector.fit(training, SPEC, parameters)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    parts = Detector.fit(training, SPEC, parameters)
    np.testing.assert_array_equal(whole.calibrations["ensemble"].values, parts.calibrations["ensemble"].values)


def test_forest_of_very_many_rows_grows_on_a_part(monkeypatch: pytest.MonkeyPatch, training: Matrix) -> None:
    monkeypatch.setattr(module, "GROWING_ROWS_MAX", 100)
    parameters = ForestParameters(n_estimators=5, n_jobs=1)
    first, second = (Detector.fit(training, SPEC, parameters) for _ in range(2))
    assert first.forest.max_samples_ == 100
    assert first.calibrations["forest"].rows == 300
    np.testing.assert_array_equal(first.calibrations["ensemble"].values, second.calibrations["ensemble"].values)
