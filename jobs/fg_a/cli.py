"""Command line of the FG-A stage."""

from __future__ import annotations

from typing import Any

from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import StageConfig, run_stage
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option


@command(
    name="ndr-fg-a",
    epilog="Example: ndr-fg-a --window 2026-03-10T13:08Z --lake demo/lake",
)
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Compute FG-A: what each host does now, over 15 minutes to 24 hours, from host and pair slices."""
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.fg_a.job import run

    run_stage("ndr-fg-a", StageConfig(**with_lake_project(options)), run)
