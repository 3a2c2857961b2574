"""The gates that a model must pass to be promoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.config.training import TrainingParameters

PASSED, REFUSED, NOT_APPLICABLE = "passed", "refused", "not_applicable"
OF_INTEGRITY = ("preprocessing_parity", "score_difference")
"""Gates that say whether the model is what was trained; the others estimate how good it is."""


@dataclass(frozen=True)
class Gate:
    """One condition: what was found, what was wanted, and the verdict; a reason where it could not be applied."""

    name: str
    value: float | None
    bound: str
    verdict: str
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The gate as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.name} is {self.value:.4g}, wanted {self.bound}" if self.value is not None else self.reason


def at_least(name: str, value: float, bound: float) -> Gate:
    """A gate for values that must not be lower."""
    return Gate(name, value, f">= {bound:g}", PASSED if value >= bound else REFUSED)


def at_most(name: str, value: float, bound: float) -> Gate:
    """A gate for values that must not be higher."""
    return Gate(name, value, f"<= {bound:g}", PASSED if value <= bound else REFUSED)


def not_applicable(name: str, reason: str) -> Gate:
    """A gate that there was nothing to apply to, and why."""
    return Gate(name, None, "", NOT_APPLICABLE, reason)


def improvement(validation: dict[str, Any], current: float | None, reason: str, wanted: float) -> Gate:
    """Whether the model finds synthetic anomalies better than the current one, by that share of the latter's precision.

    `current` is the average precision of the current model on the same rows; without it, the reason why not.
    """
    if current is None:
        return not_applicable("improvement", reason)
    own = float(validation["average_precision"])
    return at_least("improvement", (own - current) / max(current, 1e-9), wanted)


def of_validation(validation: dict[str, Any] | None, parameters: TrainingParameters) -> list[Gate]:
    """The gates that need no other model: alert volume, drift of the score, agreement of the refitted model, pairs."""
    names = ("alert_share", "score_psi", "refit_agreement")
    validation = validation or {"reason": "the model was not validated"}
    pairs = _of_pairs(validation.get("pairs", validation), parameters)
    if "reason" in validation:
        return [*(not_applicable(name, str(validation["reason"])) for name in names), pairs]
    psi_bound = max(parameters.max_score_psi, float(validation["score_psi_of_chance"]))
    return [
        at_most("alert_share", float(validation["alert_share"]), parameters.max_alert_share),
        at_most("score_psi", float(validation["score_psi"]), psi_bound),
        at_least("refit_agreement", float(validation["refit_agreement"]), parameters.min_refit_agreement),
        pairs,
    ]


def _of_pairs(examined: dict[str, Any], parameters: TrainingParameters) -> Gate:
    if "reason" in examined:
        return not_applicable("pair_alert_share", str(examined["reason"]))
    return at_most("pair_alert_share", float(examined["alert_share"]), parameters.max_alert_share)


def refusals(gates: Sequence[Gate], only: Sequence[str] | None = None) -> list[str]:
    """What the gates that refuse say, in their order: all of them, or those with the names given."""
    return [str(gate) for gate in gates if gate.verdict == REFUSED and (only is None or gate.name in only)]
