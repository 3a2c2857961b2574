import numpy as np
import pytest

from common.config.training import TrainingParameters
from common.detection.members.member import ForestParameters
from common.detection.preprocessing import Preprocessor
from jobs.if_training.synthetic_anomalies import examine
from jobs.if_training.tuning import Fold, Tuning, tune
from tests.common.detection.synthetic import NAMES, structured
from tests.common.detection.synthetic import PARAMETERS as DETECTOR
from tests.factories import SPEC

START = ForestParameters(n_estimators=100, max_samples=128, random_state=3)
PARAMETERS = TrainingParameters(tuning_trials=4, random_state=3)
SCALING = DETECTOR.preprocessing
NOTHING: frozenset[str] = frozenset()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folds() -> list[Fold]:
    earlier = structured(300, 1)
    left_out = {name: "not of this test" for number, name in enumerate(NAMES) if number % 20}
    preprocessor = Preprocessor.fit(earlier, NAMES, SCALING, left_out)
    blocks = [structured(150, seed) for seed in (2, 3)]
    return [
        Fold.of(earlier, examine(block, preprocessor, SPEC, 100, 40, [number]), preprocessor)
        for number, block in enumerate(blocks)
    ]


@pytest.fixture(scope="module")
def tuning(folds: list[Fold]) -> Tuning:
    return tune(folds, START, NOTHING, PARAMETERS)


def test_the_search_begins_with_what_is_given(tuning: Tuning) -> None:
    first = tuning.figures["trials"][0]
    assert (first["n_estimators"], first["max_samples"]) == (100, 128)
    assert len(tuning.figures["trials"]) == 4
    assert tuning.figures["time_bound_hit"] is False


def test_the_best_trial_is_taken_and_never_worse_than_the_first(tuning: Tuning) -> None:
    trials = tuning.figures["trials"]
    best = max(trials, key=lambda trial: trial["average_precision"])
    assert (tuning.forest.n_estimators, tuning.forest.max_samples) == (best["n_estimators"], best["max_samples"])
    assert tuning.figures["average_precision"]["best"] >= tuning.figures["average_precision"]["start"]
    assert tuning.forest.random_state == 3


def test_the_search_is_repeatable(folds: list[Fold], tuning: Tuning) -> None:
    assert tune(folds, START, NOTHING, PARAMETERS) == tuning


def test_no_tree_draws_more_rows_than_the_smallest_fold_has(tuning: Tuning) -> None:
    assert max(trial["max_samples"] for trial in tuning.figures["trials"]) <= 300


def test_what_is_fixed_stays(folds: list[Fold]) -> None:
    found = tune(folds, START, frozenset({"n_estimators"}), PARAMETERS)
    assert found.forest.n_estimators == 100
    assert all(set(trial) == {"max_samples", "average_precision"} for trial in found.figures["trials"])


def test_the_time_bound_is_reported(folds: list[Fold]) -> None:
    found = tune(folds, START, NOTHING, PARAMETERS.model_copy(update={"tuning_seconds": 0.0, "tuning_trials": 50}))
    assert found.figures["time_bound_hit"] is True
    assert len(found.figures["trials"]) == 1
    assert found.forest == START


def test_a_fold_holds_what_the_preprocessing_makes() -> None:
    earlier = structured(60, 1)
    preprocessor = Preprocessor.fit(earlier, NAMES, SCALING)
    later = examine(structured(40, 2), preprocessor, SPEC, 40, 10, [1])
    fold = Fold.of(earlier, later, preprocessor)
    assert fold.later.values.shape == (50, len(preprocessor.mask))
    assert not np.isnan(fold.earlier).any() and not np.isnan(fold.later.values).any()
