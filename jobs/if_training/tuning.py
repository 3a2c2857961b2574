"""The search for the forest's parameters, on blocks of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna

from common.arrays import Matrix
from common.config.training import TrainingParameters
from common.detection.members.member import ForestParameters
from common.detection.preprocessing import Preprocessor
from common.runtime.output import progress
from jobs.if_training.growing import grow
from jobs.if_training.synthetic_anomalies import Examination

TREES = (100, 300, 50)
SAMPLES = (64, 4096)


@dataclass(frozen=True, eq=False)
class Fold:
    """Scaled rows to grow on, and a scaled examination of the block after them."""

    earlier: Matrix
    later: Examination

    @classmethod
    def of(cls, earlier: Matrix, later: Examination, preprocessor: Preprocessor) -> Fold:
        """The fold of unscaled rows."""
        examined = Examination(preprocessor.transform(later.values), later.synthetic)
        return cls(preprocessor.transform(earlier), examined)


@dataclass(frozen=True)
class Tuning:
    """The parameters that were found, and the figures of the search."""

    forest: ForestParameters
    figures: dict[str, Any]


def tune(
    folds: Sequence[Fold], start: ForestParameters, fixed: frozenset[str], parameters: TrainingParameters
) -> Tuning:
    """The parameters whose forests find the synthetic anomalies of the later blocks best, by average precision.

    The search begins with `start`, leaves the `fixed` ones as they are there, and is the same for the same folds and
    seed unless `tuning_seconds` end it before all trials; then `time_bound_hit` says so.
    """
    most = min(SAMPLES[1], min(len(fold.earlier) for fold in folds))
    bounds = {"n_estimators": TREES, "max_samples": (min(SAMPLES[0], most), most, 1)}
    searched = {name: bound for name, bound in bounds.items() if name not in fixed}

    def objective(trial: optuna.Trial) -> float:
        drawn = {
            name: trial.suggest_int(name, low, high, step=step, log=name == "max_samples")
            for name, (low, high, step) in searched.items()
        }
        progress(trial.number, parameters.tuning_trials, "trials")
        return float(np.mean([_precision(fold, replace(start, **drawn)) for fold in folds]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=parameters.random_state % 2**32)
    )
    study.enqueue_trial({name: min(max(getattr(start, name), low), high) for name, (low, high, _) in searched.items()})
    study.optimize(objective, n_trials=1)
    if parameters.tuning_trials > 1:
        study.optimize(objective, n_trials=parameters.tuning_trials - 1, timeout=parameters.tuning_seconds)
    trials = [{**trial.params, "average_precision": round(float(trial.value or 0), 6)} for trial in study.trials]
    figures = {
        "folds": len(folds),
        "rows": [len(fold.earlier) for fold in folds],
        "trials": trials,
        "time_bound_hit": len(trials) < parameters.tuning_trials,
        "best": study.best_params,
        "average_precision": {"start": trials[0]["average_precision"], "best": round(study.best_value, 6)},
    }
    return Tuning(replace(start, **study.best_params), figures)


def _precision(fold: Fold, forest: ForestParameters) -> float:
    return fold.later.separation(grow(fold.earlier, forest).score_samples(fold.later.values)).average_precision
