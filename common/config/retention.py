"""How long the lake keeps what is in it."""

from __future__ import annotations

from common.config.loader import Settings
from common.config.values import AtLeastOne


class RetentionParameters(Settings):
    """How many days the lake keeps, before the newest; `ndr-maintain` removes older ones.

    `sessions_retention_days` says it of single sessions.
    """

    rejected_days: AtLeastOne = 90
    """Rejected records."""
    slices_days: AtLeastOne = 400
    """Slices of 15 minutes, and what goes with them; their daily roll-up stays 30 days longer."""
    features_days: AtLeastOne = 400
    """Features, deviations and pair counts."""
    predictions_days: AtLeastOne = 800
    """Predictions, alone and joined with features, and what channels were told of cases."""
    privacy_days: AtLeastOne = 800
    """Who unmasked, exported or erased names, and who opened which case."""
    baselines_days: AtLeastOne = 800
    """Baselines and the machine inventory, by their months. The newest month stays."""
    models_days: AtLeastOne = 400
    """Models. The current one stays, those that it can be rolled back to, and those whose predictions are there."""
    training_reach_days: AtLeastOne = 154
    """How far back training reads: three months that end a month ago, and the pairs of 30 days before. What it reads
    cannot be kept for less."""
