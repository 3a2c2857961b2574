import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2  # type: ignore[import-untyped]

from common.arrays import Floats, Integers, Matrix
from common.config.training import TrainingParameters
from common.detection.drift.monitor import DriftMonitor
from common.detection.drift.reference import (
    BANDS,
    DriftReference,
    bin_edges,
    bin_numbers,
    chance_psi,
    chi_square_quantile,
    monitored,
    psi,
    time_bands,
)
from common.detection.inputs import model_features
from common.detection.parameters import current_parameters
from tests.factories import SPEC

NAMES = model_features(SPEC).names
DRIFT = current_parameters().drift
WATCHED = [NAMES.index(name) for name in monitored(SPEC)]
PARAMETERS = TrainingParameters()
WINDOW_MICROS = 900_000_000


def rows(count: int, seed: int, hour: float = 10.0, factor: float = 1.0) -> tuple[Matrix, Floats]:
    """Rows whose watched features are drawn from one distribution, times the factor; everything else is 0."""
    rng = np.random.default_rng(seed)
    matrix = np.zeros((count, len(NAMES)), dtype=np.float32)
    matrix[:, WATCHED] = rng.gamma(2.0, 1.0, (count, len(WATCHED))) * factor
    matrix[:, NAMES.index("hour_of_day")] = hour
    return matrix, rng.normal(factor, 1.0, count)


def measured(
    reference: DriftReference, *parts: tuple[Matrix, Floats], windows: int = 96, **parameters: Any
) -> dict[str, Any]:
    monitor = DriftMonitor(reference, NAMES, DRIFT)
    for matrix, raw in parts:
        monitor.add(matrix, raw)
    return monitor.measure(TrainingParameters(**parameters), windows)


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    matrix, raw = rows(6000, 1)
    return DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT)


def test_psi_is_the_sum_over_the_bins() -> None:
    # (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln(2/3) = 0.25 (0.693147 + 0.405465) = 0.274653
    assert psi(np.array([0.25, 0.75]), np.array([500, 500]), DRIFT) == pytest.approx(0.274653, abs=1e-6)


@pytest.mark.parametrize(("rows", "expected"), [(100_000, 4.604319), (5, 0.990349)])
def test_an_empty_bin_counts_as_half_a_row_or_one_in_ten_thousand(rows: int, expected: float) -> None:
    # (1 - 0.5) ln 2 + (0.0001 - 0.5) ln(0.0001 / 0.5) = 0.346574 + 4.257745
    # (1 - 0.5) ln 2 + (0.1 - 0.5) ln(0.1 / 0.5) = 0.346574 + 0.643775 = 0.990349
    assert psi(np.array([0.5, 0.5]), np.array([rows, 0]), DRIFT) == pytest.approx(expected, abs=1e-5)


def test_chance_is_the_quantile_of_a_chi_squared_distribution() -> None:
    assert chance_psi(10, 100, DRIFT) == pytest.approx(chi2.ppf(0.999, 9) / 100)


@pytest.mark.parametrize("level", [0.001, 0.5, 0.999, 0.9999])
def test_quantiles_of_chi_square_are_those_of_scipy(level: float) -> None:
    mine = [chi_square_quantile(level, degrees) for degrees in range(1, 41)]
    np.testing.assert_allclose(mine, chi2.ppf(level, np.arange(1, 41)), rtol=1e-11)


@pytest.mark.parametrize("rows", [5, 30, 60, 500])
def test_chance_is_rarely_exceeded_by_draws_from_the_expected_shares(rows: int) -> None:
    drawn = np.random.default_rng(0).multinomial(rows, np.full(10, 0.1), 2000)
    assert np.mean(psi(np.full(10, 0.1), drawn, DRIFT) > chance_psi(10, rows, DRIFT)) < 0.01


def test_bins_hold_equal_shares_and_repeated_values_one_bin() -> None:
    edges = bin_edges(np.arange(1000.0), DRIFT.bins)
    assert np.bincount(bin_numbers(np.arange(1000.0), edges)).tolist() == [100] * 10
    assert bin_edges(np.array([0.0] * 95 + [1.0] * 5), DRIFT.bins).tolist() == [0.0]
    assert bin_numbers(np.array([0.0, 3.0, np.nan, np.inf]), np.array([0.0])).tolist() == [0, 1, 2, 2]


def test_time_bands_are_hours_and_weekend() -> None:
    matrix, _ = rows(3, 0)
    matrix[:, NAMES.index("hour_of_day")] = [0, 23, 23]
    matrix[:, NAMES.index("is_weekend")] = [0, 0, 1]
    assert time_bands(matrix, NAMES).tolist() == [0, 23, 47]
    assert BANDS == 48


def test_rows_of_the_same_distribution_have_not_drifted(reference: DriftReference) -> None:
    found = measured(reference, rows(3000, 2))
    assert found["drifted"] is False
    assert found["score_psi"] < 0.02 and found["features_moved"] == 0
    assert found["rows"] == 3000


def test_rows_of_another_distribution_have(reference: DriftReference) -> None:
    found = measured(reference, rows(3000, 2, factor=2.0))
    assert found["drifted"] is True
    assert found["score_psi"] > found["score_psi_bound"] == 0.25
    assert found["features_moved"] == len(WATCHED) == 96
    assert len(found["moved_most"]) == 10
    assert list(found["moved_most"].values()) == sorted(found["moved_most"].values(), reverse=True)


def test_few_rows_prove_nothing(reference: DriftReference) -> None:
    found = measured(reference, rows(12, 2), drift_score_psi=0.1, drift_feature_psi=0.1)
    assert found["score_psi"] > 0.1  # by itself above the threshold
    assert found["drifted"] is False
    assert measured(reference, rows(1200, 2, factor=1.3), drift_score_psi=0.1)["drifted"] is True


def test_parts_add_up_to_the_whole(reference: DriftReference) -> None:
    matrix, raw = rows(1000, 3)
    halves = [(matrix[:400], raw[:400]), (matrix[400:], raw[400:])]
    assert measured(reference, *halves) == measured(reference, (matrix, raw))


def test_each_hour_is_compared_with_itself() -> None:
    """A network that is ten times as busy at noon: noon alone has not drifted, noon's traffic at night has."""
    noon, night = rows(4000, 1, hour=12, factor=10), rows(4000, 2, hour=2)
    matrix, raw = np.concatenate([noon[0], night[0]]), np.concatenate([noon[1], night[1]])
    reference = DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT)
    assert measured(reference, rows(2000, 3, hour=12, factor=10))["drifted"] is False
    assert measured(reference, rows(2000, 3, hour=2, factor=10))["drifted"] is True


def test_hours_that_training_never_saw_are_left_out(reference: DriftReference) -> None:
    found = measured(reference, rows(500, 2, hour=10), rows(300, 3, hour=3, factor=9))
    assert (found["rows"], found["rows_of_unseen_hours"]) == (500, 300)
    assert found["drifted"] is False
    assert measured(reference, rows(300, 3, hour=3, factor=9))["score_psi"] == 0


def varying(windows: int, per_window: int) -> tuple[Matrix, Floats, Integers]:
    """Windows each of which is shifted as a whole, as the windows of a small network are."""
    rng = np.random.default_rng(5)
    parts = [rows(per_window, seed, factor=float(rng.uniform(0.4, 2.5))) for seed in range(windows)]
    ends = np.repeat(np.arange(windows) * WINDOW_MICROS, per_window)
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]), ends


def test_a_window_has_to_move_further_than_windows_of_training_did() -> None:
    matrix, raw, ends = varying(96, 60)
    reference = DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT, ends)
    plain = DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT)
    assert reference.window_levels[-1] > 0.5 > plain.window_levels[-1] == 0
    shifted = rows(60, 999, factor=2.4)
    assert measured(plain, shifted, windows=1)["drifted"] is True
    assert measured(reference, shifted, windows=1)["drifted"] is False
    assert measured(reference, rows(60, 999, factor=9.0), windows=1)["drifted"] is True


def test_days_vary_less_than_windows() -> None:
    matrix, raw, ends = varying(192, 20)
    reference = DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT, ends)
    assert 0 < reference.day_levels[-1] < reference.window_levels[-1] / 5


def test_reference_survives_json(reference: DriftReference) -> None:
    again = DriftReference.from_dict(json.loads(json.dumps(reference.to_dict())), NAMES, DRIFT)
    shifted = rows(700, 4, factor=1.4)
    assert measured(again, shifted) == measured(reference, shifted)


def test_drift_asks_for_a_model_with_the_input_of_the_training_state_machine(reference: DriftReference) -> None:
    moment = datetime(2026, 3, 10, 13, 23, tzinfo=UTC)
    monitor = DriftMonitor(reference, NAMES, DRIFT)
    monitor.add(*rows(3000, 2))
    assert monitor.details(PARAMETERS, "acme", "v1", 1, moment)["retraining_requested"] is None
    monitor.add(*rows(9000, 2, factor=3.0))
    assert monitor.details(PARAMETERS, "acme", "v1", 1, moment)["retraining_requested"] == {
        "project_name": "acme", "feature_spec_version": "v1", "reference_ts_iso": "2026-03-10T13:23:00Z"
    }  # fmt: skip
