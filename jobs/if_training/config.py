"""Configuration of the training lifecycle."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig
from common.windows import Windows

STAGES = ("verify", "remediate", "reverify", "train", "publish", "attributes", "deploy")
ALL = "all"
ROLLBACK = "rollback"
AUTO = "auto"


@dataclass(frozen=True)
class TrainingConfig(StageConfig):
    """The options of a stage of the lifecycle.

    `run_id` names the run; without it, one is derived from what the model is made of. `missing_windows` replaces the
    list of the verifier; None takes that list. `n_estimators`, `max_samples`, `random_state` and `min_rows` are None
    where the project parameters, or the tuning, decide. `execution` is the ARN of the execution that runs the stage.
    """

    stage: str
    run_id: str | None
    missing_windows: tuple[Windows, ...] | None
    backfill_state_machine: str | None
    n_estimators: int | None
    max_samples: int | None
    random_state: int | None
    min_rows: int | None
    execution: str | None
