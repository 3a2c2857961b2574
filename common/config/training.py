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
    """A SageMaker endpoint that a deployed model goes to: its name, container image, role, and machines."""

    name: str
    image: str
    role_arn: str
    instance_type: str = "ml.m5.large"
    instance_count: int = 1


@dataclass(frozen=True)
class TrainingParameters:
    """The settings of the training lifecycle; `docs/training.md` says what each stage does with them.

    Coverage: `min_coverage` is the share of the range's windows that must have features. Size: training needs
    `min_rows` rows, and takes at most `max_rows`, drawn evenly over the range. Selection works on `selection_rows`
    rows, tuning on `tuning_rows` of each of `tuning_blocks` blocks; with fewer rows than `..._min_rows` they are left
    out. Tuning stops after `tuning_trials`, or after `tuning_seconds`, which the report then says. The last
    `validation_share` of the range validates. Promotion: `gated` refuses a
    model that fails a gate (see `docs/training.md`), `always` only reports it. Drift: see
    `common.detection.drift.reference`.
    """

    min_coverage: float = 0.8
    min_rows: int = 500
    max_rows: int = 500_000
    random_state: int = 20240101
    selection_rows: int = 10_000
    selection_min_rows: int = 2_000
    correlation_max: float = 0.95
    bootstraps: int = 6
    stability_min: float = 0.5
    permutations: int = 3
    tuning_blocks: int = 4
    tuning_rows: int = 10_000
    tuning_min_rows: int = 5_000
    tuning_trials: int = 12
    tuning_seconds: float = 240.0
    validation_share: float = 0.2
    validation_rows: int = 4_000
    transplants: int = 400
    promotion: str = "gated"
    min_relative_improvement: float = -0.02
    alert_score: float = 0.99
    max_alert_share: float = 0.05
    max_score_psi: float = 0.25
    min_refit_agreement: float = 0.8
    drift_score_psi: float = 0.25
    drift_feature_psi: float = 0.25
    drift_feature_share: float = 0.2
    backfill_poll_seconds: float = 30.0
    backfill_poll_attempts: int = 2_880
    endpoint: EndpointParameters | None = None

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
