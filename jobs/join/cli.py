"""Command line of the join stage."""

from __future__ import annotations

from typing import Any

import click

from common.cli import report_errors, stage_options
from common.stage import StageConfig, run_stage
from jobs.join.job import run


@click.command(
    name="ndr-join",
    epilog="Example: ndr-join --window 2026-03-10T13:08Z --lake ./lake",
)
@stage_options
@report_errors
def main(**options: Any) -> None:
    """Puts each prediction beside the features that an analyst looks at first."""
    run_stage("ndr-join", StageConfig(**options), run)
