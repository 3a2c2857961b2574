from typing import Any

import pytest

from common.config.training import TrainingParameters
from jobs.if_training.gates import at_least, at_most, improvement, of_validation, refusals
from tests.types import Row

GOOD: Row = {
    "average_precision": 0.5,
    "alert_share": 0.01,
    "score_psi": 0.05,
    "score_psi_of_chance": 0.01,
    "refit_agreement": 0.99,
    "pairs": {"alert_share": 0.02},
}
PARAMETERS = TrainingParameters()


def verdicts(validation: Row | None, **changes: Any) -> dict[str, str]:
    gates = of_validation(validation, TrainingParameters(**changes))
    return {gate.name: gate.verdict for gate in gates}


@pytest.mark.parametrize(
    ("current", "wanted", "verdict"),
    [
        (0.5, 0.0, "passed"),  # as good
        (0.51, 0.0, "refused"),  # (0.5 - 0.51) / 0.51 = -0.0196
        (0.51, -0.02, "passed"),
        (0.46, 0.1, "refused"),  # (0.5 - 0.46) / 0.46 = 0.087
        (0.45, 0.1, "passed"),  # 0.111
    ],
)
def test_improvement_is_relative_to_the_current_model(current: float, wanted: float, verdict: str) -> None:
    assert improvement(GOOD, current, "", wanted).verdict == verdict


def test_the_first_model_has_nothing_to_be_better_than() -> None:
    gate = improvement(GOOD, None, "there is no current model", 0.5)
    assert (gate.verdict, gate.reason, gate.value) == ("not_applicable", "there is no current model", None)


def test_a_good_model_passes() -> None:
    assert set(verdicts(GOOD).values()) == {"passed"}


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"alert_share": 0.06}, "alert_share"),
        ({"score_psi": 0.3}, "score_psi"),
        ({"refit_agreement": 0.7}, "refit_agreement"),
        ({"pairs": {"alert_share": 0.06}}, "pair_alert_share"),
    ],
)
def test_each_figure_out_of_bounds_is_refused_by_its_gate(changed: Row, gate: str) -> None:
    found = verdicts(GOOD | changed)
    assert {name for name, verdict in found.items() if verdict == "refused"} == {gate}


def test_a_shift_that_chance_gives_is_none() -> None:
    assert verdicts(GOOD | {"score_psi": 0.3, "score_psi_of_chance": 0.4})["score_psi"] == "passed"


def test_bounds_are_the_parameters() -> None:
    assert verdicts(GOOD, max_alert_share=0.005)["alert_share"] == "refused"


def test_without_validation_no_gate_applies_and_says_why() -> None:
    gates = of_validation({"reason": "12 rows"}, PARAMETERS)
    assert {gate.verdict for gate in gates} == {"not_applicable"}
    assert {gate.reason for gate in gates} == {"12 rows"}


def test_pairs_are_judged_by_themselves() -> None:
    assert verdicts(GOOD | {"pairs": {"reason": "no pairs"}})["pair_alert_share"] == "not_applicable"
    assert verdicts({"reason": "12 rows", "pairs": {"alert_share": 0.5}})["pair_alert_share"] == "refused"
    assert set(verdicts(None).values()) == {"not_applicable"}


def test_refusals_name_value_and_bound() -> None:
    gates = [at_least("a", 0.5, 0.25), at_least("b", 0.125, 0.25), at_most("c", 2.0, 1.0)]
    assert refusals(gates) == ["b is 0.125, wanted >= 0.25", "c is 2, wanted <= 1"]
