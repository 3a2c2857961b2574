"""Command line of the inference stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option
from jobs.inference.config import InferenceConfig


@command(
    name="ndr-inference",
    epilog="Example: ndr-inference --window 2026-03-10T13:08Z --lake demo/lake",
    groups={"Model": ("model", "top-features")},
)
@stage_options
@click.option("--model", metavar="RUN_ID", help="Run id of the model.  [default: the project's current model]")
@click.option(
    "--top-features",
    type=click.IntRange(5, 10),
    default=InferenceConfig.top_features,
    show_default=True,
    help="Number of reasons to keep for each prediction.",
)
@version_option
@report_errors
def main(**options: Any) -> None:
    """Score every host and window from fg_a and fg_c with a verified model, and give the reasons."""
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.inference.job import run

    run_stage("ndr-inference", InferenceConfig(**with_lake_project(options)), run)
