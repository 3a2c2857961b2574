"""Parameters of training, promotion and drift, as a project sets them."""

from __future__ import annotations

from math import floor
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from common.budgets import REMEDIATION_SECONDS
from common.config.loader import Settings
from common.config.values import AtLeastOne, Count, NotNegative, RoleArn, Share, Text, matching, wrong

MOST_SEED = 2**31 - 1
MODEL_FIELDS = ("max_rows", "max_pair_rows", "random_state", "selection_rows", "selection_min_rows", "correlation_max",
                "bootstraps", "stability_min", "permutations", "tuning_blocks", "tuning_rows", "tuning_min_rows",
                "tuning_trials", "tuning_seconds", "validation_share", "validation_rows", "transplants",
                "alert_score")  # fmt: skip


class EndpointParameters(Settings):
    """A SageMaker endpoint that a deployed model goes to."""

    name: Annotated[str, matching("[A-Za-z0-9](-*[A-Za-z0-9]){0,62}", "a name of up to 63 letters, digits and hyphens")]
    """Name of the endpoint; the role of the steps may create those that begin with `ndr-`."""
    image: Text | None = None
    """Container image that serves the model: the pushed `ndr-serve`; by default that of the registry and with the tag
    of the image that deploys it, which a pipeline knows."""
    role_arn: RoleArn
    """Role of the endpoint: the stack's output `ServingRoleArn`."""
    instance_type: Annotated[str, matching("ml[.][a-z0-9.-]+", "a type like ml.m5.large")] = "ml.m5.large"
    """Type of its instances."""
    instance_count: AtLeastOne = 1
    """Number of its instances."""


class TrainingParameters(Settings):
    """The settings of the training lifecycle; `docs/training.md` says what each stage does with them."""

    min_coverage: Share = 0.8
    """Smallest share of the range's windows that must have features."""
    min_rows: AtLeastOne = 500
    """Smallest number of rows to train on."""
    max_rows: AtLeastOne = 500_000
    """Largest number of rows to train on; if there are more, this many are drawn evenly over the range."""
    max_pair_rows: AtLeastOne = 150_000_000
    """Largest number of pair rows to learn from; if the fewest days have more, some windows of all hosts are drawn."""
    random_state: Annotated[int, Field(ge=0, le=MOST_SEED)] = 20240101
    """Seed of everything that is drawn at random."""
    selection_rows: AtLeastOne = 10_000
    """Rows that feature selection works on."""
    selection_min_rows: Count = 2_000
    """Smallest number of rows before the validation block for features to be selected."""
    correlation_max: Share = 0.95
    """Largest absolute Spearman correlation of two selected features."""
    bootstraps: AtLeastOne = 6
    """Bootstraps on which the stability of a feature is measured."""
    stability_min: Share = 0.5
    """Smallest share of the bootstraps' forests in which a feature must help."""
    permutations: AtLeastOne = 3
    """Number of shuffles; a feature is left out only if it does harm in all of them."""
    tuning_blocks: Annotated[int, Field(ge=2)] = 4
    """Blocks of time that tuning divides the rows into."""
    tuning_rows: AtLeastOne = 10_000
    """Largest number of rows that a forest is grown on while tuning."""
    tuning_min_rows: Count = 5_000
    """Smallest number of rows before the validation block for the forest to be tuned."""
    tuning_trials: Count = 12
    """Trials of the search; 0 keeps the defaults."""
    tuning_seconds: NotNegative = 240.0
    """Time after which the search ends early; the report then says `time_bound_hit`."""
    validation_share: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    """Share of the rows, at the end of the range, used for validation."""
    validation_rows: AtLeastOne = 4_000
    """Largest number of rows of the validation block that are examined."""
    transplants: AtLeastOne = 400
    """Synthetic anomalies that selection, tuning and validation each make."""
    promotion: Literal["gated", "always"] = "gated"
    """`gated` refuses a model that fails a gate, `always` only reports it."""
    min_relative_improvement: float = -0.02
    """Least average precision relative to the current model's; -0.02 allows 2 % less."""
    alert_score: Share = 0.99
    """Score from which a window counts as an alert in the gates."""
    max_alert_share: Share = 0.05
    """Largest share of the validation block's rows, or windows, that may alert."""
    max_score_psi: NotNegative = 0.25
    """Largest population stability index of the scores, validation block against the rows before."""
    min_refit_agreement: Share = 0.8
    """Least Spearman correlation of the validated and the final model's scores."""
    drift_score_psi: NotNegative = 0.25
    """Population stability index above which the score has drifted."""
    drift_feature_psi: NotNegative = 0.25
    """Population stability index above which a feature has drifted."""
    drift_feature_share: Share = 0.2
    """Share of drifted features above which the run has drifted."""
    backfill_poll_seconds: NotNegative = 30.0
    """Time between polls of a backfill."""
    backfill_poll_attempts: AtLeastOne = 2_820
    """Polls of all backfills of a training before they count as overdue; its step must not end before."""
    endpoint: EndpointParameters | None = None
    """Endpoint to create or update at deployment; without it, none."""

    @field_validator("max_rows")
    @classmethod
    def _above_min_rows(cls, rows: int, info: ValidationInfo) -> int:
        least = info.data.get("min_rows", rows)
        if rows < least:
            raise wrong(f"is {rows}, less than min_rows", f"Give at least {least}")
        return rows

    @field_validator("backfill_poll_attempts")
    @classmethod
    def _within_the_step(cls, attempts: int, info: ValidationInfo) -> int:
        most = floor(REMEDIATION_SECONDS / (info.data.get("backfill_poll_seconds") or 1))
        if attempts > most:
            raise wrong(f"is {attempts}, but the step that polls ends before", f"Give at most {most}")
        return attempts

    def of_model(self) -> dict[str, Any]:
        """The settings that the model itself follows from, by name."""
        return {name: getattr(self, name) for name in MODEL_FIELDS}

    def to_dict(self) -> dict[str, Any]:
        """All settings as JSON values."""
        return self.model_dump(mode="json")
