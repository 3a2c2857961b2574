"""Command line of the training stage."""

from __future__ import annotations

from typing import Any

import click

from common.cli import report_errors, stage_options
from common.model.forest import ForestParameters
from common.stage import run_stage
from jobs.if_training.config import TrainingConfig
from jobs.if_training.job import run

DEFAULTS = ForestParameters()


@click.command(
    name="ndr-if-training",
    epilog="Example: ndr-if-training --window 2026-03-03T00:08Z/2026-03-10T00:08Z --lake ./lake",
)
@stage_options
@click.option(
    "--n-estimators", type=click.IntRange(10, 2000), default=DEFAULTS.n_estimators, show_default=True, help="Trees."
)
@click.option(
    "--max-samples",
    type=click.IntRange(2, 1_000_000),
    default=DEFAULTS.max_samples,
    show_default=True,
    help="Rows drawn for each tree.",
)
@click.option(
    "--random-state",
    type=click.IntRange(0),
    default=DEFAULTS.random_state,
    show_default=True,
    help="Seed of the trees.",
)
@click.option(
    "--min-rows", type=click.IntRange(2), default=500, show_default=True, help="Fewest training rows to accept."
)
@report_errors
def main(**options: Any) -> None:
    """Trains the model on the features of the range, and saves it as the project's current one."""
    run_stage("ndr-if-training", TrainingConfig(**options), run)
