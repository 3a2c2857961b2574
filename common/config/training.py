"""Parameters of training, promotion and drift, as a project sets them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from common.errors import ParameterError

PROMOTIONS = ("gated", "always")
SHARES = ("min_coverage", "correlation_max", "stability_min", "validation_share", "alert_score", "max_alert_share",
          "min_refit_agreement", "drift_feature_share")  # fmt: skip
AT_LEAST_ONE = ("min_rows", "max_rows", "selection_rows", "bootstraps", "permutations", "tuning_blocks", "tuning_rows",
                "validation_rows", "transplants", "backfill_poll_attempts")  # fmt: skip
NOT_NEGATIVE = ("tuning_trials", "tuning_seconds", "random_state", "backfill_poll_seconds", "max_score_psi",
                "drift_score_psi", "drift_feature_psi")  # fmt: skip
MODEL_FIELDS = ("max_rows", "random_state", "selection_rows", "selection_min_rows", "correlation_max", "bootstraps",
                "stability_min", "permutations", "tuning_blocks", "tuning_rows", "tuning_min_rows", "tuning_trials",
                "tuning_seconds", "validation_share", "validation_rows", "transplants", "alert_score")  # fmt: skip


@dataclass(frozen=True)
class EndpointParameters:
    """A SageMaker endpoint that a deployed model goes to."""

    name: str
    """Name of the endpoint."""
    image: str
    """Container image that serves the model."""
    role_arn: str
    """Role of the endpoint."""
    instance_type: str = "ml.m5.large"
    """Type of its instances."""
    instance_count: int = 1
    """Number of its instances."""


@dataclass(frozen=True)
class TrainingParameters:
    """The settings of the training lifecycle; `docs/training.md` says what each stage does with them."""

    min_coverage: float = 0.8
    """Smallest share of the range's windows that must have features."""
    min_rows: int = 500
    """Smallest number of rows to train on."""
    max_rows: int = 500_000
    """Largest number of rows to train on; if there are more, this many are drawn evenly over the range."""
    random_state: int = 20240101
    """Seed of everything that is drawn at random."""
    selection_rows: int = 10_000
    """Rows that feature selection works on."""
    selection_min_rows: int = 2_000
    """Smallest number of rows before the validation block for features to be selected."""
    correlation_max: float = 0.95
    """Largest absolute Spearman correlation of two selected features."""
    bootstraps: int = 6
    """Bootstraps on which the stability of a feature is measured."""
    stability_min: float = 0.5
    """Smallest share of the bootstraps' forests in which a feature must help."""
    permutations: int = 3
    """Number of shuffles; a feature is left out only if it does harm in all of them."""
    tuning_blocks: int = 4
    """Blocks of time that tuning divides the rows into."""
    tuning_rows: int = 10_000
    """Largest number of rows that a forest is grown on while tuning."""
    tuning_min_rows: int = 5_000
    """Smallest number of rows before the validation block for the forest to be tuned."""
    tuning_trials: int = 12
    """Trials of the search; 0 keeps the defaults."""
    tuning_seconds: float = 240.0
    """Time after which the search ends early; the report then says `time_bound_hit`."""
    validation_share: float = 0.2
    """Share of the rows, at the end of the range, used for validation: above 0, at most 0.5."""
    validation_rows: int = 4_000
    """Largest number of rows of the validation block that are examined."""
    transplants: int = 400
    """Synthetic anomalies that selection, tuning and validation each make."""
    promotion: str = "gated"
    """`gated` refuses a model that fails a gate, `always` only reports it."""
    min_relative_improvement: float = -0.02
    """Least average precision relative to the current model's; -0.02 allows 2 % less."""
    alert_score: float = 0.99
    """Score from which a window counts as an alert in the gates."""
    max_alert_share: float = 0.05
    """Largest share of the validation block's rows, or windows, that may alert."""
    max_score_psi: float = 0.25
    """Largest population stability index of the scores, validation block against the rows before."""
    min_refit_agreement: float = 0.8
    """Least Spearman correlation of the validated and the final model's scores."""
    drift_score_psi: float = 0.25
    """Population stability index above which the score has drifted."""
    drift_feature_psi: float = 0.25
    """Population stability index above which a feature has drifted."""
    drift_feature_share: float = 0.2
    """Share of drifted features above which the run has drifted."""
    backfill_poll_seconds: float = 30.0
    """Time between polls of a backfill."""
    backfill_poll_attempts: int = 2_880
    """Polls of a backfill before it counts as overdue."""
    endpoint: EndpointParameters | None = None
    """Endpoint to create or update at deployment; without it, none."""

    def __post_init__(self) -> None:
        for name in SHARES:
            self._check(name, 0 <= getattr(self, name) <= 1, "a share from 0 to 1")
        for name in AT_LEAST_ONE:
            self._check(name, getattr(self, name) >= 1, "1 or more")
        for name in NOT_NEGATIVE:
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("validation_share", 0 < self.validation_share <= 0.5, "a share above 0, at most 0.5")
        self._check("tuning_blocks", self.tuning_blocks >= 2, "2 or more")
        self._check("max_rows", self.max_rows >= self.min_rows, "at least min_rows")
        self._check("promotion", self.promotion in PROMOTIONS, " or ".join(PROMOTIONS))

    def _check(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise ParameterError(f"project parameter training.{name} is {getattr(self, name)!r}", f"Give {wanted}")

    def of_model(self) -> dict[str, Any]:
        """The settings that the model itself follows from, by name."""
        return {name: getattr(self, name) for name in MODEL_FIELDS}

    def to_dict(self) -> dict[str, Any]:
        """All settings as JSON values."""
        return asdict(self)
